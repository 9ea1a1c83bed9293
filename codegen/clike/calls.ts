// Which C function each call of a program runs: one for every kernel, and for every way in which the arguments of its
// calls overlap. Overlapping arguments behind restrict pointers would be undefined behaviour.

import { exprKey } from '../../ir/expr-key.ts';
import { constantOf, product } from '../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { writtenBuffers } from '../../ir/kernel-walk.ts';
import type { Call, Place, Program, Step } from '../../ir/program.ts';
import type { Dialect } from './dialect.ts';
import type { Helpers } from './helpers.ts';
import { cIdentifiers } from './identifiers.ts';
import type { Aliasing, PrintOptions } from './parameters.ts';
import type { Signature } from './print-function.ts';
import { bytesOf } from './types.ts';

/** What the run calls for a kernel. */
export interface KernelFunction extends Signature {
  readonly name: string;
  /** Whether it returns an error code. One that can fail and does not return it reports it in some other way. */
  readonly returnsCode: boolean;
  /** Arguments before and after those that the signature names, in the words of the run. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface CallTable {
  readonly functions: readonly KernelFunction[];
  functionOf(call: Call): KernelFunction;
}

export interface CallOptions {
  readonly name: string;
  readonly dialect: Dialect;
  readonly helpers: Helpers;
  readonly threads: boolean;
  readonly printKernel: (kernel: Kernel, options: PrintOptions) => KernelFunction;
}

export function printKernels(program: Program, options: CallOptions): CallTable {
  const written = new Map<Kernel, ReadonlySet<Buffer>>();
  const variants = new Map<Kernel, Map<string, KernelFunction>>();
  const functions: KernelFunction[] = [];
  const byCall = new Map<Call, KernelFunction>();
  for (const call of callsIn(program.body)) {
    const { kernel } = call;
    const writes = written.get(kernel) ?? writtenBuffers(kernel);
    written.set(kernel, writes);
    const aliasing = aliasingOf(call, writes, program.places);
    const key = `${aliasing.same.join()};${[...aliasing.overlapping].join()}`;
    const known = variants.get(kernel) ?? new Map<string, KernelFunction>();
    variants.set(kernel, known);
    let made = known.get(key);
    if (!made) {
      const [slug] = cIdentifiers([kernel.name]);
      const name = `${options.name}_k${functions.length}_${slug}`;
      made = options.printKernel(kernel, { ...options, name, aliasing });
      functions.push(made);
      known.set(key, made);
    }
    byCall.set(call, made);
  }
  return { functions, functionOf: (call) => byCall.get(call)! };
}

export function callsIn(steps: readonly Step[]): readonly Call[] {
  return steps.flatMap((step): readonly Call[] => {
    switch (step.kind) {
      case 'call':
        return [step];
      case 'if':
        return callsIn([...step.then, ...step.otherwise]);
      case 'loop':
        return callsIn(step.body);
      case 'let':
      case 'check':
        return [];
    }
  });
}

function aliasingOf(call: Call, writes: ReadonlySet<Buffer>, places: ReadonlyMap<Buffer, Place>): Aliasing {
  const { params } = call.kernel;
  const same = params.map((_, position) => position);
  const overlapping = new Set<number>();
  for (let second = 0; second < params.length; second++) {
    for (let first = 0; first < second; first++) {
      const isWritten = writes.has(params[first]!) || writes.has(params[second]!);
      const relation = relationOf(call.arguments[first]!, call.arguments[second]!, places);
      if (!isWritten || relation === 'apart') continue;
      const merges = relation === 'same' && params[first]!.dtype === params[second]!.dtype;
      if (merges) same[second] = Math.min(same[second]!, same[first]!);
      else overlapping.add(first).add(second);
    }
  }
  // A pointer that stands for several parameters overlaps whatever one of them overlaps.
  for (const position of [...overlapping]) overlapping.add(same[position]!);
  return { same, overlapping };
}

function relationOf(a: Buffer, b: Buffer, places: ReadonlyMap<Buffer, Place>): 'same' | 'overlapping' | 'apart' {
  const first = places.get(a);
  const second = places.get(b);
  if (!first || !second || first.kind !== second.kind || first.kind === 'constant' || second.kind === 'constant') {
    return 'apart';
  }
  if ('index' in first && 'index' in second && first.index !== second.index) return 'apart';
  if (exprKey(first.offset) === exprKey(second.offset)) return 'same';
  const [start, other] = [constantOf(first.offset), constantOf(second.offset)];
  const [length, otherLength] = [a, b].map(lengthOf);
  // What is live at the same time lies apart: only places that are known can be found to overlap.
  if (start === undefined || other === undefined || length === undefined || otherLength === undefined) return 'apart';
  return start < other + otherLength && other < start + length ? 'overlapping' : 'apart';
}

function lengthOf(buffer: Buffer): number | undefined {
  const count = constantOf(product(buffer.shape));
  return count === undefined ? undefined : count * bytesOf(buffer.dtype);
}
