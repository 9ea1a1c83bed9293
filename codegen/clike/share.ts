// Decides which sub-expressions of a statement get a name. Expressions are DAGs: printed as trees they would explode.
// A name stands where its value is surely needed: what only one branch of a Select needs, and must not be evaluated
// elsewhere (loads, `fail`, divisions), is named inside that branch, which then becomes an if statement.

import type { Expr, Select } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';

/** A place where names can be introduced: the statement itself, or one branch of a Select inside it. */
export interface Scope {
  readonly parent?: Scope;
  readonly depth: number;
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

/** What printing an expression prints in turn; for a load the address that its indices amount to. */
export type OperandsOf = (expr: Expr) => readonly Expr[];

/** `hasName` knows expressions that are named already. */
export function planNames(roots: readonly Expr[], operandsOf: OperandsOf, hasName: (expr: Expr) => boolean): Plan {
  const order = parentsFirst(roots, operandsOf);
  const position = new Map(order.map((expr, index) => [expr, index]));
  const { speculable, deep } = properties(order, operandsOf);

  const root: Scope = { depth: 0, named: new Set() };
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
    for (const scope of evaluationScopes(expr, counts, speculable.has(expr), deep.has(expr), operandsOf)) {
      if (isLazy(expr, speculable)) {
        const inner = { whenTrue: branchOf(scope), whenFalse: branchOf(scope) };
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

const branchOf = (parent: Scope): Scope => ({ parent, depth: parent.depth + 1, named: new Set() });

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

/** Which expressions may be evaluated though nobody needs them, and which are so deep that they get a name. */
function properties(order: readonly Expr[], operandsOf: OperandsOf) {
  const speculable = new Set<Expr>();
  const deep = new Set<Expr>();
  const depths = new Map<Expr, number>();
  for (const expr of [...order].reverse()) {
    const operands = operandsOf(expr);
    if (isSafe(expr, operands) && operands.every((operand) => speculable.has(operand))) speculable.add(expr);
    const depth = operands.reduce((most, operand) => Math.max(most, depths.get(operand)! + 1), 0);
    if (depth > deepest) deep.add(expr);
    depths.set(expr, depth > deepest ? 0 : depth);
  }
  return { speculable, deep };
}

/** A load without operands is a local variable. Division is total but for sizes, see `divide` in scalar-helpers.ts. */
function isSafe(expr: Expr, operands: readonly Expr[]): boolean {
  if (expr.kind === 'load') return operands.length === 0;
  if (expr.kind === 'call') return expr.callee !== 'fail';
  if (expr.kind !== 'binary' || (expr.op !== 'div' && expr.op !== 'mod')) return true;
  return expr.dtype !== 'index' || (constantOf(expr.right) ?? 0) !== 0;
}

/** Printed again rather than named: names, literals, and index arithmetic of two of these. */
function isTrivial(expr: Expr, operandsOf: OperandsOf): boolean {
  return expr.kind === 'const' || expr.kind === 'var' || (expr.kind === 'load' && operandsOf(expr).length === 0);
}

function isCheap(expr: Expr, operandsOf: OperandsOf): boolean {
  if (expr.kind === 'splat') return isTrivial(expr.value, operandsOf);
  if (expr.dtype !== 'index' || (expr.kind !== 'binary' && expr.kind !== 'ramp')) return false;
  return operandsOf(expr).every((operand) => isTrivial(operand, operandsOf));
}

const isLazy = (expr: Expr, speculable: ReadonlySet<Expr>): expr is Select =>
  expr.kind === 'select' &&
  expr.condition.lanes === 1 &&
  !(speculable.has(expr.whenTrue) && speculable.has(expr.whenFalse));

/** Where the operands of an expression are evaluated; names the expression there if it is printed more than once. */
function evaluationScopes(
  expr: Expr,
  counts: ReadonlyMap<Scope, number>,
  speculable: boolean,
  deep: boolean,
  operandsOf: OperandsOf,
): readonly Scope[] {
  const scopes = [...counts.keys()];
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (!deep && (total === 1 || isCheap(expr, operandsOf))) return scopes;
  if (speculable) {
    let home = scopes.reduce(commonScope);
    // Sizes and conditions cost nothing, so they need not make a branch an if statement.
    const small = expr.dtype === 'index' || expr.dtype === 'bool';
    while (small && home.parent) home = home.parent;
    home.named.add(expr);
    return [home];
  }
  const outermost = scopes.filter((scope) => !scopes.some((other) => other !== scope && isInside(scope, other)));
  for (const scope of outermost) {
    const inside = scopes.filter((other) => isInside(other, scope));
    const count = inside.reduce((sum, other) => sum + counts.get(other)!, 0);
    if (deep || count > 1) scope.named.add(expr);
  }
  return outermost;
}

function isInside(scope: Scope, outer: Scope): boolean {
  let current: Scope | undefined = scope;
  while (current && current.depth > outer.depth) current = current.parent;
  return current === outer;
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
