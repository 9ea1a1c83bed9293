// Makes one kernel of kernels that differ in constants only: extents and steps become scalar parameters.
//   k1: for i < 196 { … x[i * 64] … },  k2: for i < 49 { … x[i * 128] … }
//     →   k(n, s): for i < n { … x[i * s] … },  called as k(196, 64) and k(49, 128)
// Which constants may vary is decided by `varying-constants.ts`; the shared kernel with the constants of a member put
// back must be that member, or the member stays alone.

import type { Const, Expr, Var } from '../ir/expr.ts';
import { constantOf, int, variable } from '../ir/expr-make.ts';
import { rewriteExpr } from '../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../ir/kernel.ts';
import { isLoop, loop, mapStmt, replaceBuffers } from '../ir/kernel-walk.ts';
import { callsOf } from '../ir/program-print.ts';
import type { Target } from '../ir/target.ts';
import type { Lowered } from './lower/lowered.ts';
import { mapCalls } from './map-kernels.ts';
import { groupEqual, kernelHash, sameKernels, type Varying } from './same-kernels.ts';
import { type VaryingConstants, varyingConstants } from './varying-constants.ts';

export function shareFamilies(lowered: Lowered, target: Target): Lowered {
  const { sharedDistances } = target.tiles;
  if (sharedDistances === undefined) return lowered;
  const kernels = new Set(callsOf(lowered.body).map(({ kernel }) => kernel));
  const members = [...kernels].map(memberOf);
  const shared = new Map<Kernel, SharedKernel>();
  for (const family of groupEqual(members, ({ hash }) => hash, areAlike)) {
    for (const part of fewDistances(family, sharedDistances) ? [family] : withSameDistances(family)) {
      for (const [kernel, made] of shareFamily(part)) shared.set(kernel, made);
    }
  }
  const body = mapCalls(lowered.body, (call) => {
    const made = shared.get(call.kernel);
    return made ? { ...call, kernel: made.kernel, dims: [...call.dims, ...made.values.map(int)] } : call;
  });
  return { ...lowered, body };
}

interface Member {
  readonly kernel: Kernel;
  readonly constants: VaryingConstants;
  readonly varying: Varying;
  readonly hash: number;
}

interface SharedKernel {
  readonly kernel: Kernel;
  /** For the new parameters. */
  readonly values: readonly number[];
}

function memberOf(kernel: Kernel): Member {
  const constants = varyingConstants(kernel);
  const varying = new Set(constants.all);
  return { kernel, constants, varying, hash: kernelHash(kernel, varying) };
}

/** Whether they differ in these constants only. */
const areAlike = (a: Member, b: Member): boolean =>
  a.constants.all.length === b.constants.all.length && sameKernels(a.kernel, b.kernel, a.varying, b.varying);

function withSameDistances(family: readonly Member[]): readonly (readonly Member[])[] {
  const parts = new Map<string, Member[]>();
  for (const member of family) {
    const { all, distances } = member.constants;
    const key = all.map((item) => (distances.has(item) ? item.value : '')).join(' ');
    parts.set(key, [...(parts.get(key) ?? []), member]);
  }
  return [...parts.values()];
}

/** The values of each constant, over the members, where they differ. */
function variations(family: readonly Member[]): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const slot of family[0]!.constants.all.keys()) {
    const values = family.map(({ constants }) => constants.all[slot]!.value);
    if (values.some((value) => value !== values[0])) found.set(slot, values.join(' '));
  }
  return found;
}

/** Whether no innermost loop needs more than `most` parameters as distances. */
function fewDistances(family: readonly Member[], most: number): boolean {
  const { all, distances } = family[0]!.constants;
  const perLoop = new Map<unknown, Set<string>>();
  for (const [slot, values] of variations(family)) {
    for (const around of distances.get(all[slot]!) ?? []) {
      perLoop.set(around, (perLoop.get(around) ?? new Set()).add(values));
    }
  }
  return [...perLoop.values()].every(({ size }) => size <= most);
}

/** Beyond that, passing parameters costs more than a kernel of one's own. */
const mostParameters = 24;

/** Only the sizes of flat parameters. */
const nothingVaries: Varying = new Set();

function shareFamily(family: readonly Member[]): ReadonlyMap<Kernel, SharedKernel> {
  if (family.length < 2) return new Map();
  const first = family[0]!;
  const varying = variations(family);
  const distinct = [...new Set(varying.values())];
  if (distinct.length > mostParameters) return new Map();
  const parameters = distinct.map((values, i) => {
    const numbers = values.split(' ').map(Number);
    return variable(`p${i}`, 'index', { min: Math.min(...numbers), max: Math.max(...numbers) });
  });
  const slots = [...varying].map(([slot, values]) => ({ slot, parameter: parameters[distinct.indexOf(values)]! }));
  const replaced = (values: (parameter: Var) => Expr): Kernel =>
    replaceConstants(
      first.kernel,
      new Map(slots.map(({ slot, parameter }) => [first.constants.all[slot]!, values(parameter)])),
    );
  const general = withLargestParams(
    replaced((parameter) => parameter),
    parameters,
    family,
  );
  const found = new Map<Kernel, SharedKernel>();
  for (const [position, { kernel }] of family.entries()) {
    const values = distinct.map((all) => Number(all.split(' ')[position]));
    const back = replaced((parameter) => int(values[parameters.indexOf(parameter)]!));
    if (!sameKernels(back, kernel, nothingVaries, nothingVaries)) continue;
    found.set(kernel, { kernel: general, values });
  }
  return found.size > 1 ? found : new Map();
}

/** A parameter is as large as the largest that is passed for it. */
function withLargestParams(kernel: Kernel, dims: readonly Var[], family: readonly Member[]): Kernel {
  const largest = kernel.params.map((param, i): Buffer => {
    const all = family.map((member) => member.kernel.params[i]!);
    const size = (buffer: Buffer): number => constantOf(buffer.shape[0] ?? int(0)) ?? 0;
    const widest = all.reduce((a, b) => (size(b) > size(a) ? b : a));
    return param.shape.length === 1 ? { ...param, shape: widest.shape } : param;
  });
  const body = replaceBuffers(kernel.body, new Map(kernel.params.map((param, i) => [param, largest[i]!])));
  return { ...kernel, params: largest, dims: [...kernel.dims, ...dims], body };
}

/** The kernel with other expressions in the place of some constants; loops whose extents change get new indices. */
function replaceConstants(kernel: Kernel, values: ReadonlyMap<Const, Expr>): Kernel {
  const walk = (stmt: Stmt, indices: ReadonlyMap<Var, Var>, memo: Map<Expr, Expr>): Stmt => {
    const map = (expr: Expr): Expr =>
      rewriteExpr(
        expr,
        (node) => (node.kind === 'const' ? values.get(node) : node.kind === 'var' ? indices.get(node) : undefined),
        memo,
      );
    if (!isLoop(stmt)) return mapStmt(stmt, (inner) => walk(inner, indices, memo), map);
    const extent = map(stmt.extent);
    if (extent === stmt.extent) return mapStmt(stmt, (inner) => walk(inner, indices, memo), map);
    const index = variable(stmt.index.name, 'index', { extent });
    return loop(index, walk(stmt.body, new Map(indices).set(stmt.index, index), new Map()), stmt.as);
  };
  return { ...kernel, body: walk(kernel.body, new Map(), new Map()) };
}
