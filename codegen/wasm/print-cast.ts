// Casts of scalars: float to integer truncates and saturates, integers wrap, bool is `!= 0`. Sizes have 32 bits here, so
// wider integers saturate on their way to `index`: a wrong index must not look like a right one.

import { type DType, dtypes } from '../../ir/dtype.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Code } from './binaryen.ts';
import { type Context, keep } from './context.ts';
import { isNativeFloat, isSmallFloat, normalized, representationOf, scalarConstant } from './representation.ts';

type Printing = Pick<Context, 'module' | 'scope'>;

export function castScalar(printing: Printing, value: Code, from: DType, to: DType, bits: boolean): Code {
  if (from === to) return value;
  if (bits) return reinterpret(printing, value, from, to);
  if (isSmallFloat(from) || isSmallFloat(to))
    throw new IrError(`cast of ${from} to ${to}: it must be legalized before`);
  const { module } = printing;
  const source = representationOf(from);
  const target = representationOf(to);
  if (to === 'bool') return module.op(`${source.type}.ne`, value, scalarConstant(module, from, 0));
  if (isNativeFloat(to)) {
    if (source.type === 'f32') return module.op('f64.promote', value);
    if (source.type === 'f64') return module.op('f32.demote', value);
    return module.op(`${target.type}.convert_${source.signed ? 's' : 'u'}.${source.type}`, value);
  }
  if (isNativeFloat(from)) return fromFloat(printing, value, from, to);
  if (to === 'index') return toIndex(printing, value, from);
  if (source.type === target.type) {
    const contained = dtypes[from].bits < dtypes[to].bits && (source.signed === target.signed || target.signed);
    return contained ? value : normalized(module, to, value);
  }
  if (target.type === 'i64') return module.op(source.signed ? 'i64.extend_s' : 'i64.extend_u', value);
  return normalized(module, to, module.op('i32.wrap', value));
}

function fromFloat(printing: Printing, value: Code, from: DType, to: DType): Code {
  const { module } = printing;
  const { type, signed } = representationOf(to);
  const width = to === 'index' ? 32 : dtypes[to].bits;
  if (width >= 32) return module.op(`${type}.trunc_${signed ? 's' : 'u'}_sat.${representationOf(from).type}`, value);
  const whole = module.op(`i32.trunc_s_sat.${representationOf(from).type}`, value);
  const least = signed ? -(2 ** (width - 1)) : 0;
  const greatest = signed ? 2 ** (width - 1) - 1 : 2 ** width - 1;
  return clamped(printing, whole, least, greatest);
}

function clamped(printing: Printing, value: Code, least: number, greatest: number): Code {
  const { module } = printing;
  const first = keep(printing, 'i32', value);
  const raised = module.select(module.op('i32.gt_s', first.again(), module.i32(least)), first.first, module.i32(least));
  const second = keep(printing, 'i32', raised);
  const below = module.op('i32.lt_s', second.again(), module.i32(greatest));
  return module.select(below, second.first, module.i32(greatest));
}

/** Saturates what does not fit 32 bits. */
function toIndex(printing: Printing, value: Code, from: DType): Code {
  const { module } = printing;
  const { type, signed, bits } = representationOf(from);
  if (bits < 32 || from === 'int32') return value;
  const most = type === 'i64' ? module.i64(0x7fffffffn) : module.i32(0x7fffffff);
  const least = module.i64(-0x80000000n);
  const first = keep(printing, type, value);
  const top = type === 'i64' ? module.i64(0x7fffffffn) : module.i32(0x7fffffff);
  const lowered = module.select(
    module.op(`${type}.${signed ? 'lt_s' : 'lt_u'}`, first.again(), top),
    first.first,
    most,
  );
  if (type === 'i32') return lowered;
  if (!signed) return module.op('i32.wrap', lowered);
  const second = keep(printing, type, lowered);
  const raised = module.select(module.op('i64.gt_s', second.again(), module.i64(-0x80000000n)), second.first, least);
  return module.op('i32.wrap', raised);
}

function reinterpret(printing: Printing, value: Code, from: DType, to: DType): Code {
  const { module } = printing;
  const source = representationOf(from);
  const target = representationOf(to);
  if (source.bits !== target.bits) throw new IrError(`the bits of ${from} as ${to}`);
  if (source.type !== target.type) return module.op(`${target.type}.reinterpret`, value);
  if (to === 'bool') return module.op('i32.ne', value, module.i32(0));
  return normalized(module, to, value);
}
