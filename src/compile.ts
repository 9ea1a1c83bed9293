// The pipeline. Comments say why a pass stands where it stands.

import type { Graph } from '../ir/graph.ts';
import type { Kernel } from '../ir/kernel.ts';
import { expandMathStmt } from '../ir/math/expand-math.ts';
import type { Program } from '../ir/program.ts';
import type { GenerateOptions, OutputFile, Target } from '../ir/target.ts';
import { applyWinograd } from './apply-winograd.ts';
import { programError } from './errors.ts';
import { fuse } from './fuse/fuse.ts';
import { legalize } from './legalize.ts';
import { lower } from './lower/lower.ts';
import type { Lowered } from './lower/lowered.ts';
import { mapKernels } from './map-kernels.ts';
import { decodeModel } from './onnx/decode.ts';
import { externalDataOf } from './onnx/external-data.ts';
import { importModel } from './onnx/import.ts';
import { createBuilder } from './ops/builder.ts';
import { findOperator } from './ops/index.ts';
import { orderSteps } from './order-steps.ts';
import { packConstants } from './pack-constants.ts';
import { type Pass, type PassOptions, runPasses } from './pass.ts';
import { expandComposites } from './passes/expand-composites.ts';
import { foldAffine } from './passes/fold-affine.ts';
import { foldConstants } from './passes/fold-constants.ts';
import { padExplicitly } from './passes/pad-explicitly.ts';
import { planMemory } from './plan-memory.ts';
import { refuseTypes } from './refuse-types.ts';
import { reuseBuffers } from './reuse-buffers.ts';
import { scheduleKernel } from './schedule/index.ts';
import { parallelizeOutermost } from './schedule/parallelize.ts';
import { shareFamilies } from './share-families.ts';
import { shareKernels } from './share-kernels.ts';

export interface CompileOptions {
  /** Sizes of symbolic dimensions, and their upper bounds. */
  readonly dims?: Readonly<Record<string, number>>;
  readonly maximums?: Readonly<Record<string, number>>;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly overridable?: readonly string[];
  /** Where the model lies, for external data. */
  readonly modelFile?: string;
  readonly math?: 'fast' | 'strict';
  /** Where more than 1, loops are shared out among threads. */
  readonly threads?: number;
  readonly trace?: PassOptions<Graph>['trace'];
}

/** ONNX bytes → graph, checked. Throws a ModelError with every problem found. */
export function importBytes(model: Uint8Array, options: CompileOptions = {}): Graph {
  return importModel(decodeModel(model), findOperator, createBuilder(), {
    dims: options.dims ?? {},
    maximums: options.maximums ?? {},
    shapes: options.shapes ?? {},
    overridable: options.overridable ?? [],
    ...(options.modelFile === undefined ? {} : { resolveExternal: externalDataOf(options.modelFile) }),
  });
}

/** Graph → program for a target, ready to print; without a target, for `evaluate`. */
export function toProgram(graph: Graph, target: Target | undefined, options: CompileOptions = {}): Program {
  try {
    const simple = runPasses(graph, graphPasses, options.trace ? { trace: options.trace } : {});
    const lowered = reuseBuffers(orderSteps(lower(simple, fuse(simple))));
    if (target) refuseTypes(lowered);
    return planMemory(target ? schedule(lowered, target, options) : lowered);
  } catch (error) {
    throw programError(error);
  }
}

const graphPasses: readonly Pass<Graph>[] = [
  foldAffine,
  padExplicitly,
  expandComposites,
  // After expansion: what is left computes element by element, so it can be run.
  foldConstants,
];

/** Kernels as the target wants them. The constants come first: schedules read them in their packed order. */
function schedule(lowered: Lowered, target: Target, { math = 'fast', threads = 1 }: CompileOptions): Lowered {
  // Winograd reorders sums: strict arithmetic keeps the direct form.
  const { lowered: chosen, finished } =
    math === 'fast' ? applyWinograd(lowered, target) : { lowered, finished: new Set<Kernel>() };
  const packed = shareKernels(packConstants(chosen, target, math, finished));
  const scheduled = mapKernels(packed, (kernel) =>
    finished.has(kernel) ? kernel : scheduleKernel(legalize(kernel), target, { math, threads: threads > 1 }),
  );
  const shared = threads > 1 ? mapKernels(scheduled, parallelizeOutermost) : scheduled;
  const plain = mapKernels(shared, (kernel) => ({ ...kernel, body: expandMathStmt(kernel.body) }));
  return shareFamilies(shareKernels(plain), target);
}

/** The whole way: ONNX bytes → files. */
export async function compile(
  model: Uint8Array,
  target: Target,
  generate: GenerateOptions,
  options: CompileOptions = {},
): Promise<readonly OutputFile[]> {
  const program = toProgram(importBytes(model, options), target, {
    ...options,
    math: generate.math,
    threads: generate.threads ? 2 : 1,
  });
  return target.generate(program, generate);
}
