// How the values that a user gives and gets lie in the ports of a program, where they are no plain tensors.
//   strings:   spans int64 of the tensor's shape, each offset * 2^32 + length into bytes uint8 [n] (UTF-8)
//   list:      a sequence whose elements are ports of their own
//   sequence:  shapes int64 [most, 1 + rank], each row the rank of an element and its extents (1 beyond its rank), and
//              the elements' data one after another; `count` says how many rows count (an input: all of them)
//   optional:  a truth value, and the value, of any contents where that is false
//   map:       keys and values, rank 1; maps: the same keys for each row of values

import type { DType } from './dtype.ts';

export type Form =
  | { readonly kind: 'tensor'; readonly port: number; readonly size?: number }
  | { readonly kind: 'strings'; readonly spans: number; readonly bytes: number }
  | { readonly kind: 'list'; readonly items: readonly Form[] }
  | {
      readonly kind: 'sequence';
      readonly count?: number;
      readonly shapes: number;
      readonly data: Form;
      readonly dtype: DType;
    }
  /** Without `present` it is there; without `value` it never is. */
  | { readonly kind: 'optional'; readonly present?: number; readonly value?: Form }
  | { readonly kind: 'map'; readonly keys: Form; readonly values: Form }
  | { readonly kind: 'maps'; readonly keys: Form; readonly values: Form };

export interface NamedForm {
  readonly name: string;
  readonly form: Form;
}

/**
 * All values of a program, where some are no plain tensors. `size` of a tensor is a port [n, m, …, n', m', …, 0]
 * where its elements are n - n', m - m' … and one of both is 0.
 */
export interface Forms {
  readonly inputs: readonly NamedForm[];
  readonly outputs: readonly NamedForm[];
}

/** Spans hold the offset from this bit on, and the length below. */
export const spanBits = 32;
