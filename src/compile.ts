// The pipeline. Comments say why a pass stands where it stands.

import type { Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/graph-print.ts';
import { verifyGraph } from '../ir/graph-verify.ts';
import { expandMathStmt } from '../ir/math/expand-math.ts';
import type { Program } from '../ir/program.ts';
import { printProgram } from '../ir/program-print.ts';
import type { GenerateOptions, OutputFile, Target } from '../ir/target.ts';
import { applyWinograd } from './apply-winograd.ts';
import { problem, programError } from './errors.ts';
import { fuse } from './fuse/fuse.ts';
import { legalize } from './legalize.ts';
import { lower } from './lower/lower.ts';
import type { Lowered } from './lower/lowered.ts';
import { mapKernels } from './map-kernels.ts';
import { decodeModel } from './onnx/decode.ts';
import { externalDataOf } from './onnx/external-data.ts';
import { importModel } from './onnx/import.ts';
import type { FunctionProto } from './onnx/proto-types.ts';
import { createBuilder } from './ops/builder.ts';
import { findOperator } from './ops/index.ts';
import { orderSteps } from './order-steps.ts';
import { packConstants } from './pack-constants.ts';
import { type Pass, runPasses, type Trace } from './pass.ts';
import { expandComposites } from './passes/expand-composites.ts';
import { foldAffine } from './passes/fold-affine.ts';
import { foldConstants } from './passes/fold-constants.ts';
import { padExplicitly } from './passes/pad-explicitly.ts';
import { planMemory } from './plan-memory.ts';
import { printLowered } from './print-lowered.ts';
import { refuseTypes } from './refuse-types.ts';
import { reuseBuffers } from './reuse-buffers.ts';
import { scheduleKernel } from './schedule/index.ts';
import { parallelizeOutermost } from './schedule/parallelize.ts';
import { shareFamilies } from './share-families.ts';
import { shareKernels } from './share-kernels.ts';
import { useReciprocals } from './use-reciprocals.ts';
import { verifyLowered } from './verify-lowered.ts';
import { type LongSums, widenSums } from './widen-sums.ts';

export interface CompileOptions {
  /** Sizes of symbolic dimensions, and their upper bounds. */
  readonly dims?: Readonly<Record<string, number>>;
  readonly maximums?: Readonly<Record<string, number>>;
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  readonly overridable?: readonly string[];
  /** Further ONNX files whose functions define operators that the model does not define itself. */
  readonly functions?: readonly Uint8Array[];
  /** Where the model lies, for external data. */
  readonly modelFile?: string;
  readonly math?: 'fast' | 'strict';
  /** Where more than 1, loops are shared out among threads. */
  readonly threads?: number;
  readonly trace?: Trace;
}

/** ONNX bytes → graph, checked. Throws a ModelError with every problem found. */
export function importBytes(model: Uint8Array, options: CompileOptions = {}): Graph {
  return importModel(decodeModel(model), findOperator, createBuilder(), {
    dims: options.dims ?? {},
    maximums: options.maximums ?? {},
    shapes: options.shapes ?? {},
    overridable: options.overridable ?? [],
    functions: givenFunctions(options),
    ...(options.modelFile === undefined ? {} : { resolveExternal: externalDataOf(options.modelFile) }),
  });
}

/** The functions of the further files. */
export const givenFunctions = ({ functions = [] }: CompileOptions): readonly FunctionProto[] =>
  functions.flatMap(functionsOf);

function functionsOf(file: Uint8Array): readonly FunctionProto[] {
  const { functions } = decodeModel(file, 'file of functions');
  if (functions.length === 0)
    throw problem('file of functions', 'holds no functions: they are a part of a model file.');
  return functions;
}

/** Graph → program for a target, ready to print; without a target, for `evaluate`. */
export function toProgram(graph: Graph, target: Target | undefined, options: CompileOptions = {}): Program {
  try {
    return runPipeline(graph, target, options);
  } catch (error) {
    throw programError(error);
  }
}

function runPipeline(graph: Graph, target: Target | undefined, options: CompileOptions): Program {
  const { trace } = options;
  const onPrograms = { verify: verifyLowered, print: printLowered, trace };
  const simple = runPasses(graph, graphPasses, { verify: verifyGraph, print: printGraph, trace });
  const lowered = runPasses(lower(simple, fuse(simple)), loweredPasses, onPrograms);
  if (target) refuseTypes(lowered);
  const program = planMemory(target ? runPasses(lowered, targetPasses(target, options), onPrograms) : lowered);
  trace?.('plan-memory', () => printProgram(program, { kernels: false }));
  return program;
}

const graphPasses: readonly Pass<Graph>[] = [
  foldAffine,
  padExplicitly,
  expandComposites,
  // After expansion: what is left computes element by element, so it can be run.
  foldConstants,
];

const loweredPasses: readonly Pass<Lowered>[] = [
  // Only for its name: lowering is no function of what it makes, but can be traced and is checked like the others.
  { name: 'lower', run: (lowered) => lowered },
  { name: 'order-steps', run: orderSteps },
  { name: 'reuse-buffers', run: reuseBuffers },
];

/** Strict sums are formed one after the other; others in lanes and chains, which loses less. */
const longSums: Readonly<Record<'fast' | 'strict', LongSums>> = {
  fast: { shortest: 16384, open: false },
  strict: { shortest: 1024, open: true },
};

/** Kernels as the target wants them. */
function targetPasses(target: Target, { math = 'fast', threads = 1 }: CompileOptions): readonly Pass<Lowered>[] {
  const pass = (name: string, run: Pass<Lowered>['run']): Pass<Lowered> => ({ name, run });
  const scheduled = (lowered: Lowered): Lowered =>
    mapKernels(lowered, (kernel) =>
      lowered.finished?.has(kernel) ? kernel : scheduleKernel(legalize(kernel), target, { math, threads: threads > 1 }),
    );
  return [
    pass('use-reciprocals', (lowered) => mapKernels(lowered, useReciprocals)),
    // Winograd reorders sums: strict arithmetic keeps the direct form.
    ...(math === 'fast' ? [pass('apply-winograd', (lowered) => applyWinograd(lowered, target))] : []),
    pass('widen-sums', (lowered) => mapKernels(lowered, (kernel) => widenSums(kernel, longSums[math]))),
    // Before scheduling: schedules read constants in their packed order.
    pass('pack-constants', (lowered) => packConstants(lowered, target, math)),
    pass('share-kernels', shareKernels),
    pass('schedule', scheduled),
    ...(threads > 1 ? [pass('parallelize', (lowered) => mapKernels(lowered, parallelizeOutermost))] : []),
    pass('expand-math', (lowered) =>
      mapKernels(lowered, (kernel) => ({ ...kernel, body: expandMathStmt(kernel.body) })),
    ),
    // Again: kernels that differed in their layout may be equal once they are scheduled.
    pass('share-equal', shareKernels),
    pass('share-families', (lowered) => shareFamilies(lowered, target)),
  ];
}

/** The names that `--trace` knows, in their order. */
export const passNames = (target: Target): readonly string[] => [
  ...graphPasses.map(({ name }) => name),
  ...[...loweredPasses, ...targetPasses(target, { threads: 2 })].map(({ name }) => name),
  'plan-memory',
];

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
