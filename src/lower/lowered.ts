// What lowering produces: a program whose buffers have no places yet.

import type { Expr, Var } from '../../ir/expr.ts';
import type { Forms } from '../../ir/form.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import type { Port, Step } from '../../ir/program.ts';

/** A buffer that shares another's storage, `offset` elements further. */
export interface View {
  readonly base: Buffer;
  readonly offset: Expr;
}

export interface Lowered {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly forms?: Forms;
  readonly dims: readonly Var[];
  readonly computedDims: readonly Var[];
  readonly body: readonly Step[];
  /** Bytes as ONNX stores them, row-major. */
  readonly constants: ReadonlyMap<Buffer, Uint8Array>;
  readonly views: ReadonlyMap<Buffer, View>;
  /** Kernels that were made for the target already: neither packed nor scheduled. */
  readonly finished?: ReadonlySet<Kernel>;
}

/** Follows views to the buffer that owns the storage. */
export function storageOf(buffer: Buffer, views: ReadonlyMap<Buffer, View>): Buffer {
  let current = buffer;
  for (let view = views.get(current); view; view = views.get(current)) current = view.base;
  return current;
}
