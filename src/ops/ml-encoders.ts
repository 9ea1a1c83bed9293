// Operators of ai.onnx.ml that look elements up: OneHotEncoder, LabelEncoder, CategoryMapper. Numbers are compared one by
// one, strings are searched (string-search.ts).

import { type DType, isFloat } from '../../ir/dtype.ts';
import { int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { CompilerBug } from '../errors.ts';
import {
  type AttributeValues,
  floatAttribute,
  intAttribute,
  optionalFloats,
  optionalInts,
  optionalStrings,
  optionalTensor,
  stringAttribute,
} from './attributes.ts';
import { castTo } from './compose.ts';
import { type Builder, op } from './define.ts';
import { Gather } from './gather.ts';
import { KeyPosition } from './key-position.ts';
import { Equal } from './logic.ts';
import { numbersIn, tensorDtype } from './ml-classic-trees.ts';
import { vector } from './ml-forest-tables.ts';
import { inputOrText, mlDomain } from './ml-inputs.ts';
import { Unsqueeze } from './reshape.ts';
import { constantTexts, textVector } from './string-parts.ts';
import { positionOfText } from './string-search.ts';
import { textOf } from './structure.ts';
import { numericTypes, tensorOf, typeSet } from './types.ts';

/** 1 at the position that was found, along a new last axis. With zeros = 0 a category that is not known is an error. */
function oneHot(g: Builder, found: Value, count: number, zeros: number): Value {
  const positions = vector(g, [...Array(count).keys()], 'int64');
  const known = zeros === 1 ? found : g.apply(KeyPosition, [found, positions], { strict: 1 });
  return castTo(g, g.apply(Equal, [g.apply(Unsqueeze, [known, g.ints([-1])]), positions]), 'float32');
}

/** A new last axis with 1 at the category that an element is, truncated to an integer. */
export const OneHotEncoder = op('OneHotEncoder', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { cats_int64s: optionalInts, cats_strings: optionalStrings, zeros: intAttribute(1, [0, 1]) },
  types: { X: inputOrText },
  type: ({ X }, { cats_int64s }, context) => {
    if (!cats_int64s?.length) return context.fail(`X is ${X.dtype}, so attribute cats_int64s must be given.`);
    return tensorOf('float32', [...X.shape, int(cats_int64s.length)]);
  },
  expand: ({ X }, { cats_int64s = [], zeros }, g) => {
    const categories = vector(g, cats_int64s, 'int64');
    return oneHot(g, g.apply(KeyPosition, [castTo(g, X, 'int64'), categories]), cats_int64s.length, zeros);
  },
  build: ({ X }, { cats_strings = [], zeros }, g, { fail }) => {
    if (cats_strings.length === 0) fail('X is string, so attribute cats_strings must be given.');
    return oneHot(g, positionOfText(g, textOf(X), cats_strings), cats_strings.length, zeros);
  },
});

/** One side of a table. */
type Side =
  | { readonly dtype: 'string'; readonly list: readonly string[] }
  | { readonly dtype: Exclude<DType, 'string'>; readonly list: readonly number[] };

interface Table {
  readonly keys: Side;
  readonly values: Side;
  readonly missing: number | string;
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
type Given = AttributeValues<typeof encoderAttributes>;

/** One side, in whichever attribute it stands. */
function sideOf(given: Given, side: 'keys' | 'values'): Side | undefined {
  const tensor = given[`${side}_tensor`];
  if (tensor) return tensorSide(tensor);
  const [floats, ints, strings] = [given[`${side}_floats`], given[`${side}_int64s`], given[`${side}_strings`]];
  if (floats?.length) return { list: floats, dtype: 'float32' };
  if (ints?.length) return { list: ints, dtype: 'int64' };
  return strings?.length ? { list: strings, dtype: 'string' } : undefined;
}

function tensorSide(tensor: Value): Side {
  const dtype = tensorDtype(tensor) ?? 'float32';
  return dtype === 'string' ? { dtype, list: constantTexts(tensor) } : { dtype, list: numbersIn(undefined, tensor) };
}

function missingOf(given: Given, dtype: DType): number | string {
  const own = given.default_tensor && tensorSide(given.default_tensor).list[0];
  if (own !== undefined) return own;
  if (dtype === 'string') return given.default_string;
  return isFloat(dtype) ? given.default_float : given.default_int64;
}

function tableOf(given: Given, dtype: DType, fail: (rule: string) => never): Table {
  const [keys, values] = [sideOf(given, 'keys'), sideOf(given, 'values')];
  if (!keys || !values) return fail('has no keys or no values.');
  if (keys.list.length !== values.list.length)
    fail(`has ${keys.list.length} keys and ${values.list.length} values; they must be as many.`);
  if (keys.dtype !== dtype) fail(`X is ${dtype} and the keys are ${keys.dtype}.`);
  return { keys, values, missing: missingOf(given, values.dtype) };
}

/** The value for each element. */
function lookUp(g: Builder, X: Value, { keys, values, missing }: Table): Value {
  const found =
    keys.dtype === 'string'
      ? positionOfText(g, textOf(X), keys.list)
      : g.apply(KeyPosition, [X, vector(g, keys.list, keys.dtype)]);
  const all =
    values.dtype === 'string'
      ? textVector(g, [...values.list, String(missing)])
      : vector(g, [...values.list, Number(missing)], values.dtype);
  return g.apply(Gather, [all, found]);
}

const never = (rule: string): never => {
  throw new CompilerBug(rule);
};

/** Each element replaced by what the table says, or by the default. */
export const LabelEncoder = op('LabelEncoder', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: encoderAttributes,
  types: { X: typeSet('T', [...numericTypes, 'string']) },
  since: 4,
  // Version 1 has one list: strings become their positions in it, and positions their strings.
  upgrade: (node, opset) => {
    const { classes_strings: classes, ...others } = node.attributes;
    if (opset > 1 || !Array.isArray(classes)) return node;
    const positions = [...classes.keys()];
    const isText = node.inputs[0]?.type.kind === 'tensor' && node.inputs[0].type.dtype === 'string';
    const table = isText
      ? { keys_strings: classes as string[], values_int64s: positions }
      : { keys_int64s: positions, values_strings: classes as string[] };
    return { ...node, attributes: { ...others, ...table } };
  },
  type: ({ X }, attributes, { fail }) => tensorOf(tableOf(attributes, X.dtype, fail).values.dtype, X.shape),
  expand: ({ X }, attributes, g) => lookUp(g, X, tableOf(attributes, tensorDtype(X) ?? 'string', never)),
  build: ({ X }, attributes, g, { fail }) => lookUp(g, X, tableOf(attributes, tensorDtype(X) ?? 'string', fail)),
});

const categoryAttributes = {
  cats_int64s: optionalInts,
  cats_strings: optionalStrings,
  default_int64: intAttribute(-1),
  default_string: stringAttribute('_Unused'),
};

function mapCategories(
  g: Builder,
  X: Value,
  { cats_int64s = [], cats_strings = [], default_int64, default_string }: AttributeValues<typeof categoryAttributes>,
): Value {
  const numbers: Side = { dtype: 'int64', list: cats_int64s };
  const texts: Side = { dtype: 'string', list: cats_strings };
  return tensorDtype(X) === 'string'
    ? lookUp(g, X, { keys: texts, values: numbers, missing: default_int64 })
    : lookUp(g, X, { keys: numbers, values: texts, missing: default_string });
}

/** Strings to integers, or integers to strings. */
export const CategoryMapper = op('CategoryMapper', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: categoryAttributes,
  types: { X: typeSet('T', ['int64', 'string']) },
  type: ({ X }, { cats_int64s = [], cats_strings = [] }, context) => {
    if (cats_int64s.length !== cats_strings.length)
      context.fail(`has ${cats_int64s.length} integers and ${cats_strings.length} strings; they must be as many.`);
    return tensorOf('string', X.shape);
  },
  expand: ({ X }, attributes, g) => mapCategories(g, X, attributes),
  build: ({ X }, attributes, g) => mapCategories(g, X, attributes),
});
