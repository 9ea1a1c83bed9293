// Interval analysis of integer expressions: constant lower and upper bounds, infinite where nothing is known.

import { integerRange, isFloat, isInteger } from './dtype.ts';
import type { Binary, Expr } from './expr.ts';

export interface Interval {
  readonly min: number;
  readonly max: number;
}

const everything: Interval = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
const cache = new WeakMap<Expr, Interval>();

/** Bounds of a float are given too where they follow from a cast of an integer. */
export function boundsOf(expr: Expr): Interval {
  const known = cache.get(expr);
  if (known) return known;
  const found = compute(expr);
  cache.set(expr, found);
  return found;
}

function ofType(expr: Expr): Interval {
  if (expr.dtype === 'bool') return { min: 0, max: 1 };
  if (expr.dtype === 'index' || !isInteger(expr.dtype)) return everything;
  const { min, max } = integerRange(expr.dtype);
  return { min: Number(min), max: Number(max) };
}

function compute(expr: Expr): Interval {
  switch (expr.kind) {
    case 'const':
      return { min: Number(expr.value), max: Number(expr.value) };
    case 'var': {
      if (expr.extent) {
        const extent = boundsOf(expr.extent);
        return { min: 0, max: Math.max(0, extent.max - 1) };
      }
      return { min: expr.min ?? Number.NEGATIVE_INFINITY, max: expr.max ?? Number.POSITIVE_INFINITY };
    }
    case 'cast': {
      if (expr.bits) return ofType(expr);
      const value = boundsOf(expr.value);
      const range = ofType(expr);
      // NaN becomes 0, and passes through min and max.
      const gainsZero = isFloat(expr.value.dtype) && !isFloat(expr.dtype);
      const inner = gainsZero ? { min: Math.min(value.min, 0), max: Math.max(value.max, 0) } : value;
      return inner.min >= range.min && inner.max <= range.max ? inner : range;
    }
    case 'select': {
      const a = boundsOf(expr.whenTrue);
      const b = boundsOf(expr.whenFalse);
      return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
    }
    case 'splat':
      return boundsOf(expr.value);
    case 'unary': {
      const { min, max } = boundsOf(expr.value);
      if (expr.op === 'neg')
        return isFloat(expr.dtype) ? { min: -max, max: -min } : within({ min: -max, max: -min }, ofType(expr));
      if (expr.op === 'floor' || expr.op === 'ceil' || expr.op === 'trunc' || expr.op === 'rint') {
        return { min: Math.floor(min), max: Math.ceil(max) };
      }
      return ofType(expr);
    }
    case 'binary':
      return isFloat(expr.dtype) ? floatBounds(expr) : within(binaryBounds(expr), ofType(expr));
    case 'load':
    case 'ramp':
    case 'reduce':
    case 'call':
      return ofType(expr);
  }
}

const within = (found: Interval, range: Interval): Interval =>
  found.min >= range.min && found.max <= range.max ? found : range;

const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** Rounding is monotone, so each bound moves by its own rounding at most. Division by what may be 0 has no bounds. */
function floatBounds(expr: Binary): Interval {
  if (expr.dtype !== 'float32' && expr.dtype !== 'float64') return everything;
  if (expr.op !== 'add' && expr.op !== 'sub' && expr.op !== 'mul' && expr.op !== 'div') return binaryBounds(expr);
  const divisor = boundsOf(expr.right);
  if (expr.op === 'div' && divisor.min <= 0) return everything;
  const { min, max } =
    expr.op === 'div'
      ? product(boundsOf(expr.left), { min: 1 / divisor.max, max: 1 / divisor.min })
      : binaryBounds(expr);
  if (Number.isNaN(min) || Number.isNaN(max)) return everything;
  const rounding = 2 ** -22;
  return { min: min - Math.abs(min) * rounding, max: max + Math.abs(max) * rounding };
}

function product(a: Interval, b: Interval): Interval {
  const corners = [times(a.min, b.min), times(a.min, b.max), times(a.max, b.min), times(a.max, b.max)];
  return { min: Math.min(...corners), max: Math.max(...corners) };
}

function binaryBounds({ op, left, right }: Binary): Interval {
  const a = boundsOf(left);
  const b = boundsOf(right);
  switch (op) {
    case 'add':
      return { min: a.min + b.min, max: a.max + b.max };
    case 'sub':
      return { min: a.min - b.max, max: a.max - b.min };
    case 'mul':
      return product(a, b);
    case 'div':
      if (a.min < 0 || b.min <= 0) return everything;
      return { min: Math.trunc(a.min / b.max) || 0, max: Math.trunc(a.max / b.min) };
    case 'mod':
      if (a.min < 0 || b.min <= 0) return everything;
      return a.max < b.min ? a : { min: 0, max: Math.min(a.max, b.max - 1) };
    case 'min':
      return { min: Math.min(a.min, b.min), max: Math.min(a.max, b.max) };
    case 'max':
      return { min: Math.max(a.min, b.min), max: Math.max(a.max, b.max) };
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
      return { min: 0, max: 1 };
    case 'and':
    case 'or':
    case 'xor':
    case 'shl':
    case 'shr':
      return everything;
  }
}
