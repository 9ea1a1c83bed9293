// Vectors from and to memory and scalars: loads, stores, splats and single lanes. Elements narrower than their lanes are
// extended when they are loaded and cut when they are stored.

import type { DType } from '../../ir/dtype.ts';
import type { Address } from './address.ts';
import type { Code, Opcode } from './binaryen.ts';
import { type Context, type Kept, keep } from './context.ts';
import {
  isHalfFilled,
  isNativeFloat,
  laneBits,
  loadOpcode,
  representationOf,
  shapeOf,
  storeOpcode,
  vectorConstantBytes,
} from './representation.ts';

type Printing = Pick<Context, 'module' | 'scope'>;

/** A scalar in every lane. */
export function splatScalar({ module }: Printing, dtype: DType, lanes: number, value: Code): Code {
  return module.op(`${shapeOf(dtype, lanes)}.splat`, toLane({ module }, dtype, lanes, value));
}

/** A scalar as a lane holds it: a mask for bool, 64 bits wide where there are two lanes. */
function toLane({ module }: Pick<Context, 'module'>, dtype: DType, lanes: number, value: Code): Code {
  const { type, signed } = representationOf(dtype);
  if (isNativeFloat(dtype) || type === 'i64') return value;
  const lane = dtype === 'bool' ? module.op('i32.sub', module.i32(0), value) : value;
  if (lanes > 2) return lane;
  return module.op(signed || dtype === 'bool' ? 'i64.extend_s' : 'i64.extend_u', lane);
}

export function extractLane({ module }: Printing, dtype: DType, lanes: number, vector: Code, lane: number): Code {
  const shape = shapeOf(dtype, lanes);
  const { type, signed } = representationOf(dtype);
  const suffix = shape === 'i8x16' || shape === 'i16x8' ? `_${signed ? 's' : 'u'}` : '';
  const value = module.lane(`${shape}.extract_lane${suffix}`, vector, lane);
  if (isNativeFloat(dtype) || type === 'i64') return value;
  const narrow = lanes === 2 ? module.op('i32.wrap', value) : value;
  return dtype === 'bool' ? module.op('i32.and', narrow, module.i32(1)) : narrow;
}

/** Computes a vector lane by lane, for operations that WebAssembly does not have on vectors. */
export function laneByLane(
  printing: Printing,
  dtype: DType,
  lanes: number,
  operands: readonly { readonly dtype: DType; readonly value: Code }[],
  compute: (operands: readonly Code[]) => Code,
): Code {
  const { module } = printing;
  const shape = shapeOf(dtype, lanes);
  const kept: { readonly dtype: DType; readonly value: Kept }[] = operands.map(({ dtype: type, value }) => ({
    dtype: type,
    value: keep(printing, 'v128', value),
  }));
  const lane = (position: number): Code =>
    toLane(
      printing,
      dtype,
      lanes,
      compute(kept.map(({ dtype: type, value }) => extractLane(printing, type, lanes, value.again(), position))),
    );
  let result = module.op(`${shape}.splat`, lane(0));
  for (let position = 1; position < lanes; position++) {
    result = module.lane(`${shape}.replace_lane`, result, position, lane(position));
  }
  return module.block([...kept.map(({ value }) => module.drop(value.first)), result], 'v128');
}

/** One element in every lane, by one instruction; undefined where there is none. */
export function loadSplat(
  { module }: Context,
  dtype: DType,
  lanes: number,
  addressOf: () => Address,
): Code | undefined {
  const { bits } = representationOf(dtype);
  if ((bits !== laneBits(lanes) && !isHalfFilled(dtype, lanes)) || dtype === 'bool') return undefined;
  shapeOf(dtype, lanes);
  const { offset, pointer } = addressOf();
  return module.load(`v128.load${bits}_splat`, offset, pointer);
}

/** Neighbouring elements. */
export function loadVector(printing: Printing, dtype: DType, lanes: number, address: Address): Code {
  const { module } = printing;
  const value = loadLanes(printing, dtype, lanes, address);
  // In memory a bool is 0 or 1, in a vector a mask.
  return dtype === 'bool' ? module.op(`${shapeOf(dtype, lanes)}.neg`, value) : value;
}

function loadLanes(printing: Printing, dtype: DType, lanes: number, { offset, pointer }: Address): Code {
  const { module } = printing;
  const { bits, signed } = representationOf(dtype);
  const shape = shapeOf(dtype, lanes);
  const width = laneBits(lanes);
  const sign = signed ? 's' : 'u';
  if (bits === width) return module.load('v128.load', offset, pointer);
  if (isHalfFilled(dtype, lanes)) return module.load('v128.load64_zero', offset, pointer);
  if (bits * 2 === width) return module.load(`v128.load${bits}x${lanes}_${sign}`, offset, pointer);
  if (bits * lanes === 32) {
    let vector = module.load('v128.load32_zero', offset, pointer);
    for (let from = bits; from < width; from *= 2) vector = module.op(extendLow(from, sign), vector);
    return vector;
  }
  // Two bytes in lanes of 64 bits.
  const base = keep(printing, 'i32', pointer);
  const element = (lane: number, at: Code): Code =>
    toLane(printing, dtype === 'bool' ? 'uint8' : dtype, lanes, module.load(loadOpcode(dtype), offset + lane, at));
  const first = module.op(`${shape}.splat`, element(0, base.first));
  return module.lane(`${shape}.replace_lane`, first, 1, element(1, base.again()));
}

const extendLow = (bits: number, sign: 's' | 'u'): Opcode => {
  if (bits === 8) return `i16x8.extend_low_i8x16_${sign}`;
  return bits === 16 ? `i32x4.extend_low_i16x8_${sign}` : `i64x2.extend_low_i32x4_${sign}`;
};

export function storeVector(printing: Printing, dtype: DType, lanes: number, address: Address, value: Code): Code {
  const { module } = printing;
  const { offset, pointer } = address;
  const { bits } = representationOf(dtype);
  const shape = shapeOf(dtype, lanes);
  const width = laneBits(lanes);
  const plain = dtype === 'bool' ? module.op('v128.and', value, ones(printing, lanes)) : value;
  if (bits === width) return module.store('v128.store', offset, pointer, plain);
  const total = bits * lanes;
  if (isHalfFilled(dtype, lanes)) return module.laneAccess('v128.store64_lane', offset, 0, pointer, plain);
  if (total < 32) {
    const base = keep(printing, 'i32', pointer);
    const vector = keep(printing, 'v128', plain);
    const lane = (source: Code, at: number): Code => {
      const taken = module.lane(`${shape}.extract_lane`, source, at);
      return lanes === 2 ? module.op('i32.wrap', taken) : taken;
    };
    return module.block([
      module.store(storeOpcode(dtype), offset, base.first, lane(vector.first, 0)),
      module.store(storeOpcode(dtype), offset + bits / 8, base.again(), lane(vector.again(), 1)),
    ]);
  }
  const vector = keep(printing, 'v128', plain);
  const bytes = packedBytes(lanes, bits / 8);
  const base = keep(printing, 'i32', pointer);
  return module.block([
    module.drop(base.first),
    module.laneAccess(
      total === 64 ? 'v128.store64_lane' : 'v128.store32_lane',
      offset,
      0,
      base.again(),
      module.shuffle(vector.first, vector.again(), bytes),
    ),
  ]);
}

/** The low bytes of every lane, side by side. */
function packedBytes(lanes: number, bytes: number): readonly number[] {
  const width = 16 / lanes;
  const picked = Array.from({ length: lanes * bytes }, (_, at) => Math.floor(at / bytes) * width + (at % bytes));
  return Array.from({ length: 16 }, (_, at) => picked[at] ?? 0);
}

const ones = ({ module }: Printing, lanes: number): Code => module.v128(vectorConstantBytes('int8', lanes, () => 1));
