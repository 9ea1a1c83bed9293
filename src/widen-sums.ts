// Long sums of float32 are formed in float64 and rounded once: one after the other, 98,304 numbers lose three digits.
//   alloc acc: float32; acc = 0; for k < 98304 { acc = acc + X[k] }; Y[] = acc / 98304
//     →   alloc acc: float64; acc = 0; for k < 98304 { acc = acc + float64(X[k]) }; Y[] = float32(acc) / 98304
// The order stays, so the bits are still the same on all targets. Sums over products of two tensors stay as they are:
// kernels for those have their own accumulators, and are rarely so long.

import type { Expr, Load } from '../ir/expr.ts';
import { add, cast, constant, constantOf, load } from '../ir/expr-make.ts';
import { loadsOf, rewriteExpr } from '../ir/expr-walk.ts';
import type { Alloc, Buffer, Kernel, Stmt, Store } from '../ir/kernel.ts';
import { allocate, innerStmts, mapStmt, store } from '../ir/kernel-walk.ts';

/** `shortest`: sums of so many terms are long; `open`: so are those of which only a run knows how many terms they have. */
export interface LongSums {
  readonly shortest: number;
  readonly open: boolean;
}

export const widenSums = (kernel: Kernel, long: LongSums): Kernel => ({ ...kernel, body: widen(kernel.body, long) });

function widen(stmt: Stmt, long: LongSums): Stmt {
  const inner = mapStmt(stmt, (child) => widen(child, long));
  return inner.kind === 'alloc' && isLongSum(inner, long) ? widenOne(inner) : inner;
}

/** A store to the accumulator, and how many turns the loops around it make. */
interface Update {
  readonly store: Store;
  readonly turns: number;
}

function updatesOf(stmt: Stmt, buffer: Buffer, turns: number, open: number): readonly Update[] {
  if (stmt.kind === 'store') return stmt.buffer === buffer ? [{ store: stmt, turns }] : [];
  const more = stmt.kind === 'loop' ? (constantOf(stmt.extent) ?? open) : 1;
  return innerStmts(stmt).flatMap((child) => updatesOf(child, buffer, turns * more, open));
}

function isLongSum({ buffer, body }: Alloc, { shortest, open }: LongSums): boolean {
  if (buffer.dtype !== 'float32' || buffer.shape.length > 0 || buffer.memory !== 'register') return false;
  const updates = updatesOf(body, buffer, 1, open ? Number.POSITIVE_INFINITY : 1);
  const sums = updates.filter(({ store: { value } }) => constantOf(value) === undefined);
  const starts = updates.filter((update) => !sums.includes(update));
  return (
    starts.every(({ store: { value } }) => constantOf(value) === 0) &&
    sums.length > 0 &&
    sums.every(({ store: { value }, turns }) => {
      const term = termOf(value, buffer);
      return term !== undefined && turns >= shortest && tensorsIn(term) <= 1;
    })
  );
}

const tensorsIn = (term: Expr): number =>
  new Set(loadsOf(term).flatMap(({ buffer }) => (buffer.memory === 'argument' ? [buffer] : []))).size;

const isLoadOf = (expr: Expr, buffer: Buffer): expr is Load => expr.kind === 'load' && expr.buffer === buffer;

/** What acc = acc + term adds, where the term does not read the accumulator. */
function termOf(value: Expr, buffer: Buffer): Expr | undefined {
  if (value.kind !== 'binary' || value.op !== 'add' || value.lanes !== 1) return undefined;
  const { left, right } = value;
  const term = isLoadOf(left, buffer) ? right : isLoadOf(right, buffer) ? left : undefined;
  return term && !loadsOf(term).some((each) => each.buffer === buffer) ? term : undefined;
}

function widenOne({ buffer, body }: Alloc): Alloc {
  const wide: Buffer = { ...buffer, dtype: 'float64' };
  const total = load(wide, []);
  const memo = new Map<Expr, Expr>();
  const rounded = cast(total, 'float32');
  const read = (expr: Expr): Expr => rewriteExpr(expr, (node) => (isLoadOf(node, buffer) ? rounded : undefined), memo);
  const rewrite = (stmt: Stmt): Stmt => {
    if (stmt.kind !== 'store' || stmt.buffer !== buffer) return mapStmt(stmt, rewrite, read);
    const term = termOf(stmt.value, buffer);
    return store(wide, [], term ? add(total, cast(term, 'float64')) : constant(0, 'float64'));
  };
  return allocate(wide, rewrite(body));
}
