// Arithmetic on scalars, exactly as `ir/expr.ts` defines it: wrapping, no traps but division by zero, NaN out of min and
// max. Operands come printed; what is known of them picks a shorter form.

import { boundsOf } from '../../ir/bounds.ts';
import { type DType, dtypes } from '../../ir/dtype.ts';
import type { BinaryOp, Expr, UnaryOp } from '../../ir/expr.ts';
import { constantOf, IrError } from '../../ir/expr-make.ts';
import type { Code } from './binaryen.ts';
import { type Context, keep } from './context.ts';
import { isNeverNaN } from './never-nan.ts';
import { isNativeFloat, isSmallFloat, normalized, representationOf, scalarConstant } from './representation.ts';

type Printing = Pick<Context, 'module' | 'scope'>;

export interface Operands {
  readonly left?: Expr;
  readonly right?: Expr;
  /** A divisor of zero may occur and must not trap; the result does not matter then. */
  readonly zeroDivisor?: boolean;
}

export function unaryScalar(printing: Printing, op: UnaryOp, dtype: DType, value: Code): Code {
  const { module } = printing;
  if (isSmallFloat(dtype)) throw new IrError(`${op} of ${dtype}: it must be legalized before`);
  const { type, bits, signed } = representationOf(dtype);
  if (type === 'f32' || type === 'f64') {
    if (op === 'not') throw new IrError('not of a float');
    return module.op(`${type}.${op === 'rint' ? 'nearest' : op}`, value);
  }
  if (dtype === 'bool') return op === 'not' ? module.op('i32.eqz', value) : value;
  const zero = (): Code => scalarConstant(module, dtype, 0);
  switch (op) {
    case 'neg':
      return normalized(module, dtype, module.op(`${type}.sub`, zero(), value));
    case 'not':
      return normalized(module, dtype, module.op(`${type}.xor`, value, allOnes(printing, type)));
    case 'abs': {
      if (!signed) return value;
      const width = type === 'i64' ? module.i64(63n) : module.i32(31);
      const operand = keep(printing, type, value);
      const sign = keep(printing, type, module.op(`${type}.shr_s`, operand.first, width));
      const flipped = module.op(`${type}.xor`, sign.first, operand.again());
      const result = module.op(`${type}.sub`, flipped, sign.again());
      return bits < 32 ? normalized(module, dtype, result) : result;
    }
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'rint':
      return value;
    case 'sqrt':
      throw new IrError(`sqrt of ${dtype}`);
  }
}

const allOnes = ({ module }: Printing, type: 'i32' | 'i64'): Code =>
  type === 'i64' ? module.i64(-1n) : module.i32(-1);

export function binaryScalar(
  printing: Printing,
  op: BinaryOp,
  dtype: DType,
  left: Code,
  right: Code,
  known: Operands = {},
): Code {
  const { module } = printing;
  if (isNativeFloat(dtype)) return floatBinary(printing, op, dtype, left, right, known);
  if (isSmallFloat(dtype)) throw new IrError(`${op} of ${dtype}: it must be legalized before`);
  const { type, signed } = representationOf(dtype);
  if (type === 'f32' || type === 'f64') throw new IrError(`${op} of ${dtype}`);
  if (dtype === 'bool') return boolBinary(printing, op, left, right);
  const suffix = signed ? 's' : 'u';
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
      return normalized(module, dtype, module.op(`${type}.${op}`, left, right));
    case 'and':
    case 'or':
    case 'xor':
    case 'eq':
    case 'ne':
      return module.op(`${type}.${op}`, left, right);
    case 'lt':
    case 'le':
      return module.op(`${type}.${op}_${suffix}`, left, right);
    case 'min':
    case 'max': {
      const a = keep(printing, type, left);
      const b = keep(printing, type, right);
      const test = module.op(`${type}.${op === 'min' ? 'lt' : 'gt'}_${suffix}`, a.again(), b.again());
      return module.select(test, a.first, b.first);
    }
    case 'div':
    case 'mod':
      return divide(printing, op, dtype, left, right, known);
    case 'shl':
    case 'shr':
      return shift(printing, op, dtype, left, right, known);
  }
}

function floatBinary(printing: Printing, op: BinaryOp, dtype: DType, left: Code, right: Code, known: Operands): Code {
  const { module } = printing;
  const { type } = representationOf(dtype);
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'div':
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
      return module.op(`${type}.${op}`, left, right);
    case 'min':
    case 'max':
      return floatMinMax(printing, op, dtype, left, right, known);
    case 'mod':
    case 'and':
    case 'or':
    case 'xor':
    case 'shl':
    case 'shr':
      throw new IrError(`${op} of ${dtype}`);
  }
}

/** As in vectors and in C, zeros of both signs are equal: (a > b or a is NaN) ? a : b, and shorter where b is a bound. */
function floatMinMax(
  printing: Printing,
  op: 'min' | 'max',
  dtype: DType,
  left: Code,
  right: Code,
  known: Operands,
): Code {
  const { module } = printing;
  const { type } = representationOf(dtype);
  const relation = op === 'min' ? 'lt' : 'gt';
  const a = keep(printing, type, left);
  const b = keep(printing, type, right);
  if (known.right && isNeverNaN(known.right)) {
    // The bound takes the place only where it is beyond: !(bound > x) ? x : bound.
    const beyond = module.op('i32.eqz', module.op(`${type}.${relation}`, b.again(), a.again()));
    return module.select(beyond, a.first, b.first);
  }
  const unordered = module.op(`${type}.ne`, a.again(), a.again());
  const test = module.op('i32.or', module.op(`${type}.${relation}`, a.again(), b.again()), unordered);
  return module.select(test, a.first, b.first);
}

function boolBinary({ module }: Printing, op: BinaryOp, left: Code, right: Code): Code {
  switch (op) {
    case 'and':
    case 'mul':
    case 'min':
      return module.op('i32.and', left, right);
    case 'or':
    case 'add':
    case 'max':
      return module.op('i32.or', left, right);
    case 'xor':
    case 'sub':
    case 'ne':
      return module.op('i32.xor', left, right);
    case 'eq':
      return module.op('i32.eq', left, right);
    case 'lt':
      return module.op('i32.lt_u', left, right);
    case 'le':
      return module.op('i32.le_u', left, right);
    case 'div':
    case 'mod':
    case 'shl':
    case 'shr':
      throw new IrError(`${op} of bool`);
  }
}

function divide(printing: Printing, op: 'div' | 'mod', dtype: DType, left: Code, right: Code, known: Operands): Code {
  const { module } = printing;
  const { type, bits, signed } = representationOf(dtype);
  const divisor = known.right && constantOf(known.right);
  const wide = type === 'i64';
  const word = (value: number): Code => (wide ? module.i64(BigInt(value)) : module.i32(value));
  // A non-negative number divided by a power of two.
  const natural = !signed || (known.left !== undefined && boundsOf(known.left).min >= 0);
  const shiftBy = divisor !== undefined && divisor > 0 ? Math.log2(divisor) : Number.NaN;
  if (natural && Number.isInteger(shiftBy) && shiftBy < 31) {
    return op === 'div'
      ? module.op(`${type}.shr_u`, left, word(shiftBy))
      : module.op(`${type}.and`, left, word(2 ** shiftBy - 1));
  }
  const name = op === 'div' ? 'div' : 'rem';
  const suffix = signed ? 's' : 'u';
  const by = known.zeroDivisor ? nonZero(printing, type === 'i64' ? 'i64' : 'i32', right) : right;
  const mayOverflow = op === 'div' && !natural && bits >= 32 && dtype !== 'index';
  if (!mayOverflow || (divisor !== undefined && divisor !== -1)) {
    return normalized(module, dtype, module.op(`${type}.${name}_${suffix}`, left, by));
  }
  // x / -1 is -x / 1, which does not trap for the least x.
  const a = keep(printing, type, left);
  const b = keep(printing, type, by);
  const isMinusOne = keep(printing, 'i32', module.op(`${type}.eq`, b.first, word(-1)));
  // `select` evaluates its condition last.
  const dividend = module.select(isMinusOne.first, module.op(`${type}.sub`, word(0), a.again()), a.again());
  const safe = module.select(isMinusOne.again(), word(1), b.again());
  return module.block([module.drop(a.first), module.op(`${type}.div_s`, dividend, safe)], type);
}

function nonZero(printing: Printing, type: 'i32' | 'i64', value: Code): Code {
  const { module } = printing;
  const operand = keep(printing, type, value);
  const isZero = module.op(`${type}.eqz`, operand.again());
  return module.op(`${type}.or`, operand.first, type === 'i64' ? module.op('i64.extend_u', isZero) : isZero);
}

/** Distances of the width or more give 0, or the sign; so do negative ones. */
function shift(printing: Printing, op: 'shl' | 'shr', dtype: DType, left: Code, right: Code, known: Operands): Code {
  const { module } = printing;
  const { type, signed } = representationOf(dtype);
  const width = dtype === 'index' ? 32 : dtypes[dtype].bits;
  const word = (value: number): Code => (type === 'i64' ? module.i64(BigInt(value)) : module.i32(value));
  const keepsSign = op === 'shr' && signed;
  const name = op === 'shl' ? 'shl' : keepsSign ? 'shr_s' : 'shr_u';
  const distance = known.right && constantOf(known.right);
  if (distance !== undefined) {
    if (distance >= 0 && distance < width) {
      return normalized(module, dtype, module.op(`${type}.${name}`, left, word(distance)));
    }
    if (!keepsSign) return module.block([module.drop(left), word(0)], type);
    return module.op(`${type}.shr_s`, left, word(width - 1));
  }
  const by = keep(printing, type, right);
  const outside = module.op(`${type}.ge_u`, by.again(), word(width));
  if (keepsSign) {
    const distanceWithin = module.select(outside, word(width - 1), by.first);
    return module.op(`${type}.shr_s`, left, distanceWithin);
  }
  const shifted = normalized(module, dtype, module.op(`${type}.${name}`, left, by.first));
  return module.select(outside, word(0), shifted);
}
