// The type rules of a single expression. The constructors of `expr-make.ts` ensure most of them, so what fails here was
// made by hand or by a careless `{ ...expr }`.

import { dtypes, isFloat } from './dtype.ts';
import type { Binary, BinaryOp, Cast, Expr, Load, Unary, UnaryOp } from './expr.ts';
import { printType } from './expr-print.ts';
import type { Buffer } from './kernel.ts';

const comparisons = new Set<BinaryOp>(['eq', 'ne', 'lt', 'le']);
const ofIntegers = new Set<BinaryOp>(['mod', 'and', 'or', 'xor', 'shl', 'shr']);
const ofFloats = new Set<UnaryOp>(['sqrt', 'floor', 'ceil', 'trunc', 'rint']);

const typeOf = (expr: Expr): string => printType(expr.dtype, expr.lanes);
const sameType = (a: Expr, b: Expr): boolean => a.dtype === b.dtype && a.lanes === b.lanes;

/** What is wrong with the types of this expression itself, its parts taken for granted. */
export function typeProblems(expr: Expr): readonly string[] {
  const { lanes } = expr;
  if (lanes < 1 || !Number.isInteger(Math.log2(lanes))) return [`${lanes} lanes are no power of two`];
  switch (expr.kind) {
    case 'const':
      return constProblems(expr.dtype, expr.value, lanes);
    case 'var':
      return [];
    case 'unary':
      return unaryProblems(expr);
    case 'binary':
      return binaryProblems(expr);
    case 'select': {
      const { condition, whenTrue, whenFalse } = expr;
      if (condition.dtype !== 'bool') return [`a select on ${typeOf(condition)}`];
      const agree = sameType(whenTrue, whenFalse) && sameType(expr, whenTrue);
      if (!agree) return [`a select of ${typeOf(whenTrue)} and ${typeOf(whenFalse)} as ${typeOf(expr)}`];
      if (condition.lanes !== 1 && condition.lanes !== lanes)
        return [`a select on ${typeOf(condition)} of ${typeOf(expr)}`];
      return [];
    }
    case 'cast':
      return castProblems(expr);
    case 'load':
      return accessProblems('load', expr.buffer, expr.indices, expr);
    case 'ramp':
      if (expr.dtype === 'index' && expr.base.dtype === 'index' && expr.base.lanes === 1) return [];
      return [`a ramp of ${typeOf(expr.base)} as ${typeOf(expr)}`];
    case 'splat':
      return expr.value.lanes === 1 && expr.dtype === expr.value.dtype
        ? []
        : [`a splat of ${typeOf(expr.value)} as ${typeOf(expr)}`];
    case 'reduce':
      return sameType(expr, expr.body) ? [] : [`a reduction of ${typeOf(expr.body)} as ${typeOf(expr)}`];
    case 'call': {
      if (expr.callee === 'fail') return expr.code ? [] : ['a fail without a code'];
      const other = expr.arguments.find((argument) => !sameType(argument, expr));
      if (other) return [`${expr.callee} of ${typeOf(other)} as ${typeOf(expr)}`];
      return isFloat(expr.dtype) ? [] : [`${expr.callee} of ${typeOf(expr)}`];
    }
  }
}

function constProblems(dtype: Expr['dtype'], value: number | bigint, lanes: number): readonly string[] {
  if (lanes !== 1) return [`a constant of ${lanes} lanes`];
  const isWide = dtype === 'int64' || dtype === 'uint64';
  return (typeof value === 'bigint') === isWide ? [] : [`a ${typeof value} as constant of ${dtype}`];
}

function unaryProblems(expr: Unary): readonly string[] {
  const { op, value } = expr;
  const fits = isFloat(expr.dtype) ? op !== 'not' : !ofFloats.has(op);
  return sameType(expr, value) && fits ? [] : [`${op} of ${typeOf(value)} as ${typeOf(expr)}`];
}

function binaryProblems(expr: Binary): readonly string[] {
  const { op, left, right } = expr;
  if (!sameType(left, right)) return [`${op} of ${typeOf(left)} and ${typeOf(right)}`];
  const expected = comparisons.has(op) ? 'bool' : left.dtype;
  if (expr.dtype !== expected || expr.lanes !== left.lanes) return [`${op} of ${typeOf(left)} as ${typeOf(expr)}`];
  return isFloat(left.dtype) && ofIntegers.has(op) ? [`${op} of ${typeOf(left)}`] : [];
}

function castProblems(expr: Cast): readonly string[] {
  const { value, bits } = expr;
  const fits = !bits || dtypes[value.dtype].bits === dtypes[expr.dtype].bits;
  if (fits && value.lanes === expr.lanes) return [];
  return [`a cast${bits ? ' of the bits' : ''} of ${typeOf(value)} to ${typeOf(expr)}`];
}

/** The rules for a load or a store, whose value is `moved`. */
export function accessProblems(
  what: 'load' | 'store',
  buffer: Buffer,
  indices: readonly Expr[],
  moved: Pick<Load, 'dtype' | 'lanes'>,
): readonly string[] {
  const problems: string[] = [];
  const add = (text: string): void => {
    problems.push(`a ${what} of ${buffer.name} ${text}`);
  };
  const lanes = buffer.lanes ?? 1;
  if (indices.length !== buffer.shape.length) add(`with ${indices.length} indices for rank ${buffer.shape.length}`);
  if (moved.dtype !== buffer.dtype) add(`as ${moved.dtype}, it holds ${buffer.dtype}`);
  indices.forEach((index, axis) => {
    if (index.dtype !== 'index') add(`with an index of type ${index.dtype}`);
    if (index.lanes === 1) return;
    if (lanes > 1) add('with a vector index, its elements are vectors');
    else if (axis !== indices.length - 1) add('with a vector index that is not the last');
    else if (index.kind !== 'ramp' || index.stride !== 1) add('with a vector index that is no ramp of stride 1');
    else if (!isDense(buffer)) add('with a vector index over an axis with a stride');
  });
  const expected = Math.max(lanes, ...indices.map((index) => index.lanes));
  if (moved.lanes !== expected) add(`of ${moved.lanes} lanes where the place has ${expected}`);
  return problems;
}

/** Neighbours along the last axis are neighbours in memory. */
function isDense({ strides }: Buffer): boolean {
  const last = strides?.at(-1);
  return last === undefined || (last.kind === 'const' && last.value === 1);
}
