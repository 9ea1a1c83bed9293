// What lowering carries along, and the two ways in which it reads a value: from its buffer, or inlined.

import { isSubByte } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { load } from '../../ir/expr-make.ts';
import { rewriteExpr } from '../../ir/expr-walk.ts';
import type { Node, Value } from '../../ir/graph.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import type { Step } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import type { Layouts } from '../fuse/choose-layout.ts';
import { unpackElements } from '../npy-packing.ts';
import { bufferOf, countOf, valueBehind } from '../ops/elements.ts';
import { definitionOf, isComputed, tensorType } from './definition.ts';
import type { Hosting } from './host.ts';
import { type Storage, storageFor } from './storage.ts';

/** What fusion decided. */
export interface FusionPlan {
  /** Values that get a buffer, in an order in which they can be computed. */
  readonly materialized: readonly Value[];
  readonly layouts: Layouts;
  /** Values that are computed in another order than that of their memory: their axes, outermost first. */
  readonly loopOrders: Layouts;
}

export interface HostPlan {
  /** Values whose storage is a part of another's. */
  readonly hosted: ReadonlyMap<Value, { readonly host: Value; readonly offset: readonly Expr[] }>;
  /** Values that are made of parts. */
  readonly hosts: ReadonlyMap<Value, Hosting>;
}

export interface LowerState {
  readonly kept: ReadonlySet<Value>;
  readonly storage: Storage;
  readonly hosts: HostPlan;
  readonly loopOrders: Layouts;
  readonly steps: Step[];
  readonly constants: Map<Buffer, Uint8Array>;
  /** Buffers that already are what the user sees: inputs, outputs and constants cannot become an output's storage. */
  readonly pinned: Set<Buffer>;
  /** Nodes whose kernels are written: one kernel gives all outputs. */
  readonly lowered: Set<Node>;
  readonly computedDims: Var[];
  /** Scalars that are known as expressions: the counters of the loops around. */
  readonly scalars: ReadonlyMap<Value, Expr>;
}

export const callOf = (kernel: Kernel): Step => ({ kind: 'call', kernel, arguments: kernel.params, dims: kernel.dims });

/** The buffer from which the value is read; a constant is noted as used. */
export function readable(value: Value, state: LowerState): Buffer {
  const buffer = storageFor(value, state.storage);
  if (value.constant && !state.constants.has(buffer)) state.constants.set(buffer, storedBytes(value, value.constant));
  return buffer;
}

/** Sub-byte elements take a byte each while a program runs. */
function storedBytes(value: Value, bytes: Uint8Array): Uint8Array {
  const type = tensorType(value);
  const count = countOf(type);
  return isSubByte(type.dtype) && count !== undefined ? unpackElements(bytes, count, type.dtype) : bytes;
}

/** Replaces loads of values: by their definitions where they have no buffer, else by loads from it. */
export function inline(expr: Expr, state: LowerState): Expr {
  const known = new Map<string, Expr>();
  const memo = new Map<Expr, Expr>();
  const walk = (node: Expr): Expr =>
    rewriteExpr(
      node,
      (inner) => {
        const value = inner.kind === 'load' ? valueBehind(inner.buffer) : undefined;
        if (inner.kind !== 'load' || !value) return undefined;
        const scalar = state.scalars.get(value);
        if (scalar) return scalar;
        const indices = inner.indices.map((index) => simplify(index));
        if (state.kept.has(value) || !isComputed(value)) return load(readable(value, state), indices);
        const key = exprKey(load(bufferOf(value), indices));
        const found = known.get(key) ?? walk(definitionOf(value, indices));
        known.set(key, found);
        return found;
      },
      memo,
    );
  return walk(expr);
}
