// Arithmetic on vectors. What WebAssembly lacks on vectors is done lane by lane with the scalar printer, so both mean the
// same.

import { type DType, dtypes } from '../../ir/dtype.ts';
import type { Binary, BinaryOp, Expr, UnaryOp } from '../../ir/expr.ts';
import { constantOf, IrError } from '../../ir/expr-make.ts';
import type { Code } from './binaryen.ts';
import { type Context, keep } from './context.ts';
import { isNeverNaN } from './never-nan.ts';
import { binaryScalar, unaryScalar } from './print-scalar.ts';
import { laneByLane, splatScalar } from './print-vector-memory.ts';
import {
  isHalfFilled,
  isNativeFloat,
  laneBits,
  normalizedLanes,
  representationOf,
  shapeOf,
  spread,
  type VectorShape,
  valueTypeOf,
  vectorConstantBytes,
} from './representation.ts';

export function vectorUnary(context: Context, op: UnaryOp, dtype: DType, lanes: number, value: Code): Code {
  const { module } = context;
  const shape = shapeOf(dtype, lanes);
  if (isNativeFloat(dtype)) {
    if (op === 'not') throw new IrError('not of a float');
    return module.op(`${shape}.${op === 'rint' ? 'nearest' : op}`, value);
  }
  if (dtype === 'bool') return op === 'not' ? module.op('v128.not', value) : value;
  switch (op) {
    case 'neg':
      return normalizedLanes(module, dtype, lanes, module.op(`${shape}.neg`, value));
    case 'not':
      return normalizedLanes(module, dtype, lanes, module.op('v128.not', value));
    case 'abs':
      if (!representationOf(dtype).signed) return value;
      return normalizedLanes(module, dtype, lanes, module.op(`${shape}.abs`, value));
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'rint':
    case 'sqrt':
      return laneByLane(context, dtype, lanes, [{ dtype, value }], ([lane]) => unaryScalar(context, op, dtype, lane!));
  }
}

/** -|x| in one instruction: whatever x is, its sign is set. */
export function vectorNegativeMagnitude({ module }: Context, dtype: DType, lanes: number, value: Code): Code {
  return module.op('v128.or', value, module.v128(vectorConstantBytes(dtype, lanes, () => -0)));
}

export function vectorBinary(context: Context, expr: Binary): Code {
  const contracted = printContracted(context, expr);
  if (contracted !== undefined) return contracted;
  const { op, left, right, lanes } = expr;
  const operand = left.dtype;
  if ((op === 'shl' || op === 'shr') && right.kind === 'splat') {
    const distance = constantOf(right);
    if (distance !== undefined) return shiftByConstant(context, op, operand, lanes, context.print(left), distance);
  }
  if (isNativeFloat(operand)) return floatBinary(context, expr);
  const a = context.print(left);
  const b = context.print(right);
  if (operand === 'bool') return boolBinary(context, op, a, b);
  return integerBinary(context, expr, a, b);
}

/** a * b + c in one instruction, where the product is used only here and one rounding less is allowed. */
function printContracted(context: Context, { op, left, right, dtype, lanes }: Binary): Code | undefined {
  if (!context.contract || (op !== 'add' && op !== 'sub') || !isNativeFloat(dtype)) return undefined;
  const shape = shapeOf(dtype, lanes) === 'f64x2' ? 'f64x2' : 'f32x4';
  const isProduct = (expr: Expr): expr is Binary =>
    expr.kind === 'binary' && expr.op === 'mul' && context.isPrintedHere(expr);
  const [product, addend] = isProduct(right) ? [right, left] : op === 'add' && isProduct(left) ? [left, right] : [];
  if (!product || !addend) return undefined;
  const a = context.print(product.left);
  const b = context.print(product.right);
  const c = context.print(addend);
  return op === 'add' ? context.module.relaxedMadd(shape, a, b, c) : context.module.relaxedNmadd(shape, a, b, c);
}

function floatBinary(context: Context, { op, left, right, lanes }: Binary): Code {
  const { module } = context;
  const shape = shapeOf(left.dtype, lanes);
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
      return module.op(`${shape}.${op}`, context.print(left), context.print(right));
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le': {
      const mask = module.op(`${shape}.${op}`, context.print(left), context.print(right));
      return isHalfFilled(left.dtype, lanes) ? spread(module, mask) : mask;
    }
    case 'min':
    case 'max':
      return floatMinMax(context, op, left, right, shape);
    case 'mod':
    case 'and':
    case 'or':
    case 'xor':
    case 'shl':
    case 'shr':
      throw new IrError(`${op} of ${left.dtype}`);
  }
}

/**
 * pmax(a, b) is `a < b ? b : a` and keeps NaN of its first operand: one instruction where the other cannot be NaN.
 * Otherwise NaN is put back in a second step, which on x86 is still quicker than the max that WebAssembly defines.
 */
function floatMinMax(context: Context, op: 'min' | 'max', left: Expr, right: Expr, shape: VectorShape): Code {
  const { module } = context;
  const name = `${shape}.p${op}` as const;
  if (isNeverNaN(right)) return module.op(name, context.print(left), context.print(right));
  const a = keep(context, 'v128', context.print(left));
  if (isNeverNaN(left)) {
    const b = context.print(right);
    return module.block([module.drop(a.first), module.op(name, b, a.again())], 'v128');
  }
  const b = context.print(right);
  return module.block(
    [
      module.drop(a.first),
      module.op(
        'v128.bitselect',
        a.again(),
        module.op(name, b, a.again()),
        module.op(`${shape}.ne`, a.again(), a.again()),
      ),
    ],
    'v128',
  );
}

/** Masks: also the arithmetic that bool has, modulo saturation to true. */
function boolBinary({ module }: Context, op: BinaryOp, a: Code, b: Code): Code {
  switch (op) {
    case 'and':
    case 'mul':
    case 'min':
      return module.op('v128.and', a, b);
    case 'or':
    case 'add':
    case 'max':
      return module.op('v128.or', a, b);
    case 'xor':
    case 'sub':
    case 'ne':
      return module.op('v128.xor', a, b);
    case 'eq':
      return module.op('v128.not', module.op('v128.xor', a, b));
    case 'lt':
      return module.op('v128.and', module.op('v128.not', a), b);
    case 'le':
      return module.op('v128.or', module.op('v128.not', a), b);
    case 'div':
    case 'mod':
    case 'shl':
    case 'shr':
      throw new IrError(`${op} of bool`);
  }
}

function integerBinary(context: Context, expr: Binary, a: Code, b: Code): Code {
  const { module } = context;
  const { op, lanes } = expr;
  const dtype = expr.left.dtype;
  const shape = shapeOf(dtype, lanes);
  const { signed } = representationOf(dtype);
  const width = laneBits(lanes);
  // Values narrower than their lanes are in the range of the signed comparison.
  const bits = dtype === 'index' ? 32 : dtypes[dtype].bits;
  const suffix = signed || bits < width ? 's' : 'u';
  const slowly = (): Code =>
    laneByLane(
      context,
      expr.dtype,
      lanes,
      [
        { dtype, value: a },
        { dtype, value: b },
      ],
      ([x, y]) => binaryScalar(context, op, dtype, x!, y!, { zeroDivisor: true }),
    );
  switch (op) {
    case 'add':
    case 'sub':
      return normalizedLanes(module, dtype, lanes, module.op(`${shape}.${op}`, a, b));
    case 'mul':
      return width === 8 ? slowly() : normalizedLanes(module, dtype, lanes, module.op(`${shape}.mul`, a, b));
    case 'and':
    case 'or':
    case 'xor':
      return module.op(`v128.${op}`, a, b);
    case 'eq':
    case 'ne':
      return module.op(`${shape}.${op}`, a, b);
    case 'lt':
    case 'le':
      return width === 64 && suffix === 'u' ? slowly() : module.op(`${shape}.${op}_${suffix}`, a, b);
    case 'min':
    case 'max': {
      if (width < 64) return module.op(`${shape}.${op}_${suffix}`, a, b);
      if (suffix === 'u') return slowly();
      const x = keep(context, valueTypeOf(dtype, lanes), a);
      const y = keep(context, valueTypeOf(dtype, lanes), b);
      const test = module.op(`i64x2.${op === 'min' ? 'lt_s' : 'gt_s'}`, x.again(), y.again());
      return module.op('v128.bitselect', x.first, y.first, test);
    }
    case 'div':
    case 'mod':
    case 'shl':
    case 'shr':
      return slowly();
  }
}

function shiftByConstant(
  context: Context,
  op: 'shl' | 'shr',
  dtype: DType,
  lanes: number,
  value: Code,
  distance: number,
): Code {
  const { module } = context;
  const { signed } = representationOf(dtype);
  const bits = dtype === 'index' ? 32 : dtypes[dtype].bits;
  const shape = shapeOf(dtype, lanes);
  const outside = distance < 0 || distance >= bits;
  if (outside && !(op === 'shr' && signed)) {
    return module.block([module.drop(value), splatScalar(context, 'int32', 4, module.i32(0))], 'v128');
  }
  const by = module.i32(outside ? bits - 1 : distance);
  if (op === 'shl') return normalizedLanes(module, dtype, lanes, module.op(`${shape}.shl`, value, by));
  return module.op(`${shape}.shr_${signed ? 's' : 'u'}`, value, by);
}
