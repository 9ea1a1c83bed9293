// Decides which sub-expressions of a statement get a name. Expressions are DAGs: printed as trees they would explode.
// A name stands where the value may be computed: what only one branch of a Select may compute (see guarded.ts) is named
// inside of that branch, which then becomes an if statement.

import type { Expr, Select } from '../../ir/expr.ts';
import { choosesBranch, guardsOf, type OperandsOf } from './guarded.ts';

/** A place where names can be introduced: the statement itself, or one branch of a Select inside it. */
export interface Scope {
  readonly parent?: Scope;
  readonly depth: number;
  /** The harmful parts that being here performs. */
  readonly certain: bigint;
  /** What is named here; filled while planning. */
  readonly named: Set<Expr>;
}

export interface Branches {
  readonly whenTrue: Scope;
  readonly whenFalse: Scope;
}

export interface Plan {
  readonly root: Scope;
  /** The expressions named in a scope, operands first. */
  namedIn(scope: Scope): readonly Expr[];
  /** The scopes of the branches of a Select that is evaluated in `scope`, if it evaluates only one of them. */
  branchesOf(select: Select, scope: Scope): Branches | undefined;
}

/** Operands deeper than this are named: clang stops at 256 nested parentheses. */
const deepest = 24;

/** `hasName` knows expressions that are named already. */
export function planNames(roots: readonly Expr[], operandsOf: OperandsOf, hasName: (expr: Expr) => boolean): Plan {
  const order = parentsFirst(roots, operandsOf);
  const position = new Map(order.map((expr, index) => [expr, index]));
  const deep = deepExpressions(order, operandsOf);
  const { certain, needs } = guardsOf(order, operandsOf);
  const mayBeIn = (expr: Expr, scope: Scope): boolean => (needs(expr) & ~scope.certain) === 0n;
  const branchOf = (parent: Scope, branch: Expr): Scope => ({
    parent,
    depth: parent.depth + 1,
    certain: parent.certain | certain(branch),
    named: new Set(),
  });

  const root: Scope = { depth: 0, certain: roots.reduce((bits, expr) => bits | certain(expr), 0n), named: new Set() };
  const uses = new Map<Expr, Map<Scope, number>>();
  const branches = new Map<Expr, Map<Scope, Branches>>();
  const use = (expr: Expr, scope: Scope): void => {
    const counts = uses.get(expr) ?? new Map<Scope, number>();
    uses.set(expr, counts.set(scope, (counts.get(scope) ?? 0) + 1));
  };

  for (const expr of roots) use(expr, root);
  for (const expr of order) {
    const counts = uses.get(expr);
    if (!counts || isTrivial(expr, operandsOf) || hasName(expr)) continue;
    const repeat = isCheap(expr, operandsOf) && !deep.has(expr);
    const places = repeat
      ? [...counts.keys()]
      : homesOf(expr, counts, mayBeIn).map(({ scope, count, only }) => {
          if (count === 1 && !deep.has(expr)) return only;
          scope.named.add(expr);
          return scope;
        });
    for (const scope of places) {
      if (choosesBranch(expr) && !(mayBeIn(expr.whenTrue, scope) && mayBeIn(expr.whenFalse, scope))) {
        const inner = { whenTrue: branchOf(scope, expr.whenTrue), whenFalse: branchOf(scope, expr.whenFalse) };
        branches.set(expr, (branches.get(expr) ?? new Map<Scope, Branches>()).set(scope, inner));
        use(expr.condition, scope);
        use(expr.whenTrue, inner.whenTrue);
        use(expr.whenFalse, inner.whenFalse);
      } else {
        for (const operand of operandsOf(expr)) use(operand, scope);
      }
    }
  }
  nameBranching(order, branches);

  return {
    root,
    namedIn: (scope) => [...scope.named].sort((a, b) => position.get(b)! - position.get(a)!),
    branchesOf: (select, scope) => branches.get(select)?.get(scope),
  };
}

/** Every distinct expression, each before its operands. */
function parentsFirst(roots: readonly Expr[], operandsOf: OperandsOf): readonly Expr[] {
  const finished: Expr[] = [];
  const seen = new Set<Expr>();
  // An explicit stack: long sums are deep.
  const stack: { expr: Expr; done: boolean }[] = [...roots].reverse().map((expr) => ({ expr, done: false }));
  for (let top = stack.pop(); top; top = stack.pop()) {
    if (top.done) {
      finished.push(top.expr);
      continue;
    }
    if (seen.has(top.expr)) continue;
    seen.add(top.expr);
    stack.push({ expr: top.expr, done: true });
    for (const operand of [...operandsOf(top.expr)].reverse()) stack.push({ expr: operand, done: false });
  }
  return finished.reverse();
}

function deepExpressions(order: readonly Expr[], operandsOf: OperandsOf): ReadonlySet<Expr> {
  const deep = new Set<Expr>();
  const depths = new Map<Expr, number>();
  for (const expr of [...order].reverse()) {
    const depth = operandsOf(expr).reduce((most, operand) => Math.max(most, depths.get(operand)! + 1), 0);
    if (depth > deepest) deep.add(expr);
    depths.set(expr, depth > deepest ? 0 : depth);
  }
  return deep;
}

function isTrivial(expr: Expr, operandsOf: OperandsOf): boolean {
  return expr.kind === 'const' || expr.kind === 'var' || (expr.kind === 'load' && operandsOf(expr).length === 0);
}

/** Printed again rather than named: names, literals, and index arithmetic of two of these. */
function isCheap(expr: Expr, operandsOf: OperandsOf): boolean {
  if (expr.kind === 'splat') return isTrivial(expr.value, operandsOf);
  if (expr.dtype !== 'index' || (expr.kind !== 'binary' && expr.kind !== 'ramp')) return false;
  return operandsOf(expr).every((operand) => isTrivial(operand, operandsOf));
}

interface Home {
  readonly scope: Scope;
  /** How many uses it serves, and where, if there is one. */
  readonly count: number;
  readonly only: Scope;
}

/** The outermost scopes that may hold the value, and together serve all uses. */
function homesOf(
  expr: Expr,
  counts: ReadonlyMap<Scope, number>,
  mayBeIn: (expr: Expr, scope: Scope) => boolean,
): readonly Home[] {
  const scopes = [...counts.keys()];
  let home = scopes.reduce(commonScope);
  if (!counts.has(home) && !mayBeIn(expr, home)) {
    const groups = new Map<Scope, Map<Scope, number>>();
    for (const scope of scopes) {
      const child = childTowards(home, scope);
      const group = groups.get(child) ?? new Map<Scope, number>();
      groups.set(child, group.set(scope, counts.get(scope)!));
    }
    return [...groups.values()].flatMap((group) => homesOf(expr, group, mayBeIn));
  }
  // Sizes and conditions cost nothing, so they need not make a branch an if statement.
  const small = expr.dtype === 'index' || expr.dtype === 'bool';
  while (small && home.parent && mayBeIn(expr, home.parent)) home = home.parent;
  const count = [...counts.values()].reduce((sum, uses) => sum + uses, 0);
  return [{ scope: home, count, only: scopes[0]! }];
}

/** The scope just inside of `outer` that holds `scope`. */
function childTowards(outer: Scope, scope: Scope): Scope {
  let current = scope;
  while (current.parent && current.parent !== outer) current = current.parent;
  return current;
}

function commonScope(a: Scope, b: Scope): Scope {
  let left = a;
  let right = b;
  while (left !== right) {
    if (left.depth >= right.depth) left = left.parent!;
    else right = right.parent!;
  }
  return left;
}

/** A Select whose branches introduce names is an if statement, so it has a name itself; inner ones are seen first. */
function nameBranching(order: readonly Expr[], branches: ReadonlyMap<Expr, ReadonlyMap<Scope, Branches>>): void {
  for (const expr of [...order].reverse()) {
    for (const [scope, { whenTrue, whenFalse }] of branches.get(expr) ?? []) {
      if (whenTrue.named.size + whenFalse.named.size > 0) scope.named.add(expr);
    }
  }
}
