// Constants as C literals, exact on every compiler: decimal where a short decimal is the number itself, else hex floats.

import { type DType, dtypes } from '../../ir/dtype.ts';
import type { Scalar } from '../../ir/scalar.ts';
import { castTo, type Text } from './text.ts';

/** A finite double in C99 hexadecimal notation. */
function hexFloat(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const sign = bits >> 63n ? '-' : '';
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = (bits & 0xfffffffffffffn).toString(16).padStart(13, '0').replace(/0+$/, '');
  const digits = `${exponent === 0 ? '0' : '1'}${fraction ? `.${fraction}` : ''}`;
  return `${sign}0x${digits}p${exponent === 0 ? -1022 : exponent - 1023}`;
}

/** Decimal where it is short and says exactly this double, so that no parser can round it differently. */
function decimalFloat(value: number): string | undefined {
  const text = String(value);
  if (text.length > 12 || text.includes('e')) return undefined;
  // Numbers of up to 12 digits that are multiples of 2^-10 have no rounding in decimal.
  if (!Number.isInteger(value * 1024) || Math.abs(value) > 2 ** 40) return undefined;
  return text.includes('.') ? text : `${text}.0`;
}

function floatLiteral(value: number, suffix: string): Text {
  if (Number.isNaN(value))
    return suffix === 'f' ? { text: 'NAN', level: 1 } : castTo('double', { text: 'NAN', level: 1 });
  if (!Number.isFinite(value)) {
    const text = value < 0 ? '-INFINITY' : 'INFINITY';
    return suffix === 'f' ? { text, level: 1 } : castTo('double', { text, level: 1 });
  }
  const text = Object.is(value, -0) ? '-0.0' : (decimalFloat(value) ?? hexFloat(value));
  return { text: text + suffix, level: text.startsWith('-') ? 1 : 0 };
}

const signed = (text: string): Text => ({ text, level: text.startsWith('-') ? 1 : 0 });

/** An integer in the natural C type of its dtype. The least value has no literal of its own. */
export function integerLiteral(value: bigint, dtype: DType): Text {
  switch (dtype) {
    case 'int64':
      if (value === -(1n << 63n)) return { text: '-INT64_C(9223372036854775807) - 1', level: 3 };
      return signed(value < 0n ? `-INT64_C(${-value})` : `INT64_C(${value})`);
    case 'uint64':
      return signed(`UINT64_C(${value})`);
    case 'uint32':
      return signed(`${value}u`);
    case 'int32':
      return value === -(1n << 31n) ? { text: '-2147483647 - 1', level: 3 } : signed(String(value));
    case 'index': {
      const small = value >= -2147483647n && value <= 2147483647n;
      return small ? signed(String(value)) : castTo('ptrdiff_t', integerLiteral(value, 'int64'));
    }
    default:
      return signed(String(value));
  }
}

export function literal(value: Scalar, dtype: DType): Text {
  if (dtype === 'float32') return floatLiteral(Number(value), 'f');
  if (dtype === 'float64') return floatLiteral(Number(value), '');
  if (dtypes[dtype].class === 'float') return signed(`0x${encodeSmallFloat(Number(value), dtype).toString(16)}`);
  return integerLiteral(BigInt(value), dtype);
}

/** The code of a float16 or bfloat16 nearest to a number, ties to even. */
export function encodeSmallFloat(value: number, dtype: DType): number {
  const mantissa = dtype === 'float16' ? 10 : 7;
  const bias = dtype === 'float16' ? 15 : 127;
  if (dtype !== 'float16' && dtype !== 'bfloat16') throw new RangeError(`no constants of ${dtype} in C`);
  const infinity = (2 * bias + 1) << mantissa;
  if (Number.isNaN(value)) return infinity | (1 << (mantissa - 1));
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return sign;
  if (magnitude === Number.POSITIVE_INFINITY) return sign | infinity;
  // The unit in the last place at this magnitude; subnormals share the least one.
  const exponent = Math.max(Math.floor(Math.log2(magnitude)), 1 - bias);
  const lowered = 2 ** exponent > magnitude && exponent > 1 - bias ? exponent - 1 : exponent;
  const units = magnitude / 2 ** (lowered - mantissa);
  const floor = Math.floor(units);
  const up = units - floor > 0.5 || (units - floor === 0.5 && floor % 2 === 1);
  const code = floor + (up ? 1 : 0) + ((lowered - 1 + bias) << mantissa);
  return sign | Math.min(code, infinity);
}
