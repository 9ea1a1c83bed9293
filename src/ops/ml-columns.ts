// Operators of ai.onnx.ml that change each element by what belongs to its column: Binarizer, Scaler, Normalizer, Imputer.

import { type DType, isFloat } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { cast, constant, constantOf, div, eq, gt, indexVar, mul, reduce, select, unary } from '../../ir/expr-make.ts';
import { Mul, Sub } from './arithmetic.ts';
import { floatAttribute, intAttribute, optionalFloats, optionalInts, stringAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { Equal, Where } from './logic.ts';
import { vector } from './ml-forest-tables.ts';
import { inputType, mlDomain } from './ml-inputs.ts';
import { tensorOf } from './types.ts';
import { IsNaN } from './unary.ts';

/** 1 where an element is above the threshold, else 0. */
export const Binarizer = op('Binarizer', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { threshold: floatAttribute(0) },
  types: { X: inputType },
  type: ({ X }) => X.value.type,
  compute: ({ X }, { threshold }, index) => {
    const x = X.at(...index);
    // Integers are compared as floats: the threshold need not be whole.
    const wide: DType = x.dtype === 'float32' ? 'float32' : 'float64';
    const above = gt(cast(x, wide), constant(threshold, wide));
    return select(above, constant(1, x.dtype), constant(0, x.dtype));
  },
});

/** Refuses lists that give neither one number for all columns nor one for each. */
function checkColumns(X: Operand, lists: Readonly<Record<string, readonly number[]>>, context: TypeContext): void {
  const columns = X.shape.at(-1) && constantOf(X.shape.at(-1)!);
  for (const [name, { length }] of Object.entries(lists)) {
    if (length === 1 || (length > 0 && (columns === undefined || length === columns))) continue;
    context.fail(`${name} has ${length} numbers; expected 1 or one for each of the ${columns} columns.`);
  }
}

/** (X - offset) * scale, in float32. */
export const Scaler = op('Scaler', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { offset: optionalFloats, scale: optionalFloats },
  types: { X: inputType },
  type: ({ X }, { offset = [0], scale = [1] }, context) => {
    checkColumns(X, { offset, scale }, context);
    return tensorOf('float32', X.shape);
  },
  expand: ({ X }, { offset = [0], scale = [1] }, g) => {
    const moved = g.apply(Sub, [castTo(g, X, 'float32'), vector(g, offset, 'float32')]);
    return g.apply(Mul, [moved, vector(g, scale, 'float32')]);
  },
});

/** How large a row is; `MAX` is the largest element, not the largest magnitude: so says the standard. */
const norms: Readonly<Record<string, (row: readonly ReturnType<typeof indexVar>[], element: Expr) => Expr>> = {
  MAX: (row, element) => reduce('max', row, element),
  L1: (row, element) => reduce('sum', row, unary('abs', element)),
  L2: (row, element) => unary('sqrt', reduce('sum', row, mul(element, element))),
};

/** Each row divided by its norm; a row whose norm is zero stays. */
export const Normalizer = op('Normalizer', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { norm: stringAttribute('MAX', Object.keys(norms)) },
  types: { X: inputType },
  type: ({ X }, _, context) => {
    if (X.rank < 1) context.fail('X must have at least rank 1, got a scalar.');
    return tensorOf('float32', X.shape);
  },
  compute: ({ X }, { norm }, index) => {
    const column = indexVar('column', X.shape.at(-1)!);
    const size = norms[norm]!([column], cast(X.at(...index.slice(0, -1), column), 'float32'));
    const x = cast(X.at(...index), 'float32');
    return select(eq(size, constant(0, 'float32')), x, div(x, size));
  },
});

/** Elements that equal the replaced value (NaN equals NaN here) become the imputed value of their column. */
export const Imputer = op('Imputer', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: {
    imputed_value_floats: optionalFloats,
    imputed_value_int64s: optionalInts,
    replaced_value_float: floatAttribute(0),
    replaced_value_int64: intAttribute(0),
  },
  types: { X: inputType },
  type: ({ X }, { imputed_value_floats, imputed_value_int64s }, context) => {
    const name = isFloat(X.dtype) ? 'imputed_value_floats' : 'imputed_value_int64s';
    const list = isFloat(X.dtype) ? imputed_value_floats : imputed_value_int64s;
    if (!list) return context.fail(`X is ${X.dtype}, so attribute ${name} must be given.`);
    checkColumns(X, { [name]: list }, context);
    return X.value.type;
  },
  expand: ({ X }, attributes, g) => {
    const { dtype } = tensorTypeOf(X);
    const floats = isFloat(dtype);
    const imputed = (floats ? attributes.imputed_value_floats : attributes.imputed_value_int64s) ?? [];
    const replaced = floats ? attributes.replaced_value_float : attributes.replaced_value_int64;
    const missing = Number.isNaN(replaced) ? g.apply(IsNaN, [X]) : g.apply(Equal, [X, scalarLike(g, X, replaced)]);
    return g.apply(Where, [missing, vector(g, imputed, dtype), X]);
  },
});
