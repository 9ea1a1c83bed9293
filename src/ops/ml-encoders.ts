// OneHotEncoder and LabelEncoder of ai.onnx.ml, for numbers. Strings are left to those who represent them.

import { type DType, isFloat } from '../../ir/dtype.ts';
import { and, cast, eq, indexVar, int, lt, ne, or, reduce, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import {
  floatAttribute,
  intAttribute,
  optionalFloats,
  optionalInts,
  optionalStrings,
  optionalTensor,
  stringAttribute,
} from './attributes.ts';
import { castTo } from './compose.ts';
import { op } from './define.ts';
import { Gather } from './gather.ts';
import { Equal } from './logic.ts';
import { numbersIn, tensorDtype } from './ml-classic-trees.ts';
import { vector } from './ml-forest-tables.ts';
import { inputType, mlDomain } from './ml-inputs.ts';
import { Unsqueeze } from './reshape.ts';
import { checked } from './run-time-operands.ts';
import { numericTypes, tensorOf, typeSet } from './types.ts';

/** The first of `keys` that equals an element of X (NaN equals NaN here). Where none does: their number, or an error. */
const KeyPosition = op('KeyPosition', {
  domain: 'lapidary',
  inputs: ['X', 'keys'],
  attributes: { strict: intAttribute(0, [0, 1]) },
  types: { X: typeSet('T', numericTypes), keys: typeSet('T', numericTypes) },
  type: ({ X }) => tensorOf('int64', X.shape),
  compute: ({ X, keys }, { strict }, index) => {
    const count = keys.shape[0]!;
    const at = indexVar('key', count);
    const [x, key] = [X.at(...index), keys.at(at)];
    const same = isFloat(x.dtype) ? or(eq(key, x), and(ne(key, key), ne(x, x))) : eq(key, x);
    const found = reduce('min', [at], select(same, at, count));
    return cast(strict === 1 ? checked(lt(found, count), found) : found, 'int64');
  },
});

/** A new last axis with 1 at the category that an element is, truncated to an integer. */
export const OneHotEncoder = op('OneHotEncoder', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { cats_int64s: optionalInts, cats_strings: optionalStrings, zeros: intAttribute(1, [0, 1]) },
  types: { X: inputType },
  type: ({ X }, { cats_int64s }, context) => {
    if (!cats_int64s?.length) return context.fail(`X is ${X.dtype}, so attribute cats_int64s must be given.`);
    return tensorOf('float32', [...X.shape, int(cats_int64s.length)]);
  },
  expand: ({ X }, { cats_int64s = [], zeros }, g) => {
    const categories = vector(g, cats_int64s, 'int64');
    // With zeros = 0 a category that is not known is an error.
    const found = g.apply(KeyPosition, [castTo(g, X, 'int64'), categories], { strict: zeros === 0 ? 1 : 0 });
    const positions = vector(g, [...cats_int64s.keys()], 'int64');
    return castTo(g, g.apply(Equal, [g.apply(Unsqueeze, [found, g.ints([-1])]), positions]), 'float32');
  },
});

interface Table {
  readonly keys: readonly number[];
  readonly keyType: DType;
  readonly values: readonly number[];
  readonly valueType: DType;
  readonly missing: number;
}

const encoderAttributes = {
  default_float: floatAttribute(-0),
  default_int64: intAttribute(-1),
  default_string: stringAttribute('_Unused'),
  default_tensor: optionalTensor,
  keys_floats: optionalFloats,
  keys_int64s: optionalInts,
  keys_strings: optionalStrings,
  keys_tensor: optionalTensor,
  values_floats: optionalFloats,
  values_int64s: optionalInts,
  values_strings: optionalStrings,
  values_tensor: optionalTensor,
};

interface Given {
  readonly default_float: number;
  readonly default_int64: number;
  readonly default_tensor: Value | undefined;
  readonly keys_floats: readonly number[] | undefined;
  readonly keys_int64s: readonly number[] | undefined;
  readonly keys_tensor: Value | undefined;
  readonly values_floats: readonly number[] | undefined;
  readonly values_int64s: readonly number[] | undefined;
  readonly values_tensor: Value | undefined;
}

/** One side of the table, in whichever attribute it stands. */
function sideOf(
  floats: readonly number[] | undefined,
  ints: readonly number[] | undefined,
  tensor: Value | undefined,
): { readonly list: readonly number[]; readonly dtype: DType } | undefined {
  const dtype = tensorDtype(tensor);
  if (dtype !== undefined) return dtype === 'string' ? undefined : { list: numbersIn(undefined, tensor), dtype };
  if (floats?.length) return { list: floats, dtype: 'float32' };
  return ints?.length ? { list: ints, dtype: 'int64' } : undefined;
}

function tableOf(given: Given): Table | undefined {
  const keys = sideOf(given.keys_floats, given.keys_int64s, given.keys_tensor);
  const values = sideOf(given.values_floats, given.values_int64s, given.values_tensor);
  if (!keys || !values) return undefined;
  const usual = values.dtype === 'int64' ? given.default_int64 : given.default_float;
  const missing = given.default_tensor ? (numbersIn(undefined, given.default_tensor)[0] ?? usual) : usual;
  return { keys: keys.list, keyType: keys.dtype, values: values.list, valueType: values.dtype, missing };
}

/** Each element replaced by what the table says, or by the default. */
export const LabelEncoder = op('LabelEncoder', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: encoderAttributes,
  types: { X: typeSet('T', numericTypes) },
  since: 4,
  type: ({ X }, attributes, context) => {
    const table =
      tableOf(attributes) ?? context.fail('keys and values must be numbers; strings are not supported yet.');
    if (table.keys.length !== table.values.length)
      context.fail(`has ${table.keys.length} keys and ${table.values.length} values; they must be as many.`);
    if (table.keyType !== X.dtype) context.fail(`X is ${X.dtype} and the keys are ${table.keyType}.`);
    return tensorOf(table.valueType, X.shape);
  },
  expand: ({ X }, attributes, g) => {
    const { keys, keyType, values, valueType, missing } = tableOf(attributes)!;
    const found = g.apply(KeyPosition, [X, vector(g, keys, keyType)]);
    return g.apply(Gather, [vector(g, [...values, missing], valueType), found]);
  },
});
