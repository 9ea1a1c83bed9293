// How much work a kernel is, for reports: over its dims, and constants where sizes are. A multiplication whose product
// is only added counts with that addition as one multiply-add, of floats and integers alike; index arithmetic counts
// nothing. Of an If the larger branch counts, a While counts one turn.

import { dtypes, isFloat } from './dtype.ts';
import type { Expr, Var } from './expr.ts';
import { add, constantOf, int, max, mul, product } from './expr-make.ts';
import { freeVars, substitute } from './expr-walk.ts';
import type { Kernel, Loop, Stmt } from './kernel.ts';
import { ownExprs } from './kernel-walk.ts';
import { countUses } from './shared-parts.ts';

export interface OperationCounts {
  readonly multiplyAdds: Expr;
  /** Operations on floats that are no part of a multiply-add; a math function counts one. */
  readonly floatOperations: Expr;
  /** Bytes moved from and to argument buffers, each access anew. */
  readonly bytesLoaded: Expr;
  readonly bytesStored: Expr;
}

const none: OperationCounts = {
  multiplyAdds: int(0),
  floatOperations: int(0),
  bytesLoaded: int(0),
  bytesStored: int(0),
};

function mapCounts(counts: OperationCounts, map: (count: Expr, key: keyof OperationCounts) => Expr): OperationCounts {
  return {
    multiplyAdds: map(counts.multiplyAdds, 'multiplyAdds'),
    floatOperations: map(counts.floatOperations, 'floatOperations'),
    bytesLoaded: map(counts.bytesLoaded, 'bytesLoaded'),
    bytesStored: map(counts.bytesStored, 'bytesStored'),
  };
}
const sum = (a: OperationCounts, b: OperationCounts): OperationCounts =>
  mapCounts(a, (count, key) => add(count, b[key]));
const sumOf = (all: readonly OperationCounts[]): OperationCounts => all.reduce(sum, none);
const larger = (a: OperationCounts, b: OperationCounts): OperationCounts =>
  mapCounts(a, (count, key) => max(count, b[key]));
const one = (key: keyof OperationCounts, count: number): OperationCounts => ({ ...none, [key]: int(count) });

export const countOperations = (kernel: Kernel): OperationCounts => countStmt(kernel.body);

function countStmt(stmt: Stmt): OperationCounts {
  const own = countExprs(ownExprs(stmt));
  switch (stmt.kind) {
    case 'loop':
      return sum(own, countLoop(stmt));
    case 'while':
    case 'let':
    case 'alloc':
      return sum(own, countStmt(stmt.body));
    case 'if':
      return sum(own, larger(countStmt(stmt.then), stmt.otherwise ? countStmt(stmt.otherwise) : none));
    case 'block':
      return sumOf(stmt.body.map(countStmt));
    case 'store': {
      const bytes = stmt.buffer.memory === 'argument' ? bytesOf(stmt.value) : 0;
      return sum(own, one('bytesStored', bytes));
    }
    case 'barrier':
    case 'check':
      return own;
  }
}

const bytesOf = ({ dtype, lanes }: Expr): number => (dtypes[dtype].bits * lanes) / 8;

/** Up to this many turns of unequal work are counted one by one. */
const mostTurns = 4096;

function countLoop({ index, extent, body }: Loop): OperationCounts {
  const turn = countStmt(body);
  return mapCounts(turn, (count) => {
    if (!freeVars(count).has(index)) return mul(count, extent);
    const turns = constantOf(extent);
    const at = (value: number): Expr => substitute(count, new Map<Var, Expr>([[index, int(value)]]));
    if (turns === undefined || turns > mostTurns) return mul(at(0), extent);
    return Array.from({ length: turns }, (_, value) => at(value)).reduce(add, int(0));
  });
}

/** What evaluating the expressions once costs; what they share is counted once, what is counted elsewhere is not. */
function countExprs(roots: readonly Expr[], elsewhere: readonly Expr[] = []): OperationCounts {
  const { counts: uses, order } = countUses(roots);
  const fused = new Set<Expr>(elsewhere);
  const isFusable = (part: Expr): boolean =>
    part.kind === 'binary' && part.op === 'mul' && uses.get(part) === 1 && !fused.has(part);
  // A sum takes in the product that it adds before that product is looked at.
  return sumOf([...order].reverse().map((expr) => countOne(expr, isFusable, fused)));
}

function countOne(expr: Expr, isFusable: (part: Expr) => boolean, fused: Set<Expr>): OperationCounts {
  switch (expr.kind) {
    case 'load':
      return expr.buffer.memory === 'argument' ? one('bytesLoaded', bytesOf(expr)) : none;
    case 'reduce': {
      const { body, op, axes } = expr;
      const isDot = op === 'sum' && isArithmetic(body) && body.kind === 'binary' && body.op === 'mul';
      const step = isDot
        ? one('multiplyAdds', body.lanes)
        : one('floatOperations', isFloat(body.dtype) ? body.lanes : 0);
      const turn = sum(countExprs([body], isDot ? [body] : []), step);
      return mapCounts(turn, (count) => mul(count, product(axes.map((axis) => axis.extent ?? int(1)))));
    }
    case 'binary': {
      const { op, left, right } = expr;
      if (isArithmetic(expr) && (op === 'add' || op === 'sub')) {
        const factor = [left, right].find(isFusable);
        if (factor) {
          fused.add(factor);
          return one('multiplyAdds', expr.lanes);
        }
      }
      return fused.has(expr) || !isFloat(left.dtype) ? none : one('floatOperations', expr.lanes);
    }
    case 'unary':
      return isFloat(expr.dtype) ? one('floatOperations', expr.lanes) : none;
    case 'call':
      return expr.callee === 'fail' ? none : one('floatOperations', expr.lanes);
    case 'const':
    case 'var':
    case 'select':
    case 'cast':
    case 'ramp':
    case 'splat':
      return none;
  }
}

const isArithmetic = ({ dtype }: Expr): boolean => dtype !== 'index' && dtype !== 'bool';
