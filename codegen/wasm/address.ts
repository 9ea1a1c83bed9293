// Addresses. The offset of an element is a sum over the loop indices; each part of it is computed as far outside as
// possible, and parts that grow with a loop index become pointers that move along with the loop. What is left inside the
// loop is a pointer and a constant, which the load or store carries itself.

import { boundsOf } from '../../ir/bounds.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { stridesOf } from '../../ir/kernel-walk.ts';
import type { Code } from './binaryen.ts';
import type { Context } from './context.ts';
import {
  type Atom,
  addLinear,
  atomLinear,
  constantLinear,
  isNonNegative,
  type Linear,
  multiplyLinear,
  scaleLinear,
  sumCode,
  type Term,
  termDepth,
  termsKey,
} from './linear.ts';
import type { Local } from './locals.ts';
import { bytesOf } from './representation.ts';
import type { Frame } from './scope.ts';

/** No buffer begins below this address, so a constant of up to as much may always go into the instruction. */
export const lowestAddress = 1024;
/** Offsets in instructions that keep their encoding short and are within every engine's guard pages. */
const largestOffset = 1 << 24;

export interface Address {
  readonly pointer: Code;
  readonly offset: number;
}

const variableAtom = (context: Context, variable: Var, local: Local, depth: number): Atom => ({
  key: context.atomKey(variable),
  depth,
  nonNegative: boundsOf(variable).min >= 0,
  simple: true,
  code: () => context.module.get(local.index, local.type),
});

const expressionAtom = (context: Context, expr: Expr): Atom => ({
  key: context.atomKey(expr),
  // What must stay where it is belongs to the current frame.
  depth: context.isGuarded(expr) ? context.scope.frame().depth : context.factsOf(expr).depth,
  nonNegative: boundsOf(expr).min >= 0,
  simple: false,
  code: () => context.print(expr),
});

/** An index as a sum. */
export function linearOf(context: Context, expr: Expr): Linear {
  if (expr.kind === 'const') return constantLinear(Number(expr.value));
  if (expr.kind === 'var') {
    const { linear, local, depth } = context.scope.binding(expr);
    if (linear) return linear;
    if (!local) throw new IrError(`variable ${expr.name} has no value here`);
    return atomLinear(variableAtom(context, expr, local, depth));
  }
  if (expr.kind === 'binary' && (expr.op === 'add' || expr.op === 'sub')) {
    return addLinear(linearOf(context, expr.left), linearOf(context, expr.right), expr.op === 'add' ? 1 : -1);
  }
  if (expr.kind === 'binary' && expr.op === 'mul') {
    const product = multiplyLinear(linearOf(context, expr.left), linearOf(context, expr.right));
    if (product) return product;
  }
  return atomLinear(expressionAtom(context, expr));
}

/** The position of an element, counted in elements from the start of the buffer. */
export function positionOf(context: Context, buffer: Buffer, indices: readonly Expr[]): Linear {
  const strides = stridesOf(buffer);
  return indices.reduce((sum, index, axis) => {
    const stride = strides[axis]!;
    if (index.kind === 'ramp') {
      const isLast = axis === indices.length - 1;
      const step = stride.kind === 'const' ? Number(stride.value) : Number.NaN;
      if (!isLast || index.stride !== 1 || step !== 1) throw new IrError(`vector access to ${buffer.name} with gaps`);
    } else if (index.lanes > 1) {
      throw new IrError(`access to ${buffer.name} by a vector of indices`);
    }
    const scalar = index.kind === 'ramp' ? index.base : index;
    const product = multiplyLinear(linearOf(context, scalar), linearOf(context, stride));
    if (!product) throw new IrError(`the address of an element of ${buffer.name} is too complicated`);
    return addLinear(sum, product);
  }, constantLinear(0));
}

export const addressOf = (context: Context, buffer: Buffer, indices: readonly Expr[]): Address =>
  pointerTo(
    context,
    addLinear(context.baseOf(buffer), scaleLinear(positionOf(context, buffer, indices), bytesOf(buffer.dtype))),
  );

/** A sum computed so far: nothing, a variable or a local. */
interface Partial {
  readonly key: string;
  readonly code: (() => Code) | undefined;
}

function pointerTo(context: Context, sum: Linear): Address {
  const { module, scope } = context;
  const frames = scope.loopFrames();
  let rest = [...sum.terms.values()];
  let partial: Partial = { key: '', code: undefined };
  const foldable = sum.constant <= lowestAddress || rest.every(isNonNegative);
  const offset = sum.constant >= 0 && sum.constant < largestOffset && foldable ? sum.constant : 0;

  for (const frame of frames) {
    const outside = rest.filter((term) => termDepth(term) < frame.depth);
    rest = rest.filter((term) => termDepth(term) >= frame.depth);
    if (outside.length > 0) partial = outsideOf(context, frame, partial, outside);
    const index = frame.loop?.index;
    const moving = index ? rest.filter((term) => stepOf(context, term, index, frame)) : [];
    if (index && moving.length > 0) {
      rest = rest.filter((term) => !moving.includes(term));
      partial = movingPointer(context, frame, partial, moving, index);
    }
  }
  const pointer = rest.length > 0 || !partial.code ? sumCode(module, partial.code?.(), rest) : partial.code();
  const missing = sum.constant - offset;
  return { pointer: missing === 0 ? pointer : module.op('i32.add', pointer, module.i32(missing)), offset };
}

/** Adds terms that the loop of this frame does not change, before the loop. */
function outsideOf(context: Context, frame: Frame, partial: Partial, terms: readonly Term[]): Partial {
  const { module, scope } = context;
  const key = `${partial.key}+${termsKey(terms)}`;
  const [only] = terms;
  if (!partial.code && terms.length === 1 && only?.coefficient === 1 && only.atoms.length === 1) {
    const atom = only.atoms[0]!;
    if (atom.simple) return { key, code: () => atom.code() };
  }
  const local = scope.hoist(frame, `sum ${key}`, 'i32', () => sumCode(module, partial.code?.(), terms));
  return { key, code: () => module.get(local.index, 'i32') };
}

/** By what a term grows from turn to turn: the term without the loop index, if the rest stays the same in the loop. */
function stepOf(context: Context, term: Term, index: Var, frame: Frame): Term | undefined {
  const key = context.atomKey(index);
  const others = term.atoms.filter((atom) => atom.key !== key);
  if (others.length !== term.atoms.length - 1 || others.some((atom) => atom.depth >= frame.depth)) return undefined;
  return { coefficient: term.coefficient, atoms: others };
}

/** A pointer that starts at the sum so far and grows at the end of each turn. */
function movingPointer(context: Context, frame: Frame, partial: Partial, terms: readonly Term[], index: Var): Partial {
  const { module, scope } = context;
  const key = `${partial.key}+${termsKey(terms)}`;
  const known = scope.known(`moving ${key}`, frame);
  if (known) return { key, code: () => module.get(known.index, 'i32') };
  const steps = terms.map((term) => stepOf(context, term, index, frame)!);
  const local = scope.hoist(frame, `moving ${key}`, 'i32', () => partial.code?.() ?? module.i32(0));
  const constant = steps.every((step) => step.atoms.length === 0)
    ? steps.reduce((total, step) => total + step.coefficient, 0)
    : undefined;
  const [first] = steps;
  let step: Code;
  if (constant !== undefined) step = module.i32(constant);
  else if (steps.length === 1 && first?.coefficient === 1 && first.atoms.length === 1 && first.atoms[0]!.simple) {
    step = first.atoms[0]!.code();
  } else {
    const size = scope.hoist(frame, `sum ${termsKey(steps)}`, 'i32', () => sumCode(module, undefined, steps));
    step = module.get(size.index, 'i32');
  }
  frame.loop?.afterEachTurn.push(module.set(local.index, module.op('i32.add', module.get(local.index, 'i32'), step)));
  return { key, code: () => module.get(local.index, 'i32') };
}
