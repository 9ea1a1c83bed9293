// Names sub-expressions that are used more than once, so that a printer never prints a big one twice:
//   y[i] = exp(x[i] - m) / (1.0 + exp(x[i] - m))   →   let s1 = exp(x[i] - m); y[i] = s1 / (1.0 + s1)
// Parts are shared within one expression and across neighbouring stores and lets. Loads are shared only while nobody
// writes their buffer, and moved out of a branch of a Select only when they are performed anyway. Where a branch uses a
// big part of its own several times, the Select becomes an If:
//   y[i] = i < n ? f(x[i]) : 0.0   →   register t[]; if i < n { let s1 = x[i]; t[] = … } else t[] = 0.0; y[i] = t[]

import type { Expr, Select, Var } from './expr.ts';
import { load, variable } from './expr-make.ts';
import { type Interner, makeInterner, withParts } from './intern-expressions.ts';
import type { Block, Buffer, Kernel, Let, Stmt, Store } from './kernel.ts';
import { allocate, block, ifThen, letIn, mapStmt, ownExprs, store } from './kernel-walk.ts';
import { planSharing, type SharePlan, visitPlanned } from './share-plan.ts';
import { partsOf } from './shared-parts.ts';

/** Statements beyond this number share nothing, so that scopes do not nest without bound. */
const longestGroup = 256;

/** A straight line of statements. A let holds until its end; `kept` if its scope did not have to grow. */
type Item =
  | { readonly kind: 'let'; readonly variable: Var; readonly value: Expr; readonly kept: boolean }
  | { readonly kind: 'end'; readonly variable: Var }
  | { readonly kind: 'store'; readonly stmt: Store }
  | { readonly kind: 'other'; readonly stmt: Exclude<Stmt, Let | Store | Block> };

/** What comes out; a let or a buffer holds for everything behind it. */
type Line =
  | { readonly kind: 'let'; readonly variable: Var; readonly value: Expr }
  | { readonly kind: 'alloc'; readonly buffer: Buffer }
  | { readonly kind: 'stmt'; readonly stmt: Stmt };

interface Names {
  count: number;
}

export const bindShared = (stmt: Stmt): Stmt => shareIn(stmt, { count: 0 });
export const bindSharedKernel = (kernel: Kernel): Kernel => ({ ...kernel, body: bindShared(kernel.body) });

function shareIn(stmt: Stmt, names: Names): Stmt {
  const lines: Line[] = [];
  // What the variables of lets are called in the result: a variable or a constant.
  const aliases = new Map<Var, Expr>();
  for (const group of groupsOf(flatten(stmt, true))) {
    const made = shareGroup(group, aliases, names);
    const open = group.some((item) => item.kind !== 'store' && item.kind !== 'other');
    lines.push(...(open ? made : [{ kind: 'stmt', stmt: fold(made) } satisfies Line]));
  }
  return fold(lines);
}

function flatten(stmt: Stmt, last: boolean): readonly Item[] {
  switch (stmt.kind) {
    case 'block':
      return stmt.body.flatMap((child, i) => flatten(child, last && i === stmt.body.length - 1));
    case 'let': {
      const { variable: name, value, body } = stmt;
      return [
        { kind: 'let', variable: name, value, kept: last },
        ...flatten(body, last),
        { kind: 'end', variable: name },
      ];
    }
    case 'store':
      return [{ kind: 'store', stmt }];
    case 'loop':
    case 'while':
    case 'if':
    case 'alloc':
    case 'barrier':
    case 'check':
      return [{ kind: 'other', stmt }];
  }
}

/** Neighbouring lets and stores are looked at together, any other statement alone. */
function groupsOf(items: readonly Item[]): readonly (readonly Item[])[] {
  const groups: Item[][] = [];
  let open: Item[] | undefined;
  for (const item of items) {
    if (item.kind === 'other') {
      groups.push([item]);
      open = undefined;
    } else if (open && open.length < longestGroup) {
      open.push(item);
    } else {
      open = [item];
      groups.push(open);
    }
  }
  return groups;
}

function fold(lines: readonly Line[]): Stmt {
  let after: Stmt[] = [];
  for (const line of [...lines].reverse()) {
    if (line.kind === 'stmt') after.push(line.stmt);
    else {
      const body = block(after.reverse());
      after = [line.kind === 'let' ? letIn(line.variable, line.value, body) : allocate(line.buffer, body)];
    }
  }
  return block(after.reverse());
}

function shareGroup(group: readonly Item[], aliases: Map<Var, Expr>, names: Names): readonly Line[] {
  const [only] = group;
  if (only?.kind === 'other') return shareOther(only.stmt, aliases, names);
  const interner = makeInterner(aliases);
  const roots = group.map((item) => internItem(item, interner));
  const namer = makeNamer(planSharing(roots.flat()), names);
  group.forEach((item, i) => {
    if (item.kind === 'let') {
      const alias = namer.define(item.variable, roots[i]![0]!, item.kept);
      if (alias !== item.variable) aliases.set(item.variable, alias);
    }
    if (item.kind === 'end') aliases.delete(item.variable);
    if (item.kind === 'store') {
      const rewritten = roots[i]!.map(namer.use);
      const stmt = store(item.stmt.buffer, rewritten.slice(0, -1), rewritten.at(-1)!);
      namer.lines.push({ kind: 'stmt', stmt });
    }
  });
  return namer.lines;
}

/** Interns the expressions of an item; those of later items are interned as after it. */
function internItem(item: Item, interner: Interner): readonly Expr[] {
  if (item.kind === 'let') {
    const value = interner.intern(item.value);
    interner.define(item.variable, value);
    return [value];
  }
  if (item.kind === 'end') interner.define(item.variable, undefined);
  if (item.kind !== 'store') return [];
  const roots = ownExprs(item.stmt).map(interner.intern);
  interner.written(item.stmt.buffer);
  return roots;
}

function shareOther(original: Stmt, aliases: ReadonlyMap<Var, Expr>, names: Names): readonly Line[] {
  const stmt = aliases.size === 0 ? original : rename(original, aliases);
  const inner = (child: Stmt): Stmt => shareIn(child, names);
  if (stmt.kind === 'if' || stmt.kind === 'check') {
    const condition = makeInterner(new Map()).intern(stmt.condition);
    const namer = makeNamer(planSharing([condition]), names);
    const rewritten = namer.use(condition);
    return [...namer.lines, { kind: 'stmt', stmt: mapStmt(stmt, inner, () => rewritten) }];
  }
  // A condition that became constant has left one of the branches.
  const plain = stmt.kind === 'block' || stmt.kind === 'let' || stmt.kind === 'store';
  // The condition of a While is evaluated anew each turn, and extents of loops are short: these stay as they are.
  return [{ kind: 'stmt', stmt: plain ? inner(stmt) : mapStmt(stmt, inner) }];
}

/** Not through the constructors, for the reason that `withParts` gives. */
function rename(stmt: Stmt, aliases: ReadonlyMap<Var, Expr>): Stmt {
  const memo = new Map<Expr, Expr>();
  const inExpr = (expr: Expr): Expr => {
    if (expr.kind === 'var') return aliases.get(expr) ?? expr;
    const result = memo.get(expr) ?? withParts(expr, inExpr);
    memo.set(expr, result);
    return result;
  };
  const walk = (inner: Stmt): Stmt => mapStmt(inner, walk, inExpr);
  return walk(stmt);
}

interface Namer {
  readonly lines: Line[];
  /** The expression with names for its parts; lines that make new names are appended. */
  readonly use: (expr: Expr) => Expr;
  /** Appends a let, or gives what the value is called already. */
  readonly define: (variable: Var, value: Expr, kept: boolean) => Expr;
}

function makeNamer(plan: SharePlan, names: Names): Namer {
  const lines: Line[] = [];
  const called = new Map<Expr, Expr>();
  const memo = new Map<Expr, Expr>();
  const seen = new Set<Expr>();
  const rewrite = (expr: Expr): Expr => {
    const known = called.get(expr) ?? memo.get(expr);
    if (known) return known;
    const result = withParts(expr, rewrite);
    memo.set(expr, result);
    return result;
  };
  const name = (expr: Expr, variable: Var): Var => {
    lines.push({ kind: 'let', variable, value: rewrite(expr) });
    called.set(expr, variable);
    return variable;
  };
  const split = (select: Select): void => {
    const { dtype, lanes } = select;
    const width = lanes > 1 ? { lanes } : {};
    const buffer: Buffer = { name: `s${++names.count}`, dtype, shape: [], memory: 'register', ...width };
    const branch = (value: Expr): Stmt => shareIn(store(buffer, [], rewrite(value)), names);
    const stmt = ifThen(rewrite(select.condition), branch(select.whenTrue), branch(select.whenFalse));
    lines.push({ kind: 'alloc', buffer }, { kind: 'stmt', stmt });
    called.set(select, load(buffer, []));
  };
  const visit = (expr: Expr): void => {
    if (called.has(expr)) return;
    if (expr.kind === 'select' && plan.split.has(expr)) split(expr);
    else name(expr, variable(`s${++names.count}`, expr.dtype, {}, expr.lanes));
  };
  const use = (expr: Expr): Expr => {
    visitPlanned(expr, plan, seen, visit);
    return rewrite(expr);
  };
  const define = (given: Var, value: Expr, kept: boolean): Expr => {
    const isSplit = value.kind === 'select' && plan.split.has(value);
    // Its parts are named first, and the value itself by the given variable.
    for (const part of isSplit ? [value] : partsOf(value)) use(part);
    seen.add(value);
    const known = called.get(value) ?? value;
    if (known.kind === 'var' || known.kind === 'const') return known;
    const own = name(value, kept ? given : { ...given });
    // What was written before without this name may hold a load that is outdated from the next store on.
    memo.clear();
    return own;
  };
  return { lines, use, define };
}
