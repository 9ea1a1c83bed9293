// Lays constants out in exactly the order in which the inner loop reads them.
//   contraction:   W[n, c, ky, kx]   →   P[n / 32, ky, kx, c, n % 32]     in panels as wide as a tile, zero-padded
//   window:        W[c, ky, kx]      →   P[ky, kx, c]
//   one column:    W[0, c, ky, kx]   →   P[ky, kx, c]
// Works on the lowered kernel, so it does not matter which operator the weights belong to or how it stored them.

import { byteSize, dtypes } from '../ir/dtype.ts';
import { arrayOverBytes } from '../ir/eval-arrays.ts';
import type { Expr, Load, Var } from '../ir/expr.ts';
import { exprKey } from '../ir/expr-key.ts';
import { add, constant, constantOf, div, indexVar, int, load, lt, mod, mul, reduce, select } from '../ir/expr-make.ts';
import { contains, freeVars, substitute } from '../ir/expr-walk.ts';
import type { Buffer, Loop, Stmt } from '../ir/kernel.ts';
import { loops, rewriteStmtExprs, store, visitStmt, visitStmtExprs } from '../ir/kernel-walk.ts';
import { storageOf } from '../ir/legalize/representation.ts';
import type { Call } from '../ir/program.ts';
import type { Target } from '../ir/target.ts';
import { estimate } from './fuse/estimate.ts';
import { compileLegal } from './legalize.ts';
import type { Lowered } from './lower/lowered.ts';
import { makeKernel } from './lower/make-kernel.ts';
import { mapCalls } from './map-kernels.ts';
import { strideOf } from './schedule/affine.ts';
import { panelWidth } from './schedule/panel.ts';

export function packConstants(lowered: Lowered, target: Target, math: 'fast' | 'strict'): Lowered {
  const constants = new Map(lowered.constants);
  const packed = new Map<string, Buffer>();
  const body = mapCalls(lowered.body, (call) =>
    lowered.finished?.has(call.kernel) ? call : packCall(call, constants, packed, target, math),
  );
  return { ...lowered, body, constants };
}

/** The loops over output elements, and those of the reductions inside. */
interface Nest {
  readonly outer: readonly Var[];
  readonly inner: readonly Var[];
}

function nestOf(body: Stmt): Nest | undefined {
  const outer: Var[] = [];
  let current = body;
  while (current.kind === 'loop') {
    outer.push(current.index);
    current = current.body;
  }
  if (current.kind !== 'alloc') return undefined;
  const inner: Loop[] = [];
  visitStmt(current, (stmt) => {
    if (stmt.kind === 'loop') inner.push(stmt);
  });
  return outer.length > 0 && inner.length > 0 ? { outer, inner: inner.map(({ index }) => index) } : undefined;
}

function packCall(
  call: Call,
  constants: Map<Buffer, Uint8Array>,
  packed: Map<string, Buffer>,
  target: Target,
  math: 'fast' | 'strict',
): Call {
  const nest = nestOf(call.kernel.body);
  if (!nest) return call;
  const column = nest.outer.at(-1)!;
  const inside = new Set(nest.inner);
  const reads: Load[] = [];
  visitStmtExprs(call.kernel.body, (expr) => {
    if (expr.kind === 'load' && [...varsOf(expr)].some((index) => inside.has(index)) && isPlain(expr)) reads.push(expr);
    return true;
  });
  const data = reads.filter(({ buffer }) => !constants.has(buffer) && buffer.memory === 'argument');
  const shared = data.every((read) => !varsOf(read).has(column));
  const replacements = new Map<Load, (read: Load) => Expr>();
  for (const read of reads) {
    const bytes = constants.get(read.buffer);
    if (!bytes || dtypes[read.dtype].bits < 8 || read.lanes !== 1) continue;
    const across = varsOf(read).has(column);
    const along = across ? column : nest.inner.findLast((index) => varsOf(read).has(index))!;
    if (!across && constantOf(strideOf(read, along) ?? along) === 1) continue;
    const width =
      across && shared ? panelWidth(target, { ...sizesOf(nest, read, column), dtype: read.dtype, math }) : 0;
    const made = pack(read, nest, along, width, bytes, constants, packed);
    if (made) replacements.set(read, made);
  }
  if (replacements.size === 0) return call;
  const body = rewriteStmtExprs(call.kernel.body, (expr) => {
    if (expr.kind !== 'load') return undefined;
    for (const [read, make] of replacements) if (expr === read) return make(read);
    return undefined;
  });
  const kernel = makeKernel(call.kernel.name, body);
  return { kind: 'call', kernel, arguments: kernel.params, dims: kernel.dims };
}

/** Only data knows the order in which a table is read by indices that are loaded. */
const isPlain = (read: Load): boolean =>
  !read.indices.some((index) => contains(index, (node) => node.kind === 'load' && node !== read));

const varsOf = (read: Load): ReadonlySet<Var> => new Set(read.indices.flatMap((index) => [...freeVars(index)]));

function sizesOf(nest: Nest, read: Load, column: Var): { rows: number; columns: number; depth: number } {
  const used = varsOf(read);
  const product = (vars: readonly Var[]): number => vars.reduce((count, index) => count * estimate(index.extent!), 1);
  return {
    rows: product(nest.outer.filter((index) => index !== column && !used.has(index))),
    columns: estimate(column.extent!),
    depth: product(nest.inner),
  };
}

/** The load from the packed constant; undefined where a size is not known at compile time. */
function pack(
  read: Load,
  nest: Nest,
  column: Var,
  width: number,
  bytes: Uint8Array,
  constants: Map<Buffer, Uint8Array>,
  packed: Map<string, Buffer>,
): ((read: Load) => Expr) | undefined {
  const used = varsOf(read);
  const before = nest.outer.filter((index) => index !== column && used.has(index));
  const depth = nest.inner.filter((index) => index !== column && used.has(index));
  if ([...used].some((index) => index !== column && !before.includes(index) && !depth.includes(index)))
    return undefined;
  const sizes = [...before, ...depth, column].map((index) => constantOf(index.extent!));
  if (sizes.some((size) => size === undefined)) return undefined;
  const columns = constantOf(column.extent!)!;
  const panel = width > 0 ? width : columns;
  const panels = Math.ceil(columns / panel);
  const shape = [
    ...before.map((index) => index.extent!),
    int(panels),
    ...depth.map((index) => index.extent!),
    int(panel),
  ];
  const key = `${panel} ${orderKey(read, before, depth, column)}`;
  let buffer = packed.get(key);
  if (!buffer) {
    buffer = { name: `${read.buffer.name}_packed`, dtype: read.dtype, shape, memory: 'argument' };
    constants.set(buffer, packBytes(read, buffer, before, depth, column, panel, bytes));
    packed.set(key, buffer);
  }
  const made = buffer;
  const position: readonly Expr[] = [...before, div(column, int(panel)), ...depth, mod(column, int(panel))];
  return () => load(made, position);
}

/** How the constant is read, with loop variables by position: equal keys are packed to equal bytes. */
function orderKey(read: Load, before: readonly Var[], depth: readonly Var[], column: Var): string {
  const vars = [...before, ...depth, column];
  // The positions of a reduction's axes are its identity: a key of a Reduce over them does not depend on the objects.
  return exprKey(reduce('sum', vars, read));
}

/** for p, before, depth, l { P[before, p, depth, l] = p * panel + l < columns ? W[…] : 0 } */
function packBytes(
  read: Load,
  buffer: Buffer,
  before: readonly Var[],
  depth: readonly Var[],
  column: Var,
  panel: number,
  bytes: Uint8Array,
): Uint8Array {
  const columns = constantOf(column.extent!)!;
  const p = indexVar('p', Math.ceil(columns / panel));
  const l = indexVar('l', panel);
  const at = add(mul(p, int(panel)), l);
  const value = substitute(read, new Map([[column, at]]));
  const guarded = select(lt(at, int(columns)), value, constant(0, read.dtype));
  const body = loops([...before, p, ...depth, l], store(buffer, [...before, p, ...depth, l], guarded));
  const kernel = makeKernel('pack', body);
  const count = buffer.shape.reduce((product, extent) => product * constantOf(extent)!, 1);
  const result = new Uint8Array(byteSize(buffer.dtype, count));
  const regions = kernel.params.map((param) =>
    arrayOverBytes(storageOf(param.dtype), param === buffer ? result : alignedCopy(bytes)),
  );
  compileLegal(kernel)(regions, []);
  return result;
}

const alignedCopy = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());
