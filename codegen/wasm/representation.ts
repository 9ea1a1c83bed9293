// How values look in WebAssembly. A scalar narrower than 32 bits lives in an i32 and is always normalised: wrapped, and
// extended by its sign. A vector of n lanes lives in a v128 of n equal lanes, each normalised in the same way; a vector of
// bool is a mask, all ones or all zeros in each lane. Half floats are carried as their bits.

import { type DType, dtypes } from '../../ir/dtype.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Code, ModuleBuilder, Opcode, ValueType } from './binaryen.ts';

export type ScalarType = Exclude<ValueType, 'v128'>;

export interface Representation {
  readonly type: ScalarType;
  /** Width in memory. */
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
}

const of = (type: ScalarType, bits: 8 | 16 | 32 | 64, signed: boolean): Representation => ({ type, bits, signed });

const table: Partial<Readonly<Record<DType, Representation>>> = {
  bool: of('i32', 8, false),
  int8: of('i32', 8, true),
  int16: of('i32', 16, true),
  int32: of('i32', 32, true),
  int64: of('i64', 64, true),
  uint8: of('i32', 8, false),
  uint16: of('i32', 16, false),
  uint32: of('i32', 32, false),
  uint64: of('i64', 64, false),
  index: of('i32', 32, true),
  float32: of('f32', 32, true),
  float64: of('f64', 64, true),
  float16: of('i32', 16, false),
  bfloat16: of('i32', 16, false),
  float8e4m3fn: of('i32', 8, false),
  float8e4m3fnuz: of('i32', 8, false),
  float8e5m2: of('i32', 8, false),
  float8e5m2fnuz: of('i32', 8, false),
  float8e8m0: of('i32', 8, false),
  float4e2m1: of('i32', 8, false),
  int4: of('i32', 8, true),
  uint4: of('i32', 8, false),
  int2: of('i32', 8, true),
  uint2: of('i32', 8, false),
};

export function representationOf(dtype: DType): Representation {
  const found = table[dtype];
  if (!found) throw new IrError(`${dtype} has no representation in WebAssembly code`);
  return found;
}

/** Bits that carry the value; integers of 2 and 4 bits take a byte in memory. */
const valueBits = (dtype: DType): number => Math.min(dtypes[dtype].bits, representationOf(dtype).bits);

export const bytesOf = (dtype: DType): number => representationOf(dtype).bits / 8;
/** Whether values are floats to WebAssembly; the smaller floats are bits. */
export const isNativeFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';
export const isSmallFloat = (dtype: DType): boolean => dtypes[dtype].class === 'float' && !isNativeFloat(dtype);

export const valueTypeOf = (dtype: DType, lanes: number): ValueType =>
  lanes === 1 ? representationOf(dtype).type : 'v128';

export type VectorShape = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2' | 'f32x4' | 'f64x2';

const integerShapes: Readonly<Record<number, VectorShape>> = { 2: 'i64x2', 4: 'i32x4', 8: 'i16x8', 16: 'i8x16' };

/** Two float32, beside 64-bit values: they lie in the low half of an f32x4. */
export const isHalfFilled = (dtype: DType, lanes: number): boolean => dtype === 'float32' && lanes === 2;

/** Lanes of 32 bits in the low half, sign-extended to lanes of 64 bits: masks of comparisons, bits of floats. */
export const spread = (module: ModuleBuilder, value: Code, signed = true): Code =>
  module.op(signed ? 'i64x2.extend_low_i32x4_s' : 'i64x2.extend_low_i32x4_u', value);

/** The low 32 bits of both lanes of 64 bits, side by side in the low half. */
export const gathered = (module: ModuleBuilder, value: Code): Code =>
  module.shuffle(value, module.v128(new Uint8Array(16)), [0, 1, 2, 3, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16]);

/** The shape of the v128 that holds `lanes` values. Lanes may be wider than the type, never narrower. */
export function shapeOf(dtype: DType, lanes: number): VectorShape {
  const { bits } = representationOf(dtype);
  const shape = integerShapes[lanes];
  const exact = isNativeFloat(dtype) && !isHalfFilled(dtype, lanes);
  const fits = exact ? lanes * bits === 128 : lanes * bits <= 128;
  if (!shape || !fits) throw new IrError(`WebAssembly has no vector of ${lanes} ${dtype}`);
  if (dtype === 'float32') return 'f32x4';
  return dtype === 'float64' ? 'f64x2' : shape;
}

/** Bits of one lane of a vector of this many lanes. */
export const laneBits = (lanes: number): number => 128 / lanes;

export const zeroOf = (module: ModuleBuilder, dtype: DType, lanes: number): Code => {
  if (lanes > 1) return module.v128(new Uint8Array(16));
  return scalarConstant(module, dtype, 0);
};

/** A constant of the type, from its mathematical value. Sizes beyond 32 bits stand for "larger than any size". */
export function scalarConstant(module: ModuleBuilder, dtype: DType, value: number | bigint): Code {
  const { type } = representationOf(dtype);
  if (type === 'f32') return module.f32(Number(value));
  if (type === 'f64') return module.f64(Number(value));
  if (type === 'i64') return module.i64(BigInt(value));
  if (isSmallFloat(dtype)) throw new IrError(`a constant of type ${dtype} in WebAssembly code`);
  if (dtype === 'index') return module.i32(Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Number(value))));
  return module.i32(Number(BigInt.asIntN(32, BigInt(value))));
}

/** The 16 bytes of a vector whose lanes all have this value. */
export function vectorConstantBytes(
  dtype: DType,
  lanes: number,
  valueAt: (lane: number) => number | bigint,
): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const width = laneBits(lanes) / 8;
  for (let lane = 0; lane < lanes; lane++) {
    const value = valueAt(lane);
    if (dtype === 'float32') view.setFloat32(lane * 4, Number(value), true);
    else if (dtype === 'float64') view.setFloat64(lane * 8, Number(value), true);
    else {
      const integer = dtype === 'bool' ? (value ? -1n : 0n) : BigInt(value);
      for (let byte = 0; byte < width; byte++)
        bytes[lane * width + byte] = Number((integer >> BigInt(8 * byte)) & 255n);
    }
  }
  return bytes;
}

/** Brings the result of i32 or i64 arithmetic back into the range of the type. */
export function normalized(module: ModuleBuilder, dtype: DType, value: Code): Code {
  const { signed } = representationOf(dtype);
  const bits = valueBits(dtype);
  if (bits >= 32) return value;
  if (!signed) return module.op('i32.and', value, module.i32(2 ** bits - 1));
  if (bits >= 8) return module.op(bits === 8 ? 'i32.extend8_s' : 'i32.extend16_s', value);
  return module.op('i32.shr_s', module.op('i32.shl', value, module.i32(32 - bits)), module.i32(32 - bits));
}

/** The same for lanes that are wider than the type. */
export function normalizedLanes(module: ModuleBuilder, dtype: DType, lanes: number, value: Code): Code {
  const { signed } = representationOf(dtype);
  const bits = valueBits(dtype);
  const extra = laneBits(lanes) - bits;
  if (extra === 0 || isNativeFloat(dtype)) return value;
  if (!signed) {
    return module.op('v128.and', value, module.v128(vectorConstantBytes('int64', 2, () => maskOf(bits, lanes))));
  }
  const shape = shapeOf(dtype, lanes);
  return module.op(`${shape}.shr_s`, module.op(`${shape}.shl`, value, module.i32(extra)), module.i32(extra));
}

/** The low `bits` of every lane, repeated over 64 bits. */
function maskOf(bits: number, lanes: number): bigint {
  const width = BigInt(laneBits(lanes));
  const one = (1n << BigInt(bits)) - 1n;
  let mask = 0n;
  for (let at = 0n; at < 64n; at += width) mask |= one << at;
  return mask;
}

export const loadOpcode = (dtype: DType): Opcode => {
  const { type, bits, signed } = representationOf(dtype);
  if (bits >= 32) return `${type}.load`;
  return `i32.load${bits}_${signed ? 's' : 'u'}`;
};
export const storeOpcode = (dtype: DType): Opcode => {
  const { type, bits } = representationOf(dtype);
  return bits >= 32 ? `${type}.store` : `i32.store${bits}`;
};
