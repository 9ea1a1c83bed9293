// How element types are called in C: in memory, in expressions, and as GNU vectors.

import { type DType, dtypes, isSigned } from '../../ir/dtype.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Helper } from './helpers.ts';

/** Short names used in the names of helpers: f32, i8, u64 … */
export function tagOf(dtype: DType): string {
  if (dtype === 'index') return 'index';
  if (dtype === 'bool') return 'bool';
  if (dtype === 'bfloat16') return 'bf16';
  const { class: kind, bits } = dtypes[dtype];
  if (kind === 'float') return bits >= 16 ? `f${bits}` : dtype.slice('float'.length).padStart(dtype.length - 4, 'f');
  if (kind === 'int' || kind === 'uint') return `${kind === 'int' ? 'i' : 'u'}${bits}`;
  throw new IrError(`C has no element type ${dtype}`);
}

/** The type of an element in memory. Codes of small floats and of sub-byte integers take whole bytes. */
export function storageType(dtype: DType): string {
  const { class: kind, bits } = dtypes[dtype];
  const width = Math.max(8, bits);
  switch (kind) {
    case 'index':
      return 'ptrdiff_t';
    case 'bool':
      return 'uint8_t';
    case 'int':
      return `int${width}_t`;
    case 'uint':
      return `uint${width}_t`;
    case 'float':
      return bits === 64 ? 'double' : bits === 32 ? 'float' : `uint${width}_t`;
    case 'string':
    case 'complex':
      throw new IrError(`C has no element type ${dtype}`);
  }
}

/** The type of a scalar value in expressions and locals. */
export const valueType = (dtype: DType): string => (dtype === 'bool' ? 'int' : storageType(dtype));

export const unsignedType = (dtype: DType): string => (dtype === 'index' ? 'size_t' : `uint${dtypes[dtype].bits}_t`);

export const bytesOf = (dtype: DType): number => Math.max(8, dtypes[dtype].bits) / 8;

/** A GNU vector type of whole elements. */
export function vectorType(dtype: DType, lanes: number): Helper {
  const name = `lap_${tagOf(dtype)}x${lanes}`;
  const bytes = bytesOf(dtype) * lanes;
  return {
    name,
    text: `typedef ${storageType(dtype)} ${name} __attribute__((vector_size(${bytes})));\n`,
  };
}

/** The signed integers as wide as an element: what a comparison of vectors gives, lane by lane 0 or -1. */
export function maskElement(bits: number): DType {
  switch (bits) {
    case 16:
      return 'int16';
    case 32:
      return 'int32';
    case 64:
      return 'int64';
    default:
      return 'int8';
  }
}

export const unsignedOf = (dtype: DType): DType => {
  if (!isSigned(dtype)) return dtype;
  switch (dtypes[dtype].bits) {
    case 16:
      return 'uint16';
    case 32:
      return 'uint32';
    case 64:
      return 'uint64';
    default:
      return 'uint8';
  }
};
