// Whether one kernel is another with its variables and buffers renamed. Comparing every two of many kernels would take
// too long, so each has a hash first: equal kernels have equal hashes, and others hardly ever.

import type { Const, Expr, Var } from '../ir/expr.ts';
import { children } from '../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../ir/kernel.ts';
import { innerStmts, ownExprs } from '../ir/kernel-walk.ts';

/** Constants that count as equal whatever their values; with them, flat parameters of any size do. */
export type Varying = ReadonlySet<Const>;

/** Numbers things in the order in which they are met: names that do not depend on the kernel. */
interface Numbering {
  readonly numbers: Map<Var | Buffer, number>;
  readonly varying: Varying | undefined;
}

function numberOf(item: Var | Buffer, { numbers }: Numbering): number {
  let number = numbers.get(item);
  if (number === undefined) {
    number = numbers.size;
    numbers.set(item, number);
  }
  return number;
}

const hasAnySize = ({ memory, shape }: Buffer, { varying }: Numbering): boolean =>
  varying !== undefined && memory === 'argument' && shape.length === 1;

/** What an expression is besides its operands; variables and buffers count apart. */
function wordsOf(expr: Expr, { varying }: Numbering): readonly unknown[] {
  switch (expr.kind) {
    case 'const':
      return varying?.has(expr) ? [] : [expr.value];
    case 'unary':
    case 'binary':
    case 'reduce':
      return [expr.op];
    case 'cast':
      return [expr.bits];
    case 'ramp':
      return [expr.stride];
    case 'call':
      return [expr.callee, expr.code];
    case 'var':
    case 'load':
    case 'select':
    case 'splat':
      return [];
  }
}

function itemsOf(expr: Expr): readonly (Var | Buffer)[] {
  if (expr.kind === 'var') return [expr];
  if (expr.kind === 'load') return [expr.buffer];
  return expr.kind === 'reduce' ? expr.axes : [];
}

function itemOf(stmt: Stmt): Var | Buffer | undefined {
  switch (stmt.kind) {
    case 'loop':
      return stmt.index;
    case 'let':
      return stmt.variable;
    case 'alloc':
    case 'store':
      return stmt.buffer;
    default:
      return undefined;
  }
}

/** What a statement is besides its parts. */
function wordOf(stmt: Stmt): unknown {
  switch (stmt.kind) {
    case 'loop':
      return stmt.as;
    case 'if':
      return stmt.otherwise !== undefined;
    case 'check':
      return stmt.code;
    default:
      return undefined;
  }
}

// ---- Hashes -----------------------------------------------------------------------------------------------------

const stringHashes = new Map<string, number>();

function hashOfWord(word: unknown): number {
  if (typeof word === 'number' && Number.isInteger(word)) return word | 0;
  if (typeof word !== 'string') return hashOfText(String(word));
  let hash = stringHashes.get(word);
  if (hash === undefined) {
    hash = hashOfText(word);
    stringHashes.set(word, hash);
  }
  return hash;
}

function hashOfText(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash;
}

const mix = (hash: number, next: number): number => {
  const mixed = Math.imul(hash ^ next, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
};

export function kernelHash(kernel: Kernel, varying?: Varying): number {
  const numbering: Numbering = { numbers: new Map(), varying };
  const memo = new Map<Expr, number>();
  const hashOfItem = (item: Var | Buffer): number => numberOf(item, numbering);
  const hashOfExpr = (expr: Expr): number => {
    const known = memo.get(expr);
    if (known !== undefined) return known;
    let hash = mix(hashOfWord(expr.kind), hashOfWord(expr.dtype) + expr.lanes);
    for (const word of wordsOf(expr, numbering)) hash = mix(hash, hashOfWord(word));
    for (const item of itemsOf(expr)) hash = mix(hash, hashOfItem(item));
    for (const child of children(expr)) hash = mix(hash, hashOfExpr(child));
    memo.set(expr, hash);
    return hash;
  };
  const hashOfStmt = (stmt: Stmt): number => {
    let hash = mix(hashOfWord(stmt.kind), hashOfWord(wordOf(stmt)));
    const item = itemOf(stmt);
    if (item) hash = mix(hash, hashOfItem(item));
    for (const expr of ownExprs(stmt)) hash = mix(hash, hashOfExpr(expr));
    for (const inner of innerStmts(stmt)) hash = mix(hash, hashOfStmt(inner));
    return hash;
  };
  let hash = mix(kernel.params.length, kernel.dims.length);
  for (const item of [...kernel.params, ...kernel.dims]) hash = mix(hash, hashOfItem(item));
  return mix(hash, hashOfStmt(kernel.body));
}

// ---- Equality ---------------------------------------------------------------------------------------------------

export function sameKernels(a: Kernel, b: Kernel, varyingA?: Varying, varyingB?: Varying): boolean {
  const left: Numbering = { numbers: new Map(), varying: varyingA };
  const right: Numbering = { numbers: new Map(), varying: varyingB };
  // Expressions are DAGs: what was compared once is not compared again.
  const equal = new Map<Expr, Expr>();
  const sameLists = <Item>(x: readonly Item[], y: readonly Item[], same: (x: Item, y: Item) => boolean): boolean =>
    x.length === y.length && x.every((item, i) => same(item, y[i]!));
  const sameVariables = (x: Var, y: Var): boolean => numberOf(x, left) === numberOf(y, right);
  const sameBuffers = (x: Buffer, y: Buffer): boolean => {
    const fresh = !left.numbers.has(x) && !right.numbers.has(y);
    if (numberOf(x, left) !== numberOf(y, right)) return false;
    if (!fresh) return true;
    if (x.dtype !== y.dtype || x.memory !== y.memory || (x.lanes ?? 1) !== (y.lanes ?? 1)) return false;
    if (hasAnySize(x, left) && hasAnySize(y, right)) return true;
    return sameLists(x.shape, y.shape, sameExprs) && sameLists(x.strides ?? [], y.strides ?? [], sameExprs);
  };
  const sameItems = (x: Var | Buffer, y: Var | Buffer): boolean =>
    'memory' in x || 'memory' in y ? 'memory' in x && 'memory' in y && sameBuffers(x, y) : sameVariables(x, y);
  const sameExprs = (x: Expr, y: Expr): boolean => {
    if (equal.get(x) === y) return true;
    if (x.kind !== y.kind || x.dtype !== y.dtype || x.lanes !== y.lanes) return false;
    if (!sameLists(wordsOf(x, left), wordsOf(y, right), Object.is)) return false;
    if (!sameLists(itemsOf(x), itemsOf(y), sameItems) || !sameLists(children(x), children(y), sameExprs)) return false;
    equal.set(x, y);
    return true;
  };
  const sameStmts = (x: Stmt, y: Stmt): boolean => {
    if (x.kind !== y.kind || wordOf(x) !== wordOf(y)) return false;
    const itemX = itemOf(x);
    const itemY = itemOf(y);
    if (itemX && itemY && !sameItems(itemX, itemY)) return false;
    return sameLists(ownExprs(x), ownExprs(y), sameExprs) && sameLists(innerStmts(x), innerStmts(y), sameStmts);
  };
  return (
    sameLists(a.params, b.params, sameBuffers) && sameLists(a.dims, b.dims, sameVariables) && sameStmts(a.body, b.body)
  );
}

/** Puts equal things together, in the order in which they come. */
export function groupEqual<Item>(
  items: readonly Item[],
  hashOf: (item: Item) => number,
  same: (a: Item, b: Item) => boolean,
): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  const byHash = new Map<number, Item[][]>();
  for (const item of items) {
    const hash = hashOf(item);
    const alike = byHash.get(hash) ?? [];
    byHash.set(hash, alike);
    const group = alike.find((candidate) => same(candidate[0]!, item));
    if (group) {
      group.push(item);
      continue;
    }
    const made = [item];
    alike.push(made);
    groups.push(made);
  }
  return groups;
}
