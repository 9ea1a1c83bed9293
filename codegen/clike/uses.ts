// What a statement makes use of once addresses are computed: so that nothing unused is declared, passed or stored.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { constantOf, IrError } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { addressOf, innerStmts, mapStmt, ownExprs, visitStmt } from '../../ir/kernel-walk.ts';
import type { OperandsOf } from './guarded.ts';

export interface Addresses {
  /** The element offset of a load, of its first lane; the same object each time. */
  address(load: Load): Expr;
  readonly operandsOf: OperandsOf;
}

/** Where a vector load or store begins; it moves neighbouring elements. */
export function firstLane(address: Expr): Expr {
  if (address.lanes === 1) return address;
  if (address.kind === 'ramp' && address.stride === 1) return address.base;
  throw new IrError('a vector must be loaded from or stored to neighbouring elements');
}

/** Loads of registers have no operands: their indices are part of the name. */
export function addresses(): Addresses {
  const known = new Map<Load, Expr>();
  const address = (load: Load): Expr => {
    const found = known.get(load) ?? firstLane(addressOf(load.buffer, load.indices));
    known.set(load, found);
    return found;
  };
  return {
    address,
    operandsOf: (expr) => {
      if (expr.kind !== 'load') return children(expr);
      return expr.buffer.memory === 'register' ? [] : [address(expr)];
    },
  };
}

/** Which element of a register buffer the indices mean. */
export function registerElement(buffer: Buffer, indices: readonly Expr[]): string {
  return indices
    .map((index) => {
      const known = constantOf(index);
      if (known === undefined)
        throw new IrError(`register ${buffer.name} is indexed by something that is not constant`);
      return known;
    })
    .join('_');
}

export interface Uses {
  readonly variables: ReadonlySet<Var>;
  readonly loaded: ReadonlySet<Buffer>;
  readonly stored: ReadonlySet<Buffer>;
  /** Elements of register buffers that are read. */
  readonly elements: ReadonlyMap<Buffer, ReadonlySet<string>>;
  /** Whether an expression can record an error, and whether a Check can. */
  readonly fails: boolean;
  readonly checks: boolean;
  /** The address of every load and store through a pointer. */
  readonly addresses: readonly Expr[];
}

export function usesOf(stmt: Stmt, { address, operandsOf }: Addresses): Uses {
  const addresses: Expr[] = [];
  const variables = new Set<Var>();
  const loaded = new Set<Buffer>();
  const stored = new Set<Buffer>();
  const elements = new Map<Buffer, Set<string>>();
  let fails = false;
  let checks = false;
  const visit = (root: Expr, seen: Set<Expr>): void => {
    const stack = [root];
    for (let expr = stack.pop(); expr; expr = stack.pop()) {
      if (seen.has(expr)) continue;
      seen.add(expr);
      if (expr.kind === 'var') variables.add(expr);
      if (expr.kind === 'call' && expr.callee === 'fail') fails = true;
      if (expr.kind === 'load') {
        loaded.add(expr.buffer);
        if (expr.buffer.memory === 'register') {
          const read = elements.get(expr.buffer) ?? new Set();
          elements.set(expr.buffer, read.add(registerElement(expr.buffer, expr.indices)));
        } else {
          addresses.push(address(expr));
        }
      }
      stack.push(...operandsOf(expr));
    }
  };
  visitStmt(stmt, (inner) => {
    // Each statement counts the addresses that it uses, whatever it shares with others.
    const seen = new Set<Expr>();
    if (inner.kind === 'check') checks = true;
    if (inner.kind !== 'store') {
      for (const expr of ownExprs(inner)) visit(expr, seen);
      return;
    }
    stored.add(inner.buffer);
    visit(inner.value, seen);
    if (inner.buffer.memory === 'register') return;
    const place = firstLane(addressOf(inner.buffer, inner.indices));
    addresses.push(place);
    visit(place, seen);
  });
  return { variables, loaded, stored, elements, fails, checks, addresses };
}

/** Without the definitions of values that nobody reads. */
export function dropUnusedLets(stmt: Stmt, places: Addresses): Stmt {
  let defines = false;
  visitStmt(stmt, (inner) => {
    if (inner.kind === 'let') defines = true;
  });
  if (!defines) return stmt;
  const { variables, fails } = usesOf(stmt, places);
  if (fails) return stmt;
  let dropped = false;
  const walk = (inner: Stmt): Stmt => {
    if (inner.kind !== 'let' || variables.has(inner.variable)) return mapStmt(inner, walk);
    dropped = true;
    return walk(inner.body);
  };
  const result = walk(stmt);
  return dropped ? dropUnusedLets(result, places) : result;
}

/** Whether the statement does nothing. */
export const isEmpty = (stmt: Stmt): boolean =>
  stmt.kind === 'block' ? stmt.body.length === 0 : stmt.kind === 'loop' && innerStmts(stmt).every(isEmpty);
