// Casts of vectors. Integers are normalised in lanes of equal width, so widening is free and narrowing is normalising.

import { type DType, dtypes } from '../../ir/dtype.ts';
import type { Cast } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Code } from './binaryen.ts';
import type { Context } from './context.ts';
import { castScalar } from './print-cast.ts';
import { laneByLane } from './print-vector-memory.ts';
import {
  gathered,
  isHalfFilled,
  isNativeFloat,
  isSmallFloat,
  normalizedLanes,
  representationOf,
  shapeOf,
  spread,
  vectorConstantBytes,
} from './representation.ts';

export function vectorCast(context: Context, expr: Cast, value: Code): Code {
  const { module } = context;
  const { dtype: to, lanes } = expr;
  const from = expr.value.dtype;
  const source = shapeOf(from, lanes);
  shapeOf(to, lanes);
  if (expr.bits) return reinterpretLanes(context, from, to, lanes, value);
  if (isSmallFloat(from) || isSmallFloat(to))
    throw new IrError(`cast of ${from} to ${to}: it must be legalized before`);
  if (to === 'bool') {
    const mask = module.op(`${source}.ne`, value, module.v128(new Uint8Array(16)));
    return isHalfFilled(from, lanes) ? spread(module, mask) : mask;
  }
  if (from === 'bool') {
    const mask = isHalfFilled(to, lanes) ? gathered(module, value) : value;
    return module.op('v128.and', mask, module.v128(vectorConstantBytes(to, lanes, () => 1)));
  }
  if (from === 'float32' && to === 'float64') return module.op('f64x2.promote_low_f32x4', value);
  if (from === 'float64' && to === 'float32') return module.op('f32x4.demote_f64x2_zero', value);
  const slowly = (): Code =>
    laneByLane(context, to, lanes, [{ dtype: from, value }], ([lane]) => castScalar(context, lane!, from, to, false));
  if (isNativeFloat(to)) {
    if (lanes !== 4) return slowly();
    const unsigned = from === 'uint32';
    return module.op(unsigned ? 'f32x4.convert_i32x4_u' : 'f32x4.convert_i32x4_s', value);
  }
  if (isNativeFloat(from)) {
    return lanes === 4 ? saturated(context, to, value) : slowly();
  }
  // Wider integers saturate on their way to a size, which needs a comparison.
  const wideToIndex = to === 'index' && (from === 'int64' || from === 'uint64' || from === 'uint32');
  return wideToIndex ? slowly() : integerLanes(context, from, to, lanes, value);
}

/** Four floats as four integers. */
function saturated({ module }: Context, to: DType, value: Code): Code {
  const { signed } = representationOf(to);
  const bits = to === 'index' ? 32 : dtypes[to].bits;
  if (bits === 32) return module.op(`i32x4.trunc_sat_f32x4_${signed ? 's' : 'u'}`, value);
  const bound = (limit: number): Code => module.v128(vectorConstantBytes('int32', 4, () => limit));
  const whole = module.op('i32x4.trunc_sat_f32x4_s', value);
  const raised = module.op('i32x4.max_s', whole, bound(signed ? -(2 ** (bits - 1)) : 0));
  return module.op('i32x4.min_s', raised, bound(signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1));
}

function integerLanes({ module }: Context, from: DType, to: DType, lanes: number, value: Code): Code {
  const source = representationOf(from);
  const target = representationOf(to);
  const bits = to === 'index' ? 32 : dtypes[to].bits;
  const fromBits = from === 'index' ? 32 : dtypes[from].bits;
  const contained = fromBits < bits && (source.signed === target.signed || target.signed);
  return contained ? value : normalizedLanes(module, to, lanes, value);
}

function reinterpretLanes(context: Context, from: DType, to: DType, lanes: number, value: Code): Code {
  if (representationOf(from).bits !== representationOf(to).bits) throw new IrError(`the bits of ${from} as ${to}`);
  if (to === 'bool') {
    return context.module.op(`${shapeOf(from, lanes)}.ne`, value, context.module.v128(new Uint8Array(16)));
  }
  if (from === 'bool') {
    return context.module.op('v128.and', value, context.module.v128(vectorConstantBytes(to, lanes, () => 1)));
  }
  if (isHalfFilled(from, lanes)) return spread(context.module, value, representationOf(to).signed);
  if (isHalfFilled(to, lanes)) return gathered(context.module, value);
  return normalizedLanes(context.module, to, lanes, value);
}
