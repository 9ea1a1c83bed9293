// The constructors of expressions. They fold constants, drop neutral operands, broadcast scalars to vectors and refuse
// operands of different types, so an ill-typed expression cannot exist.

import { type DType, dtypes, integerRange, isFloat, isInteger, isUnsigned, isWide } from './dtype.ts';
import type {
  BinaryOp,
  Call,
  Const,
  ErrorCode,
  Expr,
  Load,
  MathFunction,
  Reduce,
  ReduceOp,
  UnaryOp,
  Var,
} from './expr.ts';
import type { Buffer } from './kernel.ts';
import { binaryScalar, bitcastScalar, castScalar, normalize, type Scalar, unaryScalar } from './scalar.ts';

/** A mistake in the construction of IR: always ours. */
export class IrError extends Error {
  override readonly name = 'IrError';
}

/** A size or an index is beyond what numbers hold exactly: the program asks for more than any machine has. */
export class SizeOverflow extends IrError {}

const fail = (message: string): never => {
  throw new IrError(message);
};

export const constant = (value: Scalar | boolean, dtype: DType): Const => ({
  kind: 'const',
  dtype,
  lanes: 1,
  value: isWide(dtype) && typeof value === 'number' ? normalize(dtype, BigInt(value)) : normalize(dtype, value),
});

/** A size or an index. */
export const int = (value: number): Const => {
  if (!Number.isSafeInteger(value)) throw new SizeOverflow(`index constant ${value} is not a safe integer`);
  return constant(value, 'index');
};
export const float = (value: number): Const => constant(value, 'float32');
export const bool = (value: boolean): Const => constant(value, 'bool');

export interface Bounds {
  readonly extent?: Expr;
  readonly min?: number;
  readonly max?: number;
}
export const variable = (name: string, dtype: DType = 'index', bounds: Bounds = {}, lanes = 1): Var => ({
  kind: 'var',
  dtype,
  lanes,
  name,
  ...bounds,
});
/** A loop index or reduction axis: 0 <= value < extent. */
export const indexVar = (name: string, extent: Expr | number): Var =>
  variable(name, 'index', { extent: typeof extent === 'number' ? int(extent) : extent });

export const isConst = (expr: Expr): expr is Const => expr.kind === 'const';
/** The number that an expression of dtype index, or any constant, is known to be. */
export const constantOf = (expr: Expr): number | undefined =>
  expr.kind === 'const' ? Number(expr.value) : expr.kind === 'splat' ? constantOf(expr.value) : undefined;
const isValue = (expr: Expr, value: number): boolean => {
  const known = constantOf(expr);
  return known === value && !Object.is(known, value === 0 ? -0 : Number.NaN);
};

export const splat = (value: Expr, lanes: number): Expr => {
  if (lanes === 1 || value.lanes === lanes) return value;
  if (value.lanes !== 1) fail(`cannot splat ${value.lanes} lanes to ${lanes}`);
  return { kind: 'splat', dtype: value.dtype, lanes, value };
};

export const ramp = (base: Expr, stride: number, lanes: number): Expr =>
  lanes === 1 ? base : { kind: 'ramp', dtype: base.dtype, lanes, base, stride };

export function unary(op: UnaryOp, value: Expr): Expr {
  const { dtype, lanes } = value;
  if (op === 'not' && isFloat(dtype)) fail('not of a float');
  if (value.kind === 'const') {
    const folded = unaryScalar(op, dtype, value.value);
    if (folded !== undefined) return constant(folded, dtype);
  }
  if (value.kind === 'splat') return splat(unary(op, value.value), lanes);
  if (value.kind === 'unary' && value.op === op && (op === 'not' || op === 'neg')) return value.value;
  if (op === 'abs' && isUnsigned(dtype)) return value;
  if (!isFloat(dtype) && (op === 'floor' || op === 'ceil' || op === 'trunc' || op === 'rint')) return value;
  return { kind: 'unary', op, dtype, lanes, value };
}

const comparison = new Set<BinaryOp>(['eq', 'ne', 'lt', 'le']);
const commutative = new Set<BinaryOp>(['add', 'mul', 'min', 'max', 'and', 'or', 'xor', 'eq', 'ne']);

/** A constant with all bits set. Wide unsigned ones are not exact as numbers. */
const isAllOnes = (expr: Expr): boolean =>
  expr.kind === 'splat'
    ? isAllOnes(expr.value)
    : expr.kind === 'const' && BigInt(unaryScalar('not', expr.dtype, expr.value) ?? 1) === 0n;

/** x op constant -> x, or the constant, where that holds for every x of the type (floats keep NaN and -0). */
function neutral(op: BinaryOp, left: Expr, right: Expr): Expr | undefined {
  const exact = !isFloat(left.dtype);
  const isBool = left.dtype === 'bool';
  if (op === 'mul' && isValue(right, 1)) return left;
  if (op === 'div' && isValue(right, 1)) return left;
  if (exact && !isBool) {
    if ((op === 'add' || op === 'sub' || op === 'shl' || op === 'shr') && isValue(right, 0)) return left;
    if (op === 'mul' && isValue(right, 0)) return right;
    if ((op === 'div' || op === 'mod') && isValue(left, 0)) return left;
    if (op === 'mod' && isValue(right, 1)) return splat(constant(0, left.dtype), left.lanes);
    if ((op === 'or' || op === 'xor') && isValue(right, 0)) return left;
    if (op === 'xor' && isAllOnes(right)) return unary('not', left);
    if ((op === 'or' || op === 'and') && isAllOnes(right)) return op === 'or' ? right : left;
    if (op === 'and' && isValue(right, 0)) return right;
  }
  if (isBool && (op === 'and' || op === 'or')) {
    const known = constantOf(right);
    if (known !== undefined) return (op === 'and') === (known !== 0) ? left : right;
  }
  if (exact && left === right) {
    if (op === 'min' || op === 'max' || op === 'and' || op === 'or') return left;
    if (op === 'sub' || op === 'xor') return splat(constant(0, left.dtype), left.lanes);
    if (op === 'eq' || op === 'le') return splat(bool(true), left.lanes);
    if (op === 'ne' || op === 'lt') return splat(bool(false), left.lanes);
  }
  return undefined;
}

export function binary(op: BinaryOp, a: Expr, b: Expr): Expr {
  if (a.dtype !== b.dtype) fail(`${op} of ${a.dtype} and ${b.dtype}`);
  const lanes = Math.max(a.lanes, b.lanes);
  if (a.kind === 'const' && b.kind === 'const') {
    const folded = binaryScalar(op, a.dtype, a.value, b.value);
    if (folded !== undefined) return constant(folded, comparison.has(op) ? 'bool' : a.dtype);
  }
  // Constants to the right.
  const swap = commutative.has(op) && constantOf(a) !== undefined && constantOf(b) === undefined;
  const left = splat(swap ? b : a, lanes);
  const right = splat(swap ? a : b, lanes);
  if (left.kind === 'splat' && right.kind === 'splat') return splat(binary(op, left.value, right.value), lanes);
  if (left.kind === 'ramp' && right.kind === 'splat' && (op === 'add' || op === 'sub')) {
    return ramp(binary(op, left.base, right.value), left.stride, lanes);
  }
  if (right.kind === 'ramp' && left.kind === 'splat' && op === 'add') {
    return ramp(binary(op, left.value, right.base), right.stride, lanes);
  }
  const simpler = neutral(op, left, right);
  if (simpler) return simpler;
  return { kind: 'binary', op, dtype: comparison.has(op) ? 'bool' : left.dtype, lanes, left, right };
}

export const add = (a: Expr, b: Expr): Expr => binary('add', a, b);
export const sub = (a: Expr, b: Expr): Expr => binary('sub', a, b);
export const mul = (a: Expr, b: Expr): Expr => binary('mul', a, b);
/** Division of floats; of integers toward zero. */
export const div = (a: Expr, b: Expr): Expr => binary('div', a, b);
export const mod = (a: Expr, b: Expr): Expr => binary('mod', a, b);
export const min = (a: Expr, b: Expr): Expr => binary('min', a, b);
export const max = (a: Expr, b: Expr): Expr => binary('max', a, b);
export const and = (a: Expr, b: Expr): Expr => binary('and', a, b);
export const or = (a: Expr, b: Expr): Expr => binary('or', a, b);
export const eq = (a: Expr, b: Expr): Expr => binary('eq', a, b);
export const ne = (a: Expr, b: Expr): Expr => binary('ne', a, b);
export const lt = (a: Expr, b: Expr): Expr => binary('lt', a, b);
export const le = (a: Expr, b: Expr): Expr => binary('le', a, b);
export const gt = (a: Expr, b: Expr): Expr => binary('lt', b, a);
export const ge = (a: Expr, b: Expr): Expr => binary('le', b, a);
export const not = (a: Expr): Expr => unary('not', a);
export const neg = (a: Expr): Expr => unary('neg', a);

/** Integer division rounded up, of a non-negative by a positive. */
export const ceilDiv = (a: Expr, b: Expr): Expr => div(add(a, sub(b, constant(1, b.dtype))), b);
export const product = (values: readonly Expr[]): Expr => values.reduce(mul, int(1));
export const all = (conditions: readonly Expr[]): Expr => conditions.reduce(and, bool(true));

function isSameConstant(a: Expr, b: Expr): boolean {
  if (a.kind === 'splat' && b.kind === 'splat') return isSameConstant(a.value, b.value);
  return a.kind === 'const' && b.kind === 'const' && Object.is(a.value, b.value);
}

export function select(condition: Expr, whenTrue: Expr, whenFalse: Expr): Expr {
  if (condition.dtype !== 'bool') fail(`select on ${condition.dtype}`);
  if (whenTrue.dtype !== whenFalse.dtype) fail(`select of ${whenTrue.dtype} and ${whenFalse.dtype}`);
  const lanes = Math.max(condition.lanes, whenTrue.lanes, whenFalse.lanes);
  const known = constantOf(condition);
  if (known !== undefined) return splat(known !== 0 ? whenTrue : whenFalse, lanes);
  if (whenTrue === whenFalse || isSameConstant(whenTrue, whenFalse)) return splat(whenTrue, lanes);
  const test = condition.kind === 'splat' ? condition.value : condition;
  return {
    kind: 'select',
    dtype: whenTrue.dtype,
    lanes,
    condition: test,
    whenTrue: splat(whenTrue, lanes),
    whenFalse: splat(whenFalse, lanes),
  };
}

export function cast(value: Expr, dtype: DType): Expr {
  if (value.dtype === dtype) return value;
  if (value.kind === 'const') return constant(castScalar(dtype, value.dtype, value.value), dtype);
  if (value.kind === 'splat') return splat(cast(value.value, dtype), value.lanes);
  if (value.kind === 'cast' && !value.bits && isDetour(value.value.dtype, value.dtype, dtype)) {
    return cast(value.value, dtype);
  }
  return { kind: 'cast', dtype, lanes: value.lanes, value, bits: false };
}

/** Whether a cast by way of `through` is the cast itself. Symbolic sizes pass through int64 tensors and back this way. */
function isDetour(from: DType, through: DType, to: DType): boolean {
  if (from === 'index') return through === 'int64' && to === 'index';
  if (![from, through, to].every((dtype) => isInteger(dtype) || dtype === 'bool')) return false;
  if (through === 'index' || to === 'index' || through === 'bool' || to === 'bool') return false;
  return dtypes[through].bits >= dtypes[to].bits || holdsAll(from, through);
}

/** Whether every value of one integer type is a value of another. */
function holdsAll(from: DType, to: DType): boolean {
  const [inner, outer] = [integerRange(from), integerRange(to)];
  return inner.min >= outer.min && inner.max <= outer.max;
}

/** The same bits as another type of the same width. Between integers that is the cast, which wraps. */
export function bitcast(value: Expr, dtype: DType): Expr {
  if (dtypes[value.dtype].bits !== dtypes[dtype].bits) fail(`bitcast of ${value.dtype} to ${dtype}`);
  if (value.dtype === dtype) return value;
  // A truth value is stored as 0 or 1; what it is while it is computed (a mask, say) differs by target.
  if (value.dtype === 'bool' || dtype === 'bool') return cast(value, dtype);
  if (isInteger(value.dtype) && isInteger(dtype)) return cast(value, dtype);
  if (value.kind === 'const') {
    const folded = bitcastScalar(dtype, value.dtype, value.value);
    if (folded !== undefined) return constant(folded, dtype);
  }
  if (value.kind === 'splat') return splat(bitcast(value.value, dtype), value.lanes);
  if (value.kind === 'cast' && value.bits && value.value.dtype === dtype) return value.value;
  return { kind: 'cast', dtype, lanes: value.lanes, value, bits: true };
}

export function load(buffer: Buffer, indices: readonly Expr[]): Load {
  if (indices.length !== buffer.shape.length) {
    fail(`load of ${buffer.name}: ${indices.length} indices for rank ${buffer.shape.length}`);
  }
  const bad = indices.find((index) => index.dtype !== 'index');
  if (bad) fail(`load of ${buffer.name}: an index of type ${bad.dtype}`);
  const lanes = Math.max(buffer.lanes ?? 1, ...indices.map((index) => index.lanes));
  return { kind: 'load', dtype: buffer.dtype, lanes, buffer, indices };
}

export function reduce(op: ReduceOp, axes: readonly Var[], body: Expr): Expr {
  if (axes.length === 0) return body;
  const made: Reduce = { kind: 'reduce', op, axes, body, dtype: body.dtype, lanes: body.lanes };
  return made;
}

export function call(callee: MathFunction, ...args: readonly Expr[]): Call {
  const lanes = Math.max(...args.map((arg) => arg.lanes));
  const first = args[0] ?? fail(`${callee} without arguments`);
  if (!isFloat(first.dtype) || args.some((arg) => arg.dtype !== first.dtype)) fail(`${callee} of ${first.dtype}`);
  return { kind: 'call', callee, arguments: args.map((arg) => splat(arg, lanes)), dtype: first.dtype, lanes };
}

/** Reports `code` from the run; the value is zero. Only meaningful in a branch of a Select. */
export const failure = (code: ErrorCode, dtype: DType, lanes = 1): Call => ({
  kind: 'call',
  callee: 'fail',
  arguments: [],
  dtype,
  lanes,
  code,
});
