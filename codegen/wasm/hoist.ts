// Where values are computed: what is known of an expression under the current bindings, how often a statement uses it,
// and before which loop it can be computed.

import { isInteger } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { children } from '../../ir/expr-walk.ts';
import { countUses } from '../../ir/shared-parts.ts';
import type { Code, ModuleBuilder } from './binaryen.ts';
import type { Context, Facts } from './context.ts';
import type { Frame } from './scope.ts';

const sizeLimit = 64;

/** Derives facts, afresh whenever the bindings have changed. */
export function createFacts(scope: Context['scope']): (expr: Expr) => Facts {
  let version = -1;
  let memo = new Map<Expr, Facts>();
  const derive = (expr: Expr): Facts => {
    const known = memo.get(expr);
    if (known) return known;
    // Memory and registers may change at any time: a load stays where it is.
    let depth = expr.kind === 'load' ? Number.POSITIVE_INFINITY : 0;
    if (expr.kind === 'var') depth = scope.binding(expr).depth;
    let size = 1;
    for (const child of children(expr)) {
      const facts = derive(child);
      depth = Math.max(depth, facts.depth);
      size = Math.min(sizeLimit, size + facts.size);
    }
    const facts = { depth, size };
    memo.set(expr, facts);
    return facts;
  };
  return (expr) => {
    if (version !== scope.version()) {
      version = scope.version();
      memo = new Map();
    }
    return derive(expr);
  };
}

/** Prints the expressions of one statement together, in a frame of their own. */
export function inStatement<T>(context: Context, exprs: readonly Expr[], print: () => T): T {
  return context.scope.inFrame({ uses: countUses(exprs).counts, roots: exprs }, print);
}

/** A register is read again rather than kept twice. */
export const isTrivial = (expr: Expr): boolean =>
  expr.kind === 'const' ||
  expr.kind === 'var' ||
  (expr.kind === 'splat' && expr.value.kind === 'const') ||
  (expr.kind === 'load' && expr.buffer.memory === 'register');

export const isPrintedHere = (context: Context, expr: Expr): boolean =>
  usesOf(context.scope.frame(), expr) < 2 && !context.scope.known(expr) && !loopToLeave(context, expr);

export function usesOf(start: Frame, expr: Expr): number {
  for (let frame: Frame | undefined = start; frame; frame = frame.parent) {
    if (frame.uses) return frame.uses.get(expr) ?? 0;
  }
  return 0;
}

/** The expressions of the statement that is printed. */
export function rootsOf(start: Frame): readonly Expr[] {
  for (let frame: Frame | undefined = start; frame; frame = frame.parent) if (frame.roots) return frame.roots;
  return [];
}

/** The outermost loop that a value can be computed before. */
export function loopToLeave(context: Context, expr: Expr): Frame | undefined {
  if (context.isGuarded(expr)) return undefined;
  const { depth, size } = context.factsOf(expr);
  const isNumber = expr.lanes === 1 && (expr.dtype === 'bool' || isInteger(expr.dtype));
  if (!isNumber) return loopForRegister(context.scope, depth);
  if (expr.dtype === 'index' && size < 3) return undefined;
  // Sizes and conditions leave every loop that does not change them.
  return context.scope.loopFrames().find((frame) => frame.depth > depth);
}

/**
 * Floats and vectors leave innermost loops only (and loops that contain nothing else), because registers are few: one
 * that stays alive through another loop costs more there than it saves here.
 */
function loopForRegister(scope: Context['scope'], depth: number): Frame | undefined {
  const frames = scope.loopFrames();
  if (!frames.at(-1)?.loop?.innermost) return undefined;
  const candidates = frames.filter((frame) => frame.depth > depth);
  let found = candidates.length - 1;
  while (found > 0 && candidates[found - 1]!.loop?.single) found--;
  return candidates[found];
}

/**
 * Prints vector constants before innermost loops: V8 makes them anew each time where they stand. Zeros and ones are
 * cheap to make.
 */
export function hoistConstants(module: ModuleBuilder, scope: Context['scope']): ModuleBuilder {
  const v128 = (bytes: Uint8Array): Code => {
    const frame = bytes.every((byte) => byte === bytes[0] && (byte === 0 || byte === 255))
      ? undefined
      : loopForRegister(scope, 0);
    if (!frame) return module.v128(bytes);
    const local = scope.hoist(frame, `v128 ${bytes.join(' ')}`, 'v128', () => module.v128(bytes));
    return module.get(local.index, 'v128');
  };
  return { ...module, v128 };
}
