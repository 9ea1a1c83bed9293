// A kernel: loops over buffers. What schedules rewrite and targets print.

import type { DType } from './dtype.ts';
import type { ErrorCode, Expr, Var } from './expr.ts';

/**
 * Where a buffer lives, seen from the kernel. `argument`: behind a pointer parameter (inputs, outputs, constants and
 * the arena alike). `stack`: a local array that may be indexed at run time. `register`: local scalars or vectors, every
 * index constant once loops are unrolled. `shared`: CUDA shared memory.
 */
export type Memory = 'argument' | 'stack' | 'register' | 'shared';

/** Identity is the object. */
export interface Buffer {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  readonly memory: Memory;
  /** Elements between neighbours along each axis; absent means dense row-major. */
  readonly strides?: readonly Expr[];
  /** Elements of one register: a vector register buffer holds `lanes` values an element. 1 unless memory is register. */
  readonly lanes?: number;
}

/** serial; unrolled: copied out before printing; parallel: iterations independent; block, thread: CUDA grid axes. */
export type LoopKind = 'serial' | 'unrolled' | 'parallel' | 'vector' | 'block' | 'thread';

/** index runs from 0 to index.extent - 1. Names of loops are handles for schedule steps; siblings may share one. */
export interface Loop {
  readonly kind: 'loop';
  readonly index: Var;
  readonly extent: Expr;
  readonly as: LoopKind;
  readonly body: Stmt;
}

/** Repeats while the condition (bool, read before each turn) holds. Only in hand-written kernels. */
export interface While {
  readonly kind: 'while';
  readonly condition: Expr;
  readonly body: Stmt;
}

export interface Store {
  readonly kind: 'store';
  readonly buffer: Buffer;
  readonly indices: readonly Expr[];
  readonly value: Expr;
}

/** Names a value inside `body`. */
export interface Let {
  readonly kind: 'let';
  readonly variable: Var;
  readonly value: Expr;
  readonly body: Stmt;
}

export interface If {
  readonly kind: 'if';
  readonly condition: Expr;
  readonly then: Stmt;
  readonly otherwise?: Stmt;
}

/** Brings a stack, register or shared buffer into being for `body`; its contents start undefined. */
export interface Alloc {
  readonly kind: 'alloc';
  readonly buffer: Buffer;
  readonly body: Stmt;
}

export interface Block {
  readonly kind: 'block';
  readonly body: readonly Stmt[];
}

/** All threads of a CUDA block meet here. */
export interface Barrier {
  readonly kind: 'barrier';
}

/** Records the error code for the run if the condition is false, and leaves the kernel. */
export interface Check {
  readonly kind: 'check';
  readonly condition: Expr;
  readonly code: ErrorCode;
}

export type Stmt = Loop | While | Store | Let | If | Alloc | Block | Barrier | Check;

/** `params` are the argument buffers read or written; `dims` the scalar index parameters that shapes and loops use. */
export interface Kernel {
  readonly name: string;
  readonly params: readonly Buffer[];
  readonly dims: readonly Var[];
  readonly body: Stmt;
}
