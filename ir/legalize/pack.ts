// Kernels that convert between ONNX's packed tensors of 4-bit and 2-bit elements, first element in the low bits, and
// memory with one element a byte, which is what all other kernels use.
//   for byte < count / 2 { packed[byte] = (x[2 byte] & 15) | (x[2 byte + 1] & 15) << 4 }      the last one apart

import { type DType, dtypes, isSubByte } from '../dtype.ts';
import type { Expr } from '../expr.ts';
import {
  add,
  binary,
  bitcast,
  ceilDiv,
  constant,
  div,
  IrError,
  indexVar,
  int,
  load,
  lt,
  mul,
  or,
  select,
} from '../expr-make.ts';
import { freeVars } from '../expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../kernel.ts';
import { block, ifThen, loop, store } from '../kernel-walk.ts';
import { representationOf } from './representation.ts';

interface Layout {
  readonly bits: number;
  /** Elements of one byte. */
  readonly perByte: number;
  readonly count: Expr;
  readonly unpacked: Buffer;
  readonly packed: Buffer;
  /** Of one element, without the bits beyond its code. */
  trim(code: Expr): Expr;
}

function layoutOf(dtype: DType, count: Expr): Layout {
  const form = representationOf(dtype);
  if (!form || !isSubByte(dtype)) throw new IrError(`elements of ${dtype} are not packed`);
  const { bits } = dtypes[dtype];
  const perByte = 8 / bits;
  return {
    bits,
    perByte,
    count,
    unpacked: { name: 'unpacked', dtype: form.storage, shape: [count], memory: 'argument' },
    packed: { name: 'packed', dtype: 'uint8', shape: [ceilDiv(count, int(perByte))], memory: 'argument' },
    trim: form.trim,
  };
}

const byte = (value: number): Expr => constant(value, 'uint8');
const shifted = (op: 'shl' | 'shr', value: Expr, by: number): Expr => binary(op, value, byte(by));
const element = (layout: Layout, position: Expr, k: number): Expr => add(mul(position, int(layout.perByte)), int(k));
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);

/** `whole` for each full byte, then `last` for what is left, if anything. */
function bytes(layout: Layout, whole: (position: Expr) => Stmt, last: (position: Expr) => Stmt): Stmt {
  const full = div(layout.count, int(layout.perByte));
  const position = indexVar('byte', full);
  const rest = lt(mul(full, int(layout.perByte)), layout.count);
  return block([loop(position, whole(position)), ifThen(rest, last(full))]);
}

const kernel = (name: string, dtype: DType, count: Expr, params: readonly Buffer[], body: Stmt): Kernel => ({
  name: `${name}_${dtype}`,
  params,
  dims: [...freeVars(count)],
  body,
});

const asExpr = (count: Expr | number): Expr => (typeof count === 'number' ? int(count) : count);

/** Parameters: the elements, one a byte; the packed bytes, which it writes. */
export function packKernel(dtype: DType, count: Expr | number): Kernel {
  const size = asExpr(count);
  const layout = layoutOf(dtype, size);
  const mask = byte(2 ** layout.bits - 1);
  const codeAt = (index: Expr): Expr => binary('and', bitcast(load(layout.unpacked, [index]), 'uint8'), mask);
  const join = (codes: readonly Expr[]): Expr =>
    codes.map((code, k) => shifted('shl', code, k * layout.bits)).reduce(or, byte(0));
  const codesOf = (position: Expr): readonly Expr[] =>
    range(layout.perByte).map((k) => codeAt(element(layout, position, k)));
  const partOf = (position: Expr): readonly Expr[] =>
    range(layout.perByte).map((k) => {
      const index = element(layout, position, k);
      return select(lt(index, size), codeAt(index), byte(0));
    });
  const body = bytes(
    layout,
    (position) => store(layout.packed, [position], join(codesOf(position))),
    (position) => store(layout.packed, [position], join(partOf(position))),
  );
  return kernel('pack', dtype, size, [layout.unpacked, layout.packed], body);
}

/** Parameters: the packed bytes; the elements, one a byte, which it writes. */
export function unpackKernel(dtype: DType, count: Expr | number): Kernel {
  const size = asExpr(count);
  const layout = layoutOf(dtype, size);
  const { unpacked, packed } = layout;
  const put = (position: Expr, k: number): Stmt => {
    const code = bitcast(shifted('shr', load(packed, [position]), k * layout.bits), unpacked.dtype);
    return store(unpacked, [element(layout, position, k)], layout.trim(code));
  };
  const body = bytes(
    layout,
    (position) => block(range(layout.perByte).map((k) => put(position, k))),
    (position) =>
      block(range(layout.perByte).map((k) => ifThen(lt(element(layout, position, k), size), put(position, k)))),
  );
  return kernel('unpack', dtype, size, [packed, unpacked], body);
}
