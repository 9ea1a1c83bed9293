// The public API: compile ONNX models to C, WebAssembly or CUDA from JavaScript.
//
//   import { compile, targets } from 'lapidary';
//   const files = await compile(await readFile('model.onnx'), { target: targets.wasm, name: 'net' });
//   for (const { path, bytes } of files) await writeFile(path, bytes);

import { targets } from '../codegen/index.ts';
import type { Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/graph-print.ts';
import type { OutputFile, Target } from '../ir/target.ts';
import { type CompileOptions, compile as compileBytes, importBytes as importGraph } from './compile.ts';
import { UsageError } from './errors.ts';
import { type Inspection, inspect as inspectBytes } from './inspect.ts';

export type { Graph } from '../ir/graph.ts';
export type { OutputFile, Target } from '../ir/target.ts';
export { CompilerBug, ModelError, type Problem, ToolError, UsageError } from './errors.ts';
export type { Amount, Cost, InspectedPort, Inspection } from './inspect.ts';
export { type OperatorEntry, type OperatorInput, operatorTable } from './ops-table.ts';
export { targets };

/** How the open parts of a model are fixed. */
export interface ModelOptions {
  /** Sizes of symbolic dimensions, by name. Those that are not given stay open until the model runs. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Upper bounds of symbolic dimensions that stay open. */
  readonly maximums?: Readonly<Record<string, number>>;
  /** Whole shapes of inputs, by name. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Initializers that the model also lists as inputs, and that stay inputs. */
  readonly overridable?: readonly string[];
  /** Further ONNX files whose functions define operators that the model does not define itself. */
  readonly functions?: readonly Uint8Array[];
  /** Where the model lies: files of external data are found beside it. */
  readonly modelFile?: string;
}

export interface Options extends ModelOptions {
  /** An entry of `targets`, or its name: `host`, `c`, `wasm`, `aarch64` … */
  readonly target: Target | string;
  /** Names the generated functions and files: a letter, then letters, digits and underscores. `net` by default. */
  readonly name?: string;
  /** `embed` (default) puts the weights into the code, `external` into a file that is loaded at run time. */
  readonly weights?: 'embed' | 'external';
  /** `external` (default) writes a WebAssembly module beside its JavaScript, `embed` into it: one file, a third larger. */
  readonly wasm?: 'embed' | 'external';
  /** Whether the code may work on several threads. */
  readonly threads?: boolean;
  /** `strict` gives the same bits from every compiler and target; `fast` (default) allows fused multiply-add. */
  readonly math?: 'fast' | 'strict';
}

/**
 * Compiles the bytes of an ONNX file. Gives the generated files with paths relative to an output folder; nothing is
 * written. Throws a ModelError with every problem of a model that cannot be compiled.
 */
export function compile(model: Uint8Array, options: Options): Promise<readonly OutputFile[]> {
  const { target, name = 'net', weights = 'embed', wasm = 'external', threads = false, math = 'fast' } = options;
  return compileBytes(model, findTarget(target), { name, weights, wasm, threads, math }, forModel(options));
}

/** Reads and checks a model: operators of any version become today's, types and shapes are known everywhere. */
export const importBytes = (model: Uint8Array, options: ModelOptions = {}): Graph =>
  importGraph(model, forModel(options));

/** A graph as text, for people. */
export const print = (graph: Graph): string => printGraph(graph);

/**
 * What is in a model and what it costs; `problems` has everything that keeps it from being compiled. With a target,
 * also what only that target does not support.
 */
export const inspect = (
  model: Uint8Array,
  options: ModelOptions & { readonly target?: Target | string } = {},
): Promise<Inspection> =>
  inspectBytes(model, forModel(options), options.target === undefined ? undefined : findTarget(options.target));

function findTarget(target: Target | string): Target {
  if (typeof target !== 'string') return target;
  const found = Object.hasOwn(targets, target) ? targets[target] : undefined;
  if (found) return found;
  throw new UsageError(`There is no target "${target}". There are: ${Object.keys(targets).join(', ')}.`);
}

const forModel = ({ dims, maximums, shapes, overridable, functions, modelFile }: ModelOptions): CompileOptions => ({
  ...(dims ? { dims } : {}),
  ...(maximums ? { maximums } : {}),
  ...(shapes ? { shapes } : {}),
  ...(overridable ? { overridable } : {}),
  ...(functions ? { functions } : {}),
  ...(modelFile === undefined ? {} : { modelFile }),
});
