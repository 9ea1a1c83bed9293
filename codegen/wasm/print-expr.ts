// Expressions as binaryen expressions. What a statement uses twice is computed once; what a loop does not change is
// computed before it. A Select becomes `select` where both branches are cheap and harmless, an if otherwise.

import { boundsOf } from '../../ir/bounds.ts';
import { isInteger } from '../../ir/dtype.ts';
import type { Cast, Expr, Load, Select, Splat } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { IrError } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import { certainParts, countUses, isRegisterLoad } from '../../ir/shared-parts.ts';
import { addressOf, positionOf } from './address.ts';
import type { Code, ModuleBuilder } from './binaryen.ts';
import { type Context, type Facts, recordError, registerOf } from './context.ts';
import { linearCode } from './linear.ts';
import { castScalar } from './print-cast.ts';
import { binaryScalar, unaryScalar } from './print-scalar.ts';
import { vectorBinary, vectorUnary } from './print-vector.ts';
import { vectorCast } from './print-vector-cast.ts';
import { loadSplat, loadVector, splatScalar } from './print-vector-memory.ts';
import {
  gathered,
  isHalfFilled,
  loadOpcode,
  scalarConstant,
  shapeOf,
  valueTypeOf,
  vectorConstantBytes,
  zeroOf,
} from './representation.ts';
import type { Frame } from './scope.ts';

/** Larger branches of a Select are worth a jump. */
const cheapBranch = 8;
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
  return context.scope.inFrame({ uses: countUses(exprs).counts }, print);
}

export function printExpr(context: Context, expr: Expr): Code {
  const { module, scope } = context;
  if (expr.kind === 'const') return scalarConstant(module, expr.dtype, expr.value);
  if (expr.kind === 'var') return printVariable(context, expr);
  const type = valueTypeOf(expr.dtype, expr.lanes);
  const known = scope.known(expr);
  if (known) return module.get(known.index, type);
  const frame = isTrivial(expr) ? undefined : loopToLeave(context, expr);
  if (frame) {
    const alone = (): Code => inStatement(context, [expr], () => printKind(context, expr));
    const local = scope.hoist(frame, context.atomKey(expr), type, alone);
    return module.get(local.index, type);
  }
  const code = printKind(context, expr);
  if (isTrivial(expr) || usesOf(scope.frame(), expr) < 2) return code;
  const local = scope.hold(type);
  scope.frame().known.set(expr, local);
  return module.tee(local.index, code, type);
}

/** A register is read again rather than kept twice. */
const isTrivial = (expr: Expr): boolean =>
  expr.kind === 'const' ||
  expr.kind === 'var' ||
  (expr.kind === 'splat' && expr.value.kind === 'const') ||
  (expr.kind === 'load' && expr.buffer.memory === 'register');

export const isPrintedHere = (context: Context, expr: Expr): boolean =>
  usesOf(context.scope.frame(), expr) < 2 && !context.scope.known(expr) && !loopToLeave(context, expr);

function usesOf(start: Frame, expr: Expr): number {
  for (let frame: Frame | undefined = start; frame; frame = frame.parent) {
    if (frame.uses) return frame.uses.get(expr) ?? 0;
  }
  return 0;
}

function printVariable({ module, scope }: Context, variable: Expr & { readonly kind: 'var' }): Code {
  const { local, linear } = scope.binding(variable);
  if (local) return module.get(local.index, local.type);
  if (!linear) throw new IrError(`variable ${variable.name} has no value here`);
  return linearCode(module, linear);
}

/** The outermost loop that a value can be computed before. */
function loopToLeave(context: Context, expr: Expr): Frame | undefined {
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

function printKind(context: Context, expr: Exclude<Expr, { kind: 'const' } | { kind: 'var' }>): Code {
  const { module } = context;
  const { dtype, lanes } = expr;
  switch (expr.kind) {
    case 'unary': {
      const value = context.print(expr.value);
      return lanes > 1
        ? vectorUnary(context, expr.op, dtype, lanes, value)
        : unaryScalar(context, expr.op, dtype, value);
    }
    case 'binary':
      if (lanes > 1) return vectorBinary(context, expr);
      return binaryScalar(context, expr.op, expr.left.dtype, context.print(expr.left), context.print(expr.right), {
        left: expr.left,
        right: expr.right,
      });
    case 'select':
      return printSelect(context, expr);
    case 'cast':
      return printCast(context, expr);
    case 'load':
      return printLoad(context, expr);
    case 'ramp':
      return printRamp(context, expr.base, expr.stride, lanes);
    case 'splat':
      return printSplat(context, expr);
    case 'call':
      if (expr.callee === 'fail') {
        if (!expr.code) throw new IrError('fail without an error code');
        return module.block([recordError(module, expr.code), zeroOf(module, dtype, lanes)], valueTypeOf(dtype, lanes));
      }
      throw new IrError(`${expr.callee} reached the WebAssembly printer: it must be expanded before`);
    case 'reduce':
      throw new IrError('a Reduce reached the WebAssembly printer: it must be lowered before');
  }
}

function printCast(context: Context, expr: Cast): Code {
  const value = context.print(expr.value);
  if (expr.lanes > 1) return vectorCast(context, expr, value);
  return castScalar(context, value, expr.value.dtype, expr.dtype, expr.bits);
}

function printLoad(context: Context, expr: Load): Code {
  const { module } = context;
  const { buffer, indices, dtype, lanes } = expr;
  if (buffer.memory === 'register') {
    const local = registerOf(context, buffer, positionOf(context, buffer, indices));
    return module.get(local.index, local.type);
  }
  const address = addressOf(context, buffer, indices);
  if (lanes > 1) return loadVector(context, dtype, lanes, address);
  return module.load(loadOpcode(dtype), address.offset, address.pointer);
}

function printRamp(context: Context, base: Expr, stride: number, lanes: number): Code {
  const { module } = context;
  const shape = shapeOf('index', lanes);
  const start = splatScalar(context, 'index', lanes, context.print(base));
  return module.op(`${shape}.add`, start, module.v128(vectorConstantBytes('index', lanes, (lane) => lane * stride)));
}

function printSplat(context: Context, { value, dtype, lanes }: Splat): Code {
  const { module } = context;
  if (value.kind === 'const') {
    const number = value.value;
    shapeOf(dtype, lanes);
    return module.v128(vectorConstantBytes(dtype, lanes, () => number));
  }
  const alone = usesOf(context.scope.frame(), value) < 2 && !context.scope.known(value);
  if (value.kind === 'load' && value.buffer.memory !== 'register' && alone) {
    const loaded = loadSplat(context, dtype, lanes, () => addressOf(context, value.buffer, value.indices));
    if (loaded) return loaded;
  }
  return splatScalar(context, dtype, lanes, context.print(value));
}

function printSelect(context: Context, expr: Select): Code {
  const { module } = context;
  const { condition, whenTrue, whenFalse, dtype, lanes } = expr;
  const harmless = !context.isGuarded(whenTrue) && !context.isGuarded(whenFalse);
  if (condition.lanes > 1) {
    if (!harmless) requireHarmless(expr);
    const yes = context.print(whenTrue);
    const no = context.print(whenFalse);
    const mask = context.print(condition);
    return module.op('v128.bitselect', yes, no, isHalfFilled(dtype, lanes) ? gathered(module, mask) : mask);
  }
  const size = Math.max(context.factsOf(whenTrue).size, context.factsOf(whenFalse).size);
  if (harmless && size <= cheapBranch) {
    // `select` evaluates its condition last; nothing here can tell the difference.
    const yes = context.print(whenTrue);
    const no = context.print(whenFalse);
    return module.select(context.print(condition), yes, no);
  }
  const before = computeCommon(context, expr);
  const test = context.print(condition);
  const branch = (value: Expr): Code => context.scope.inFrame({ branch: true }, () => context.print(value));
  const code = module.if(test, branch(whenTrue), branch(whenFalse));
  return before.length === 0 ? code : module.block([...before, code], valueTypeOf(dtype, lanes));
}

/** Computes what both branches surely use and some statement uses twice, so that neither branch repeats it. */
function computeCommon(context: Context, { whenTrue, whenFalse }: Select): readonly Code[] {
  const { module, scope } = context;
  // Indices become parts of addresses, not values.
  const wanted = (part: Expr): boolean =>
    part.dtype !== 'index' &&
    !isTrivial(part) &&
    usesOf(scope.frame(), part) > 1 &&
    !scope.known(part) &&
    !loopToLeave(context, part);
  const ofFalse = certainParts([whenFalse]);
  const inBoth = [...certainParts([whenTrue])].filter((part) => ofFalse.has(part) && wanted(part));
  const common = [...inBoth, ...usedElsewhere(context, whenTrue), ...usedElsewhere(context, whenFalse)].filter(wanted);
  const codes: Code[] = [];
  for (const part of common) {
    if (scope.known(part)) continue;
    // Printing gives it a name, since it is used twice; the name is what we are after.
    codes.push(module.drop(context.print(part)));
  }
  return codes;
}

/**
 * Parts of a branch that are harmless and that something outside of it uses too. Computed in the branch they would be
 * computed again elsewhere, and in a chain of such branches twice as often at each link.
 */
function usedElsewhere(context: Context, branch: Expr): readonly Expr[] {
  const inside = countUses([branch]).counts;
  return [...inside.keys()].filter(
    (part) => !context.isGuarded(part) && inside.get(part)! < usesOf(context.scope.frame(), part),
  );
}

/**
 * Both branches are evaluated. Vector divisions are made harmless; loads and failures of their own cannot be, unless the
 * condition performs the same.
 */
function requireHarmless(select: Select): void {
  const always = new Set([...certainParts([select.condition])].map(exprKey));
  const seen = new Set<Expr>();
  const check = (part: Expr): void => {
    if (seen.has(part) || part.kind === 'const' || part.kind === 'var' || always.has(exprKey(part))) return;
    seen.add(part);
    const needsCondition =
      (part.kind === 'load' && !isRegisterLoad(part) && !isInside(part)) ||
      (part.kind === 'call' && part.callee === 'fail');
    if (needsCondition) throw new IrError('a vector condition protects a load or a failure');
    children(part).forEach(check);
  };
  check(select.whenTrue);
  check(select.whenFalse);
}

/** The load is within the shape of its buffer, whatever the variables are. */
const isInside = ({ buffer, indices }: Load): boolean =>
  indices.every((index, axis) => {
    const { min, max } = boundsOf(index.kind === 'ramp' ? index.base : index);
    const width = index.kind === 'ramp' ? index.lanes : 1;
    return min >= 0 && max + width <= boundsOf(buffer.shape[axis]!).min;
  });
