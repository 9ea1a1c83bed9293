// Program → report. Open sizes are assumed, and the report says which.

import { type DType, dtypes } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import { rewriteExpr } from '../../ir/expr-walk.ts';
import type { Kernel } from '../../ir/kernel.ts';
import { visitStmt } from '../../ir/kernel-walk.ts';
import type { Port, Program } from '../../ir/program.ts';
import { callsOf } from '../../ir/program-print.ts';
import { simplify } from '../../ir/simplify.ts';
import type { OutputFile } from '../../ir/target.ts';
import { arenaBuffers } from './arena-buffers.ts';
import type { Report, ReportCall, ReportKernel, ReportPort, ReportWork } from './report.ts';
import { createCounter } from './work.ts';

export interface ReportOptions {
  readonly target: string;
  readonly math: 'fast' | 'strict';
  readonly files: readonly OutputFile[];
}

/** What an open size counts as, unless its bound is smaller. */
const assumedSize = 64;
const assumedFor = ({ max }: Var): number => Math.min(max ?? assumedSize, assumedSize);

/** Gives sizes as numbers. */
export type Evaluate = (size: Expr) => number;

const evaluate: Evaluate = (size) =>
  constantOf(size) ??
  constantOf(simplify(rewriteExpr(size, (node) => (node.kind === 'var' ? int(assumedFor(node)) : undefined)))) ??
  assumedSize;

export function makeReport(program: Program, { target, math, files }: ReportOptions): Report {
  const calls = callsOf(program.body);
  const count = createCounter();
  const work = calls.map((call): ReportCall => {
    const counts = count(call);
    return {
      kernel: call.kernel.name,
      multiplyAdds: evaluate(counts.multiplyAdds),
      floatOperations: evaluate(counts.floatOperations),
      bytesLoaded: evaluate(counts.bytesLoaded),
      bytesStored: evaluate(counts.bytesStored),
    };
  });
  const kernels = [...new Set(calls.map(({ kernel }) => kernel))].map((kernel): ReportKernel => {
    const own = work.filter((_, position) => calls[position]!.kernel === kernel);
    return { name: kernel.name, calls: own.length, stackBytes: stackBytes(kernel), ...sum(own) };
  });
  return {
    version: 1,
    model: program.name,
    target,
    math,
    inputs: program.inputs.map(portOf),
    outputs: program.outputs.map(portOf),
    dims: program.dims.map((dim) => ({ name: dim.name, assumed: assumedFor(dim), max: dim.max ?? null })),
    arena: {
      bytes: evaluate(program.arenaBytes),
      lowerBoundBytes: evaluate(program.arenaLowerBound),
      formula: constantOf(program.arenaBytes) === undefined ? printExpr(program.arenaBytes) : null,
      buffers: arenaBuffers(program, evaluate),
    },
    weightsBytes: program.weights.length,
    stackBytes: Math.max(0, ...kernels.map((kernel) => kernel.stackBytes)),
    files: files.map(({ path, bytes }) => ({ path, bytes: bytes.length })),
    totals: sum(work),
    kernels: kernels.sort((a, b) => b.multiplyAdds - a.multiplyAdds || b.floatOperations - a.floatOperations),
    calls: work,
  };
}

const portOf = ({ name, buffer }: Port): ReportPort => ({
  name,
  dtype: buffer.dtype,
  shape: buffer.shape.map((extent) => constantOf(extent) ?? printExpr(extent)),
});

const sum = (all: readonly ReportWork[]): ReportWork => {
  const total = (key: keyof ReportWork): number => all.reduce((result, work) => result + work[key], 0);
  return {
    multiplyAdds: total('multiplyAdds'),
    floatOperations: total('floatOperations'),
    bytesLoaded: total('bytesLoaded'),
    bytesStored: total('bytesStored'),
  };
};

/** Arrays of one nest are live together; those of siblings are counted too, as compilers may not share their place. */
function stackBytes(kernel: Kernel): number {
  let bytes = 0;
  visitStmt(kernel.body, (stmt) => {
    if (stmt.kind !== 'alloc' || stmt.buffer.memory !== 'stack') return;
    bytes += stmt.buffer.shape.reduce((size, extent) => size * evaluate(extent), bytesOf(stmt.buffer.dtype));
  });
  return bytes;
}

const bytesOf = (dtype: DType): number => Math.max(1, dtypes[dtype].bits / 8);
