// Makes structurally equal expressions one object, so that sharing can be seen by identity. Loads are equal only while
// nobody writes their buffer: the interner is told of writes in the order of the statements.

import type { Expr, Var } from './expr.ts';
import { children } from './expr-walk.ts';
import type { Buffer } from './kernel.ts';

export interface Interner {
  /** The one object for this expression, as of now. */
  readonly intern: (expr: Expr) => Expr;
  /** From now on the variable stands for this interned expression, or for itself. */
  readonly define: (variable: Var, value: Expr | undefined) => void;
  /** From now on loads of the buffer give something else. */
  readonly written: (buffer: Buffer) => void;
}

/** Not through the constructors: they would fold what turns out equal, x - x for one, and lose a `fail` in it. */
export function withParts(expr: Expr, map: (part: Expr) => Expr): Expr {
  if (children(expr).every((part) => map(part) === part)) return expr;
  switch (expr.kind) {
    case 'unary':
    case 'cast':
    case 'splat':
      return { ...expr, value: map(expr.value) };
    case 'binary':
      return { ...expr, left: map(expr.left), right: map(expr.right) };
    case 'select': {
      const { condition, whenTrue, whenFalse } = expr;
      return { ...expr, condition: map(condition), whenTrue: map(whenTrue), whenFalse: map(whenFalse) };
    }
    case 'load':
      return { ...expr, indices: expr.indices.map(map) };
    case 'ramp':
      return { ...expr, base: map(expr.base) };
    case 'call':
      return { ...expr, arguments: expr.arguments.map(map) };
    case 'reduce':
      return { ...expr, body: map(expr.body) };
    case 'const':
    case 'var':
      return expr;
  }
}

/** `aliases` are variables that stand for others from the start. */
export function makeInterner(aliases: ReadonlyMap<Var, Expr>): Interner {
  const table = new Map<string, Expr>();
  const numbers = new Map<Expr | Buffer, number>();
  const versions = new Map<Buffer, number>();
  const values = new Map(aliases);
  const memo = new Map<Expr, Expr>();
  const seenVars = new Set<Var>();
  const read = new Set<Buffer>();

  const numberOf = (thing: Expr | Buffer): number => {
    const number = numbers.get(thing) ?? numbers.size;
    numbers.set(thing, number);
    return number;
  };
  const list = (exprs: readonly Expr[]): string => exprs.map(numberOf).join(' ');
  const keyOf = (expr: Expr): string | undefined => {
    switch (expr.kind) {
      case 'const':
        return `${expr.dtype} ${Object.is(expr.value, -0) ? '-0' : expr.value}`;
      case 'unary':
      case 'binary':
        return `${expr.op} ${list(children(expr))}`;
      case 'select':
        return `select ${list(children(expr))}`;
      case 'cast':
        return `${expr.bits ? 'bits' : 'cast'} ${expr.dtype} ${list(children(expr))}`;
      case 'load':
        return `load ${numberOf(expr.buffer)} ${versions.get(expr.buffer) ?? 0} ${list(expr.indices)}`;
      case 'ramp':
        return `ramp ${expr.stride} ${expr.lanes} ${numberOf(expr.base)}`;
      case 'splat':
        return `splat ${expr.lanes} ${numberOf(expr.value)}`;
      case 'call':
        return `${expr.callee} ${expr.code ?? ''} ${expr.dtype} ${expr.lanes} ${list(expr.arguments)}`;
      case 'var':
      case 'reduce':
        return undefined;
    }
  };
  const canonical = (expr: Expr): Expr => {
    if (expr.kind === 'reduce') return expr;
    const rebuilt = withParts(expr, intern);
    const key = keyOf(rebuilt);
    if (key === undefined) return rebuilt;
    if (rebuilt.kind === 'load') read.add(rebuilt.buffer);
    const known = table.get(key);
    if (known) return known;
    // The same load object before and after a write is two expressions.
    const made = numbers.has(rebuilt) ? { ...rebuilt } : rebuilt;
    numberOf(made);
    table.set(key, made);
    return made;
  };
  const intern = (expr: Expr): Expr => {
    if (expr.kind === 'var') {
      seenVars.add(expr);
      return values.get(expr) ?? expr;
    }
    const known = memo.get(expr);
    if (known) return known;
    const result = canonical(expr);
    memo.set(expr, result);
    return result;
  };
  return {
    intern,
    define: (variable, value) => {
      if (seenVars.has(variable)) memo.clear();
      if (value) values.set(variable, value);
      else values.delete(variable);
    },
    written: (buffer) => {
      versions.set(buffer, (versions.get(buffer) ?? 0) + 1);
      if (read.has(buffer)) memo.clear();
    },
  };
}
