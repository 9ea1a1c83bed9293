// A program: what a target receives. A structured list of kernel calls over buffers placed in one arena.

import type { ErrorCode, Expr, Var } from './expr.ts';
import type { Forms } from './form.ts';
import type { Buffer, Kernel } from './kernel.ts';

export interface Call {
  readonly kind: 'call';
  readonly kernel: Kernel;
  /** One program buffer for each kernel parameter. */
  readonly arguments: readonly Buffer[];
  /** One value for each kernel dim, over the program's dims. */
  readonly dims: readonly Expr[];
}

/** Names a size that is known only now; `value` may load from a program buffer. */
export interface Let {
  readonly kind: 'let';
  readonly variable: Var;
  readonly value: Expr;
}

/** Leaves the run with the code unless the condition holds. */
export interface Check {
  readonly kind: 'check';
  readonly condition: Expr;
  readonly code: ErrorCode;
}

export interface If {
  readonly kind: 'if';
  readonly condition: Expr;
  readonly then: readonly Step[];
  readonly otherwise: readonly Step[];
}

/** Runs `body` for index = 0, 1, … while index < count and `condition` (read before each turn) holds. */
export interface Loop {
  readonly kind: 'loop';
  readonly index: Var;
  readonly count?: Expr;
  readonly condition?: Expr;
  readonly body: readonly Step[];
}

export type Step = Call | Let | Check | If | Loop;

/**
 * Where a buffer's bytes are: a model input or output, a constant (byte offset into the weights), or the arena
 * (byte offset there). Views share a place with the buffer that they view, `offset` bytes further.
 */
export type Place =
  | { readonly kind: 'input'; readonly index: number; readonly offset: Expr }
  | { readonly kind: 'output'; readonly index: number; readonly offset: Expr }
  | { readonly kind: 'constant'; readonly offset: number }
  | { readonly kind: 'arena'; readonly offset: Expr };

/** An input or output as the user sees it. */
export interface Port {
  readonly name: string;
  readonly buffer: Buffer;
}

export interface Program {
  readonly name: string;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** What the ports mean to the user, where some are parts of values that are no plain tensors. */
  readonly forms?: Forms;
  /** Symbolic sizes given by the caller, each bound by some input dimension. */
  readonly dims: readonly Var[];
  /** Sizes that a run finds out (outputs of run-time extent). */
  readonly computedDims: readonly Var[];
  readonly body: readonly Step[];
  /** All constants, at the offsets that `places` gives. */
  readonly weights: Uint8Array;
  readonly places: ReadonlyMap<Buffer, Place>;
  /** Bytes of the arena, over `dims`. */
  readonly arenaBytes: Expr;
  /** The largest sum of live buffers at any step: no placement can be smaller. */
  readonly arenaLowerBound: Expr;
}
