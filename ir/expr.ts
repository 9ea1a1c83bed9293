// Expressions: one type for kernel bodies and for tensor dimensions. Immutable; made only by the constructors of
// `expr-make.ts`, which fold constants and keep dtype and lanes consistent. Shared sub-expressions are shared objects,
// so walk them with a memo (`rewriteExpr`, `visitExpr`).
//
// Meaning, the same on every target:
// - Integer add, sub, mul, neg, shl wrap. `div` truncates toward zero, `mod` takes the sign of the dividend (C99);
//   INT_MIN / -1 = INT_MIN and INT_MIN % -1 = 0; a divisor of zero must be excluded by a Select around (see `fail`).
//   A shift by the width or more gives 0 (shr on signed types: the sign). `index` arithmetic never overflows.
// - float min/max: NaN if either is NaN. `rint` rounds half to even. Comparisons with NaN are false, but `ne`.
// - Cast float -> integer truncates, saturates, NaN gives 0; integer -> narrower integer wraps; to bool is `!= 0`.
// - Select evaluates its condition first, and Loads and `fail` of the branch not taken are not performed.
//   Its condition has one lane (both branches may be vectors), or as many lanes as the branches.
// - A Load or Store with a Ramp as its last index (stride 1) moves `lanes` neighbouring elements. No other vector index.

import type { DType } from './dtype.ts';
import type { Buffer } from './kernel.ts';

export type UnaryOp = 'neg' | 'abs' | 'not' | 'sqrt' | 'floor' | 'ceil' | 'trunc' | 'rint';
export type BinaryOp =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'min'
  | 'max'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le';
export type ReduceOp = 'sum' | 'prod' | 'min' | 'max';

/** Functions that `ir/math` expands into the other kinds before a printer sees them. */
export type MathFunction =
  | 'exp'
  | 'log'
  | 'tanh'
  | 'erf'
  | 'sigmoid'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'log1p'
  | 'expm1'
  | 'pow'
  | 'fmod';

interface Typed {
  readonly dtype: DType;
  /** 1 for a scalar; a power of two for a vector. */
  readonly lanes: number;
}

/** `value` is bigint exactly for int64 and uint64, 0 or 1 for bool. */
export interface Const extends Typed {
  readonly kind: 'const';
  readonly value: number | bigint;
}

/** Identity is the object, `name` is for people. `extent`, where given, promises 0 <= value < extent. */
export interface Var extends Typed {
  readonly kind: 'var';
  readonly name: string;
  readonly extent?: Expr;
  /** Constant bounds, inclusive; for a dimension the least and greatest size. */
  readonly min?: number;
  readonly max?: number;
}

/** `not` is logical on bool and bitwise on integers. */
export interface Unary extends Typed {
  readonly kind: 'unary';
  readonly op: UnaryOp;
  readonly value: Expr;
}

/** Both operands have the same dtype and lanes. Comparisons give bool. `and`, `or`, `xor` on bool are logical. */
export interface Binary extends Typed {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
}

export interface Select extends Typed {
  readonly kind: 'select';
  readonly condition: Expr;
  readonly whenTrue: Expr;
  readonly whenFalse: Expr;
}

/** `bits: true` reinterprets the bits of a type of the same width. */
export interface Cast extends Typed {
  readonly kind: 'cast';
  readonly value: Expr;
  readonly bits: boolean;
}

export interface Load extends Typed {
  readonly kind: 'load';
  readonly buffer: Buffer;
  readonly indices: readonly Expr[];
}

/** The vector base, base + stride, base + 2 stride … of dtype index. */
export interface Ramp extends Typed {
  readonly kind: 'ramp';
  readonly base: Expr;
  readonly stride: number;
}

export interface Splat extends Typed {
  readonly kind: 'splat';
  readonly value: Expr;
}

/** Before lowering only. The axes are bound in `body` and carry their extents. An empty reduction gives `initial`. */
export interface Reduce extends Typed {
  readonly kind: 'reduce';
  readonly op: ReduceOp;
  readonly axes: readonly Var[];
  readonly body: Expr;
}

/** A math function, or `fail`: records error code `code` for the run and gives zero. */
export interface Call extends Typed {
  readonly kind: 'call';
  readonly callee: MathFunction | 'fail';
  readonly arguments: readonly Expr[];
  readonly code?: ErrorCode;
}

/** What a run can report; the numbers are LAP_E_… of the C header. */
export type ErrorCode = 'index' | 'divide' | 'shape';

export type Expr = Const | Var | Unary | Binary | Select | Cast | Load | Ramp | Splat | Reduce | Call;
