// What is in a model, what it costs, and everything in it that cannot be compiled, all at once.

import { dtypeFromOnnx } from '../ir/dtype.ts';
import type { Expr, Var } from '../ir/expr.ts';
import { constantOf } from '../ir/expr-make.ts';
import { printExpr } from '../ir/expr-print.ts';
import type { Graph } from '../ir/graph.ts';
import { printValueType } from '../ir/graph-print.ts';
import type { Program } from '../ir/program.ts';
import { callsOf } from '../ir/program-print.ts';
import type { Target } from '../ir/target.ts';
import { type CompileOptions, givenFunctions, importBytes, toProgram } from './compile.ts';
import { countOperators, type OperatorCount } from './count-operators.ts';
import { ModelError, type Problem } from './errors.ts';
import { decodeModel } from './onnx/decode.ts';
import type { FunctionProto, ModelProto, TypeProto } from './onnx/proto-types.ts';
import { workOf } from './report/work.ts';

export interface Inspection {
  readonly name: string;
  readonly producer: string;
  readonly irVersion: number;
  /** Version of each operator set, by domain. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly InspectedPort[];
  readonly outputs: readonly InspectedPort[];
  /** Symbolic dimensions that stay open. */
  readonly dims: readonly { readonly name: string; readonly max: number | null }[];
  readonly operators: readonly OperatorCount[];
  /** Elements of all initializers. */
  readonly parameters: number;
  /** Why the model cannot be compiled; empty where it can. */
  readonly problems: readonly Problem[];
  /** undefined where the model cannot be compiled. */
  readonly cost?: Cost;
}

export interface InspectedPort {
  readonly name: string;
  /** For example `float32[1, 3, N]`. */
  readonly type: string;
}

/** A number, or its formula where it depends on symbolic sizes. */
export type Amount = number | string;

export interface Cost {
  readonly kernels: number;
  readonly calls: number;
  readonly multiplyAdds: Amount;
  readonly otherFloatOperations: Amount;
  readonly arenaBytes: Amount;
  readonly arenaLowerBoundBytes: Amount;
  readonly weightsBytes: number;
}

/** With a target, also what only that target refuses is found. */
export async function inspect(bytes: Uint8Array, options: CompileOptions = {}, target?: Target): Promise<Inspection> {
  const model = decodeModel(bytes, options.modelFile === undefined ? 'model' : `file ${options.modelFile}`);
  try {
    const graph = importBytes(bytes, options);
    const program = toProgram(graph, undefined, options);
    if (target) await dryRun(graph, target, options);
    return { ...describe(model, graph, givenFunctions(options)), problems: [], cost: costOf(program) };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { ...describe(model, undefined, givenFunctions(options)), problems: error.problems };
  }
}

async function dryRun(graph: Graph, target: Target, options: CompileOptions): Promise<void> {
  const program = toProgram(graph, target, options);
  await target.generate(program, { name: 'net', weights: 'external', threads: false, math: options.math ?? 'fast' });
}

function describe(
  model: ModelProto,
  graph: Graph | undefined,
  functions: readonly FunctionProto[],
): Omit<Inspection, 'problems' | 'cost'> {
  const proto = model.graph!;
  const initialized = new Set(proto.initializer.map(({ name }) => name ?? ''));
  return {
    name: proto.name ?? '',
    producer: [model.producerName, model.producerVersion].filter(Boolean).join(' '),
    irVersion: Number(model.irVersion),
    opsets: Object.fromEntries(model.opsetImport.map(({ domain, version }) => [domain || 'ai.onnx', Number(version)])),
    inputs: graph
      ? graph.inputs.map(({ name, type }) => ({ name, type: printValueType(type) }))
      : proto.input
          .filter(({ name }) => !initialized.has(name ?? ''))
          .map(({ name = '', type }) => ({ name, type: typeText(type) })),
    outputs: graph
      ? graph.outputs.map(({ type }, position) => ({ name: graph.outputNames[position]!, type: printValueType(type) }))
      : proto.output.map(({ name = '', type }) => ({ name, type: typeText(type) })),
    dims: (graph?.dims ?? []).map(({ name, max }) => ({ name, max: max ?? null })),
    operators: countOperators(model, functions),
    parameters: proto.initializer.reduce((sum, { dims }) => sum + Number(dims.reduce((a, b) => a * b, 1n)), 0),
  };
}

function costOf(program: Program): Cost {
  const work = workOf(program);
  const calls = callsOf(program.body);
  return {
    kernels: new Set(calls.map(({ kernel }) => kernel)).size,
    calls: calls.length,
    multiplyAdds: amountOf(work.multiplyAdds),
    otherFloatOperations: amountOf(work.floatOperations),
    arenaBytes: amountOf(program.arenaBytes),
    arenaLowerBoundBytes: amountOf(program.arenaLowerBound),
    weightsBytes: program.weights.length,
  };
}

export const amountOf = (size: Expr | Var): Amount => constantOf(size) ?? printExpr(size);

/** A type as the model file states it, of a model that cannot be compiled. */
function typeText(type: TypeProto | undefined): string {
  const tensor = type?.tensorType ?? type?.sparseTensorType;
  if (tensor) {
    const dims = tensor.shape?.dim.map(({ dimValue, dimParam }) => `${dimValue ?? (dimParam || '?')}`);
    return `${dtypeFromOnnx(tensor.elemType ?? 0) ?? '?'}${dims ? `[${dims.join(', ')}]` : ''}`;
  }
  if (type?.sequenceType) return `sequence(${typeText(type.sequenceType.elemType)})`;
  if (type?.optionalType) return `optional(${typeText(type.optionalType.elemType)})`;
  if (type?.mapType)
    return `map(${dtypeFromOnnx(type.mapType.keyType ?? 0) ?? '?'}, ${typeText(type.mapType.valueType)})`;
  return '?';
}
