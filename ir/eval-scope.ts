// Where generated JavaScript computes what. A scope is a list of lines that run before whatever reads its names; scopes
// nest like the blocks of the text. A *frame* is the scope at the head of a loop body or after a `let`: pure scalar
// expressions are computed in the frame of the innermost variable that they use, so outside the loops that do not matter.

import { isFloat } from './dtype.ts';
import type { Expr, Var } from './expr.ts';
import { IrError } from './expr-make.ts';
import { children } from './expr-walk.ts';
import type { Buffer } from './kernel.ts';
import {
  branchesOf,
  certainParts,
  countUses,
  type GuardedMemo,
  isGuarded,
  partsOf,
  reachable,
  treeSize,
} from './shared-parts.ts';

export interface Scope {
  readonly lines: string[];
  /** Expressions that have a name here. */
  readonly names: Map<Expr, string>;
  /** Of a frame: names by the text of their value. */
  readonly texts: Map<string, string>;
  readonly parent?: Scope;
  /** How many frames are around. */
  readonly depth: number;
  /** The variable that counts lanes, inside a loop over the lanes of vectors. */
  readonly lane?: string;
  /** Where scalars are computed once for all lanes. */
  readonly scalars?: Scope;
}

/** The state of one generation. */
export interface Emitter {
  readonly frames: Scope[];
  readonly names: Map<Var | Buffer, string>;
  readonly frameOf: Map<Var, number>;
  readonly depths: Map<Expr, number>;
  readonly guarded: GuardedMemo;
  readonly pure: Map<Expr, boolean>;
  /** Pure expressions that the present statement uses more than once. */
  readonly shared: Set<Expr>;
  /** Bounds are checked, and these statements named when a check fails. */
  readonly checked: boolean;
  readonly statements: string[];
  counter: number;
}

export const newEmitter = (checked: boolean): Emitter => ({
  frames: [],
  names: new Map(),
  frameOf: new Map(),
  depths: new Map(),
  guarded: new Map(),
  pure: new Map(),
  shared: new Set(),
  checked,
  statements: [],
  counter: 0,
});

/** An identifier that is new; the name is only for people who read the text. */
export function newName(emitter: Emitter, name: string): string {
  emitter.counter++;
  return `${name.replace(/[^A-Za-z0-9]/g, '_').replace(/^(?=[0-9])/, '_')}_${emitter.counter}`;
}

const makeScope = (parent: Scope | undefined, depth: number): Scope => ({
  lines: [],
  names: new Map(),
  texts: new Map(),
  depth,
  ...(parent ? { parent } : {}),
});

/** A scope inside another, for a branch or the body of a loop in the text. */
export const innerScope = (parent: Scope): Scope => ({
  ...makeScope(parent, parent.depth),
  ...(parent.lane ? { lane: parent.lane } : {}),
  ...(parent.scalars ? { scalars: parent.scalars } : {}),
});

/** The scope of a new statement. */
export function statementScope(emitter: Emitter): Scope {
  emitter.shared.clear();
  return makeScope(emitter.frames.at(-1), emitter.frames.length - 1);
}

export const laneScope = (emitter: Emitter, parent: Scope): Scope => ({
  ...makeScope(parent, parent.depth),
  lane: newName(emitter, 'lane'),
  scalars: parent,
});

/** Opens a frame in which the variables have these names, runs `body`, and gives the frame's own lines. */
export function withFrame(
  emitter: Emitter,
  variables: readonly (readonly [Var, string])[],
  parent: Scope | undefined,
  body: (frame: Scope) => void,
): readonly string[] {
  const frame: Scope = {
    ...makeScope(parent ?? emitter.frames.at(-1), emitter.frames.length),
    ...(parent?.lane ? { lane: parent.lane } : {}),
  };
  emitter.frames.push(frame);
  emitter.depths.clear();
  for (const [variable, name] of variables) {
    emitter.names.set(variable, name);
    emitter.frameOf.set(variable, frame.depth);
  }
  body(frame);
  emitter.frames.pop();
  emitter.depths.clear();
  return frame.lines;
}

export function lookup(scope: Scope, expr: Expr): string | undefined {
  for (let at: Scope | undefined = scope; at; at = at.parent) {
    const name = at.names.get(expr);
    if (name !== undefined) return name;
  }
  return undefined;
}

export function bind(emitter: Emitter, scope: Scope, expr: Expr, text: string): string {
  if (/^\(?-?\w+\)?$/.test(text)) return text;
  const name = newName(emitter, isFloat(expr.dtype) ? 'f' : expr.dtype === 'bool' ? 'b' : 'i');
  scope.lines.push(`const ${name} = ${text};`);
  scope.names.set(expr, name);
  return name;
}

/** Binds in a frame, where equal texts mean equal values. */
export function bindInFrame(emitter: Emitter, frame: Scope, expr: Expr, text: string): string {
  const name = frame.texts.get(text) ?? bind(emitter, frame, expr, text);
  frame.texts.set(text, name);
  frame.names.set(expr, name);
  return name;
}

export const isLeaf = (expr: Expr): boolean => expr.kind === 'const' || expr.kind === 'var';

/** A scalar whose value depends on its variables alone and that may be computed at any time. */
export function isPure(emitter: Emitter, expr: Expr): boolean {
  const known = emitter.pure.get(expr);
  if (known !== undefined) return known;
  const itself =
    expr.lanes === 1 && expr.kind !== 'load' && expr.kind !== 'reduce' && !isGuarded(expr, emitter.guarded);
  const pure = itself && children(expr).every((child) => isPure(emitter, child));
  emitter.pure.set(expr, pure);
  return pure;
}

/** The frame of the innermost variable of a pure expression. */
export function depthOf(emitter: Emitter, expr: Expr): number {
  if (expr.kind === 'const') return 0;
  if (expr.kind === 'var') {
    const depth = emitter.frameOf.get(expr);
    if (depth === undefined) throw new IrError(`the variable ${expr.name} is not bound`);
    return depth;
  }
  const known = emitter.depths.get(expr);
  if (known !== undefined) return known;
  const depth = children(expr).reduce((most, child) => Math.max(most, depthOf(emitter, child)), 0);
  emitter.depths.set(expr, depth);
  return depth;
}

/** Beyond this tree size, a part that two branches share is worth a function of its own. */
const largestRepeated = 64;

export interface Plan {
  /** Computed at the head of the scope, in this order. */
  readonly first: readonly Expr[];
  /** Computed when first needed: several branches need them, but maybe none is taken. */
  readonly lazy: ReadonlySet<Expr>;
}

/** What a scope that evaluates the roots should name. `scalarsOnly` leaves out vectors, which need a lane. */
export function planScope(emitter: Emitter, scope: Scope, roots: readonly Expr[], scalarsOnly: boolean): Plan {
  const { counts, order } = countUses(roots, (expr) => lookup(scope, expr) !== undefined);
  const broadcast = new Set(order.filter((expr) => expr.lanes > 1).flatMap(partsOf));
  const certain = order.some((expr) => expr.kind === 'select') ? certainParts(roots) : undefined;
  const first: Expr[] = [];
  const doubtful: Expr[] = [];
  for (const expr of order) {
    if (isLeaf(expr) || (scalarsOnly && expr.lanes > 1)) continue;
    const many = counts.get(expr)! > 1;
    if (many && isPure(emitter, expr)) emitter.shared.add(expr);
    if (isPure(emitter, expr) || !(many || (scalarsOnly && broadcast.has(expr)))) continue;
    if (!certain || certain.has(expr) || !isGuarded(expr, emitter.guarded)) first.push(expr);
    else if (many) doubtful.push(expr);
  }
  const sizes = new Map<Expr, number>();
  const big = doubtful.filter((expr) => treeSize(expr, sizes) > largestRepeated);
  return { first, lazy: big.length === 0 ? new Set() : usedInSeveralBranches(roots, big) };
}

function usedInSeveralBranches(roots: readonly Expr[], candidates: readonly Expr[]): ReadonlySet<Expr> {
  const seenIn = new Map<Expr, number>(candidates.map((expr) => [expr, 0]));
  const outside = new Set<Expr>();
  const walk = (expr: Expr): void => {
    if (outside.has(expr)) return;
    outside.add(expr);
    const branches = expr.kind === 'select' ? branchesOf(expr) : [];
    for (const part of partsOf(expr)) if (!branches.includes(part)) walk(part);
    for (const branch of branches) {
      for (const part of reachable([branch])) {
        const count = seenIn.get(part);
        if (count !== undefined) seenIn.set(part, count + 1);
      }
    }
  };
  roots.forEach(walk);
  return new Set(candidates.filter((expr) => seenIn.get(expr)! > 1));
}
