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
  /** The other branch of the same Select. */
  readonly other?: Scope;
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
  const nodes = parentsFirst(roots, operandsOf);
  return nodes.some(({ expr }) => choosesBranch(expr))
    ? planInBranches(roots, nodes, hasName)
    : planInOneScope(roots, nodes, hasName);
}

/** An expression of a statement. */
interface Node {
  readonly expr: Expr;
  readonly operands: readonly Expr[];
  /** It is deep, so whatever reads it shall read a name. */
  readonly deep: boolean;
}

/** Most statements choose nowhere: everything that is needed twice is named before them. */
function planInOneScope(roots: readonly Expr[], nodes: readonly Node[], hasName: (expr: Expr) => boolean): Plan {
  const uses = new Map<Expr, number>();
  const use = (expr: Expr): void => void uses.set(expr, (uses.get(expr) ?? 0) + 1);
  roots.forEach(use);
  const named: Expr[] = [];
  for (const { expr, operands, deep } of nodes) {
    const count = uses.get(expr);
    if (count === undefined || isTrivial(expr, operands) || hasName(expr)) continue;
    if (deep || (count > 1 && !isCheap(expr, operands))) named.push(expr);
    operands.forEach(use);
  }
  const root: Scope = { depth: 0, certain: 0n, named: new Set(named) };
  return { root, namedIn: () => [...named].reverse(), branchesOf: () => undefined };
}

function planInBranches(roots: readonly Expr[], nodes: readonly Node[], hasName: (expr: Expr) => boolean): Plan {
  const known = new Map(nodes.map((node, position) => [node.expr, { ...node, position }]));
  const operandsOf = (expr: Expr): readonly Expr[] => known.get(expr)!.operands;
  const order = nodes.map(({ expr }) => expr);
  const { certain, needs } = guardsOf(order, operandsOf);
  const mayBeIn = (expr: Expr, scope: Scope): boolean => (needs(expr) & ~scope.certain) === 0n;
  const branchOf = (parent: Scope, branch: Expr): Scope => ({
    parent,
    depth: parent.depth + 1,
    certain: parent.certain | certain(branch),
    named: new Set(),
  });
  const branchesIn = (parent: Scope, { whenTrue, whenFalse }: Select): Branches => {
    const inTrue: { -readonly [K in keyof Scope]: Scope[K] } = branchOf(parent, whenTrue);
    const inFalse: Scope = { ...branchOf(parent, whenFalse), other: inTrue };
    inTrue.other = inFalse;
    return { whenTrue: inTrue, whenFalse: inFalse };
  };

  const root: Scope = { depth: 0, certain: roots.reduce((bits, expr) => bits | certain(expr), 0n), named: new Set() };
  const uses = new Map<Expr, Map<Scope, number>>();
  const branches = new Map<Expr, Map<Scope, Branches>>();
  const use = (expr: Expr, scope: Scope): void => {
    const counts = uses.get(expr) ?? new Map<Scope, number>();
    uses.set(expr, counts.set(scope, (counts.get(scope) ?? 0) + 1));
  };

  for (const expr of roots) use(expr, root);
  for (const { expr, operands, deep } of nodes) {
    const counts = uses.get(expr);
    if (!counts || isTrivial(expr, operands) || hasName(expr)) continue;
    const repeat = isCheap(expr, operands) && !deep;
    const places = repeat
      ? [...counts.keys()]
      : homesOf(expr, counts, mayBeIn).map(({ scope, count, only }) => {
          if (count === 1 && !deep) return only;
          scope.named.add(expr);
          return scope;
        });
    for (const scope of places) {
      if (choosesBranch(expr) && !(mayBeIn(expr.whenTrue, scope) && mayBeIn(expr.whenFalse, scope))) {
        const inner = branchesIn(scope, expr);
        branches.set(expr, (branches.get(expr) ?? new Map<Scope, Branches>()).set(scope, inner));
        use(expr.condition, scope);
        use(expr.whenTrue, inner.whenTrue);
        use(expr.whenFalse, inner.whenFalse);
      } else {
        for (const operand of operands) use(operand, scope);
      }
    }
  }
  nameBranching(order, branches);

  return {
    root,
    namedIn: (scope) => [...scope.named].sort((a, b) => known.get(b)!.position - known.get(a)!.position),
    branchesOf: (select, scope) => branches.get(select)?.get(scope),
  };
}

/** Every distinct expression, each before its operands. */
function parentsFirst(roots: readonly Expr[], operandsOf: OperandsOf): readonly Node[] {
  const finished: Node[] = [];
  // Undefined until an expression is finished; its depth counts from the names that deep operands get.
  const depths = new Map<Expr, number | undefined>();
  // An explicit stack: long sums are deep. An expression is met again when its operands are finished.
  const stack: Expr[] = [...roots].reverse();
  const entered = new Map<Expr, readonly Expr[]>();
  for (let expr = stack.at(-1); expr; expr = stack.at(-1)) {
    const operands = entered.get(expr);
    if (!operands) {
      const found = operandsOf(expr);
      entered.set(expr, found);
      for (let i = found.length - 1; i >= 0; i--) if (!depths.has(found[i]!)) stack.push(found[i]!);
      continue;
    }
    stack.pop();
    if (depths.has(expr)) continue;
    let depth = 0;
    for (const operand of operands) depth = Math.max(depth, depths.get(operand)! + 1);
    const deep = depth > deepest;
    depths.set(expr, deep ? 0 : depth);
    finished.push({ expr, operands, deep });
  }
  return finished.reverse();
}

const isTrivial = (expr: Expr, operands: readonly Expr[]): boolean =>
  expr.kind === 'const' || expr.kind === 'var' || (expr.kind === 'load' && operands.length === 0);

/** Printed again rather than named: names, literals, and index arithmetic of two of these. */
function isCheap(expr: Expr, operands: readonly Expr[]): boolean {
  if (expr.kind === 'splat') return isPlain(expr.value);
  if (expr.dtype !== 'index' || (expr.kind !== 'binary' && expr.kind !== 'ramp')) return false;
  return operands.every(isPlain);
}

/** Printed as a name or a literal. */
const isPlain = (expr: Expr): boolean =>
  expr.kind === 'const' || expr.kind === 'var' || (expr.kind === 'load' && expr.buffer.memory === 'register');

interface Home {
  readonly scope: Scope;
  /** How many uses it serves, and where, if there is one. */
  readonly count: number;
  readonly only: Scope;
}

/** The outermost scopes that may hold the value, and together serve all uses. */
function homesOf(
  expr: Expr,
  uses: ReadonlyMap<Scope, number>,
  mayBeIn: (expr: Expr, scope: Scope) => boolean,
): readonly Home[] {
  const counts = joinBranches(uses);
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

/**
 * What both branches of a Select compute is computed whichever it takes. Without this, a chain of Selects whose branches
 * both use what came before would have twice as many scopes with each link.
 */
function joinBranches(counts: ReadonlyMap<Scope, number>): ReadonlyMap<Scope, number> {
  const joined = new Map(counts);
  // Scopes that are added are met by the same loop.
  for (const scope of joined.keys()) {
    const { other, parent } = scope;
    if (!other || !parent || !joined.has(scope) || !joined.has(other)) continue;
    const both = joined.get(scope)! + joined.get(other)!;
    joined.delete(scope);
    joined.delete(other);
    const before = joined.get(parent) ?? 0;
    // Moved to the end, so that the loop looks at it again.
    joined.delete(parent);
    joined.set(parent, before + both);
  }
  return joined;
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
