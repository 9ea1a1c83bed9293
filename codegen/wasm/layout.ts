// Where everything lies in the memory of a module, as byte addresses over the program's sizes:
//   control words | job of the threads | stacks of the kernels | weights | arena | inputs | outputs
// Nothing moves while the sizes stay the same. The first bytes are never data, so address 0 is never a tensor.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, IrError, int, mul, product } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import type { Program } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { upperBound } from '../../ir/upper-bound.ts';
import { lowestAddress } from './address.ts';
import { bytesOf } from './representation.ts';

/** Cache lines and the widest vectors; also what the arena's own offsets assume. */
const alignment = 64;
/** Vector loads may read beyond the last element. */
const slack = 64;
const pageBytes = 65536;
/** Bytes that an instance can have at most, and pages. */
export const memoryLimit = 2 ** 32;
const mostPages = memoryLimit / pageBytes;

export interface Layout {
  /** One i32 for each computed size, written by `run`. */
  readonly controlBase: number;
  /** The job that threads share, where there are threads. */
  readonly jobBase: number;
  /** Stacks of the kernels, one for each thread, and the bytes of one. */
  readonly stackBase: number;
  readonly stackBytes: number;
  readonly weightsBase: number;
  readonly arenaBase: number;
  /** Where each input and output begins. */
  readonly inputs: readonly Expr[];
  readonly outputs: readonly Expr[];
  /** Bytes of memory in all. */
  readonly total: Expr;
}

const controlBase = 64;
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;
const alignedExpr = (bytes: Expr): Expr => mul(div(add(bytes, int(alignment - 1)), int(alignment)), int(alignment));

export interface Sizes {
  /** The most that a kernel needs. */
  readonly stackBytes: number;
  readonly threads: number;
  readonly jobBytes: number;
}

export function layoutOf(program: Program, sizes: Sizes): Layout {
  const jobBase = jobBaseOf(program);
  const stackBase = Math.max(lowestAddress, aligned(jobBase + sizes.jobBytes));
  const stackBytes = aligned(sizes.stackBytes);
  const weightsBase = aligned(stackBase + stackBytes * sizes.threads);
  const arenaBase = aligned(weightsBase + program.weights.length + slack);
  let next: Expr = add(int(arenaBase), alignedExpr(program.arenaBytes));
  const place = (buffer: Buffer): Expr => {
    const address = simplify(next);
    next = add(next, alignedExpr(mul(largestSize(buffer), int(bytesOf(buffer.dtype)))));
    return address;
  };
  const inputs = program.inputs.map(({ buffer }) => place(buffer));
  const outputs = program.outputs.map(({ buffer }) => place(buffer));
  return {
    controlBase,
    jobBase,
    stackBase,
    stackBytes,
    weightsBase,
    arenaBase,
    inputs,
    outputs,
    total: simplify(add(next, int(slack))),
  };
}

export const jobBaseOf = (program: Program): number => aligned(controlBase + 4 * program.computedDims.length);

const pagesFor = (bytes: number): number => Math.ceil(bytes / pageBytes);

export interface Pages {
  readonly initial: number;
  readonly maximum: number;
}

/** The pages of a memory: what has no fixed size grows when the sizes are known. */
export function memoryPages(layout: Layout): Pages {
  const total = fixedTotal(layout);
  const initial = pagesFor(total ?? layout.arenaBase);
  return { initial, maximum: total === undefined ? mostPages : initial };
}

/** Elements of a buffer, sizes that a run finds out at their bound. */
const largestSize = (buffer: Buffer): Expr => upperBound(product(buffer.shape));

/** The bytes that a program of fixed sizes needs, or undefined. */
export function fixedTotal(layout: Layout): number | undefined {
  const total = constantOf(layout.total);
  if (total !== undefined && total > memoryLimit) {
    throw new IrError(`the model needs ${(total / 2 ** 30).toFixed(1)} GiB; a WebAssembly memory has at most 4 GiB`);
  }
  return total;
}
