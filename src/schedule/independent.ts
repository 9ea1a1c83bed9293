// Whether the iterations of loops may run in any order, interleaved or at once.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { exprKey, sameExpr } from '../../ir/expr-key.ts';
import { add, constantOf, indexVar, int, mul, sub } from '../../ir/expr-make.ts';
import { substitute, visitExpr } from '../../ir/expr-walk.ts';
import type { Buffer, Loop, Stmt, Store } from '../../ir/kernel.ts';
import { ownExprs, visitStmt } from '../../ir/kernel-walk.ts';
import { addPolynomials, polynomial, provablyNonNegative, type Term, toPolynomial } from '../../ir/polynomial.ts';
import { simplify } from '../../ir/simplify.ts';
import { flatAddress, isInjective, linearIn, uses } from './affine.ts';
import { ScheduleError } from './step.ts';

export interface Accesses {
  readonly loads: readonly Load[];
  readonly stores: readonly Store[];
  /** Buffers that live inside the statement only. */
  readonly local: ReadonlySet<Buffer>;
}

const accesses = new WeakMap<Stmt, Accesses>();

/** Every access of a statement tree, each load object once. */
export function accessesOf(stmt: Stmt): Accesses {
  const known = accesses.get(stmt) ?? findAccesses(stmt);
  accesses.set(stmt, known);
  return known;
}

function findAccesses(stmt: Stmt): Accesses {
  const loads: Load[] = [];
  const stores: Store[] = [];
  const local = new Set<Buffer>();
  const seen = new Set<Expr>();
  visitStmt(stmt, (inner) => {
    if (inner.kind === 'store') stores.push(inner);
    if (inner.kind === 'alloc') local.add(inner.buffer);
    for (const expr of ownExprs(inner)) {
      visitExpr(
        expr,
        (node) => {
          if (node.kind === 'load') loads.push(node);
          return true;
        },
        seen,
      );
    }
  });
  return { loads, stores, local };
}

/**
 * Iterations are independent if each writes its own elements and reads, of the buffers written, only those. Buffers
 * allocated inside belong to one iteration.
 */
export function areIndependent(indices: readonly Var[], body: Stmt): boolean {
  const { loads, stores, local } = accessesOf(body);
  const written = new Map<Buffer, Map<string, Expr>>();
  for (const { buffer } of stores) if (!local.has(buffer)) written.set(buffer, new Map());
  const lanes = new Map<number, Var>();
  for (const access of [...stores, ...loads]) {
    const known = written.get(access.buffer);
    if (!known) continue;
    const address = addressAt(access, lanes);
    known.set(exprKey(address), address);
  }
  const inner = [...innerIndices(body), ...lanes.values()];
  return [...written.values()].every((addresses) => areDisjoint(indices, inner, [...addresses.values()]));
}

const scalarAddresses = new WeakMap<Load | Store, Expr>();

function addressAt(access: Load | Store, lanes: Map<number, Var>): Expr {
  const known = scalarAddresses.get(access);
  if (known) return known;
  const { buffer, indices } = access;
  const isScalar = indices.every((index) => index.lanes === 1);
  const address = flatAddress(
    buffer,
    indices.map((index) => laneOf(index, lanes)),
  );
  if (isScalar) scalarAddresses.set(access, address);
  return address;
}

/** The index of any one lane of a vector access; `lanes` has a variable for each width. */
function laneOf(index: Expr, lanes: Map<number, Var>): Expr {
  if (index.kind !== 'ramp') return index;
  const lane = lanes.get(index.lanes) ?? indexVar('lane', index.lanes);
  lanes.set(index.lanes, lane);
  return add(index.base, mul(lane, int(index.stride)));
}

/** Whether no two iterations share one of the addresses. */
function areDisjoint(indices: readonly Var[], inner: readonly Var[], addresses: readonly Expr[]): boolean {
  const first = addresses[0]!;
  if (addresses.length === 1) {
    // Two iterations must differ whatever the inner indices are.
    return isInjective(first, [...indices, ...inner.filter((index) => uses(first, index))]);
  }
  const zero = new Map<Var, Expr>(indices.map((index) => [index, int(0)]));
  const rests = addresses.map((address) => simplify(substitute(address, zero)));
  const own = addresses.map((address, i) => simplify(sub(address, rests[i]!)));
  if (own.some((part) => !sameExpr(part, own[0]!))) return false;
  return (
    isInjective(own[0]!, indices, rests) ||
    areApart(own[0]!, indices, rests, inner) ||
    areInLanes(own[0]!, indices, rests)
  );
}

/** One loop whose addresses are a constant distance apart, and none of the distances a whole number of its steps. */
function areApart(own: Expr, indices: readonly Var[], rests: readonly Expr[], inner: readonly Var[]): boolean {
  // What an inner loop adds may differ between two iterations.
  if (rests.some((rest) => inner.some((each) => uses(rest, each)))) return false;
  const [index] = indices;
  const step = index && indices.length === 1 ? constantOf(linearIn(own, index)?.coefficient ?? own) : undefined;
  const turns = constantOf(index?.extent ?? own);
  if (!step || turns === undefined) return false;
  const distances = rests.map((rest) => constantOf(simplify(sub(rest, rests[0]!))));
  if (distances.includes(undefined)) return false;
  const sorted = [...new Set(distances.map((distance) => distance!))].sort((a, b) => a - b);
  return sorted.every((distance, i) =>
    sorted.slice(i + 1).every((other) => (other - distance) % step !== 0 || other - distance >= step * turns),
  );
}

/**
 * One loop whose iterations own a strip each of every row, as the columns of a matrix do that is computed by panels:
 * what is added to the strip's start is a number of whole rows and less than the width of a strip.
 */
function areInLanes(own: Expr, indices: readonly Var[], rests: readonly Expr[]): boolean {
  const [index] = indices;
  const width = index && indices.length === 1 ? constantOf(linearIn(own, index)?.coefficient ?? own) : undefined;
  const turns = constantOf(index?.extent ?? own);
  if (!width || width < 0 || turns === undefined) return false;
  const terms = rests.map((rest) => [...toPolynomial(rest).values()]);
  const rowsOf = (list: readonly Term[]): readonly number[] =>
    list.map(({ coefficient, factors }) => (factors.length > 0 && coefficient >= width * turns ? coefficient : 0));
  const row = terms.flatMap(rowsOf).reduce(greatestDivisor, 0);
  if (row < width * turns) return false;
  return terms.every((list) => {
    const within = polynomial(list.map((term) => ({ ...term, coefficient: term.coefficient % row })));
    return [within, addPolynomials(toPolynomial(int(width - 1)), within, -1)].every((part) =>
      provablyNonNegative(part),
    );
  });
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

function innerIndices(body: Stmt): readonly Var[] {
  const found: Var[] = [];
  visitStmt(body, (stmt) => {
    if (stmt.kind === 'loop') found.push(stmt.index);
  });
  return found;
}

export function requireIndependent(loops: readonly Loop[], body: Stmt): void {
  const indices = loops.map(({ index }) => index);
  if (!areIndependent(indices, body)) {
    throw new ScheduleError(`iterations of ${indices.map(({ name }) => name).join(', ')} are not independent`);
  }
}
