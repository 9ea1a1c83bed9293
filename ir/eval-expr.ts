// Expressions as JavaScript: the text of one element (one lane of a vector), with the lines that must run before it
// pushed to the scope. See `eval-scope.ts` for where shared and loop-invariant parts go.

import { arrayNameOf } from './eval-arrays.ts';
import { binaryText, bitcastText, castText, combining, constText, initialText, unaryText } from './eval-operations.ts';
import {
  bind,
  bindInFrame,
  depthOf,
  type Emitter,
  innerScope,
  isLeaf,
  isPure,
  lookup,
  newName,
  planScope,
  type Scope,
  withFrame,
} from './eval-scope.ts';
import type { Binary, Call, ErrorCode, Expr, Load, Reduce, Select, Var } from './expr.ts';
import { add, constantOf, IrError, int, mul } from './expr-make.ts';
import { freeVars } from './expr-walk.ts';
import type { Buffer } from './kernel.ts';
import { stridesOf } from './kernel-walk.ts';
import { isGuarded } from './shared-parts.ts';

/** The numbers of error codes in results of a run; 0 is success. */
export const errorNumbers: Readonly<Record<ErrorCode, 1 | 2 | 3>> = { index: 1, divide: 2, shape: 3 };

/** The text of an expression in a scope that `prepare` has seen. */
export function emit(emitter: Emitter, expr: Expr, scope: Scope): string {
  const known = lookup(scope, expr);
  if (known !== undefined) return known;
  if (isLeaf(expr)) return build(emitter, expr, scope);
  if (isPure(emitter, expr)) {
    const depth = depthOf(emitter, expr);
    if (depth < scope.depth || emitter.shared.has(expr)) {
      const frame = emitter.frames[depth]!;
      return bindInFrame(emitter, frame, expr, build(emitter, expr, frame));
    }
  }
  if (scope.scalars && expr.lanes === 1 && !isGuarded(expr, emitter.guarded)) {
    return bind(emitter, scope.scalars, expr, build(emitter, expr, scope.scalars));
  }
  return build(emitter, expr, scope);
}

/** Names what the roots share; call it once for each new scope, before `emit`. */
export function prepare(emitter: Emitter, scope: Scope, roots: readonly Expr[], scalarsOnly = false): void {
  const { first, lazy } = planScope(emitter, scope, roots, scalarsOnly);
  for (const expr of first) {
    if (lookup(scope, expr) === undefined) bind(emitter, scope, expr, emit(emitter, expr, scope));
  }
  for (const expr of lazy) {
    const value = newName(emitter, 'value');
    const done = newName(emitter, 'done');
    const get = newName(emitter, 'get');
    const inner = innerScope(scope);
    prepare(emitter, inner, [expr]);
    const text = emit(emitter, expr, inner);
    scope.lines.push(
      `let ${value}, ${done} = false;`,
      `const ${get} = () => { if (!${done}) { ${inner.lines.join('\n')} ${value} = ${text}; ${done} = true; } return ${value}; };`,
    );
    scope.names.set(expr, `${get}()`);
  }
}

function build(emitter: Emitter, expr: Expr, scope: Scope): string {
  // Refuses types that cannot be stored, rather than computing with the wrong rounding.
  arrayNameOf(expr.dtype);
  const text = (child: Expr): string => emit(emitter, child, scope);
  switch (expr.kind) {
    case 'const':
      return constText(expr.dtype, expr.value);
    case 'var':
      return varText(emitter, expr, scope);
    case 'unary':
      return unaryText(expr.op, expr.dtype, text(expr.value));
    case 'binary':
      return buildBinary(emitter, expr, scope);
    case 'cast':
      return (expr.bits ? bitcastText : castText)(expr.dtype, expr.value.dtype, text(expr.value));
    case 'splat':
      return text(expr.value);
    case 'ramp':
      return `(${text(expr.base)} + ${laneOf(scope)} * ${expr.stride})`;
    case 'load':
      return buildLoad(emitter, expr, scope);
    case 'select':
      return buildSelect(emitter, expr, scope);
    case 'reduce':
      return buildReduce(emitter, expr, scope);
    case 'call':
      return buildCall(emitter, expr, scope);
  }
}

function laneOf(scope: Scope): string {
  if (scope.lane === undefined) throw new IrError('a vector where a scalar is needed');
  return scope.lane;
}

function varText(emitter: Emitter, variable: Var, scope: Scope): string {
  const name = emitter.names.get(variable);
  if (name === undefined) throw new IrError(`the variable ${variable.name} is not bound`);
  if (variable.lanes === 1) return name;
  return readText(variable.dtype, `${name}[${laneOf(scope)}]`);
}

/** bool is boolean in expressions and 0 or 1 in arrays. */
const readText = (dtype: Expr['dtype'], element: string): string => (dtype === 'bool' ? `(${element} !== 0)` : element);
export const writtenText = (dtype: Expr['dtype'], value: string): string =>
  dtype === 'bool' ? `(${value} ? 1 : 0)` : value;

function buildBinary(emitter: Emitter, expr: Binary, scope: Scope): string {
  const { left, right, op } = expr;
  const known = right.kind === 'splat' ? right.value : right;
  const text = emit(emitter, left, scope);
  return binaryText(
    op,
    left.dtype,
    text,
    emit(emitter, right, scope),
    known.kind === 'const' ? known.value : undefined,
  );
}

function buildCall(emitter: Emitter, expr: Call, scope: Scope): string {
  const { callee, dtype } = expr;
  if (callee === 'fail') {
    scope.lines.push(`error = error || ${errorNumbers[expr.code ?? 'index']};`);
    return castText(dtype, 'int32', '0');
  }
  const result = `math.${callee}(${expr.arguments.map((argument) => emit(emitter, argument, scope)).join(', ')})`;
  return dtype === 'float32' ? `Math.fround(${result})` : result;
}

/** A conditional expression, or an `if` where a branch needs lines of its own. */
function buildSelect(emitter: Emitter, expr: Select, scope: Scope): string {
  const condition = emit(emitter, expr.condition, scope);
  const branch = (value: Expr): Branch => {
    const inner = innerScope(scope);
    prepare(emitter, inner, [value]);
    return { text: emit(emitter, value, inner), lines: inner.lines };
  };
  const whenTrue = branch(expr.whenTrue);
  const whenFalse = branch(expr.whenFalse);
  const short = whenTrue.lines.length + whenFalse.lines.length === 0;
  if (short) return `(${condition} ? ${whenTrue.text} : ${whenFalse.text})`;
  const result = newName(emitter, 'selected');
  const assign = ({ lines, text }: Branch): string => [...lines, `${result} = ${text};`].join('\n');
  scope.lines.push(`let ${result};`, `if (${condition}) {`, assign(whenTrue), '} else {', assign(whenFalse), '}');
  return result;
}
interface Branch {
  readonly text: string;
  readonly lines: readonly string[];
}

/** Loops over the axes, in the order of indices; the body is a place of its own. */
function buildReduce(emitter: Emitter, expr: Reduce, scope: Scope): string {
  const result = newName(emitter, 'reduced');
  const lines: string[] = [`let ${result} = ${initialText(expr.op, expr.dtype)};`];
  const nest = (axes: readonly Var[], parent: Scope): readonly string[] => {
    const [axis, ...others] = axes;
    if (!axis) {
      const inner = innerScope(parent);
      prepare(emitter, inner, [expr.body]);
      const next = binaryText(combining[expr.op], expr.dtype, result, emit(emitter, expr.body, inner));
      return [...inner.lines, `${result} = ${next};`];
    }
    if (!axis.extent) throw new IrError(`the reduction axis ${axis.name} has no extent`);
    const name = newName(emitter, axis.name);
    const extent = emit(emitter, axis.extent, parent);
    let body: readonly string[] = [];
    const own = withFrame(emitter, [[axis, name]], parent, (frame) => {
      body = nest(others, frame);
    });
    return [`for (let ${name} = 0; ${name} < ${extent}; ${name}++) {`, ...own, ...body, '}'];
  };
  lines.push(...nest(expr.axes, scope));
  scope.lines.push(...lines);
  return result;
}

function buildLoad(emitter: Emitter, expr: Load, scope: Scope): string {
  return readText(expr.dtype, elementText(emitter, expr.buffer, expr.indices, scope));
}

/** `array[address]`; in a checked evaluation the lines that check come first. */
export function elementText(emitter: Emitter, buffer: Buffer, indices: readonly Expr[], scope: Scope): string {
  const name = emitter.names.get(buffer);
  if (name === undefined) throw new IrError(`the buffer ${buffer.name} is not bound`);
  if (emitter.checked) checkIndices(emitter, buffer, indices, scope);
  return `${name}[${addressText(emitter, buffer, indices, scope)}]`;
}

function checkIndices(emitter: Emitter, buffer: Buffer, indices: readonly Expr[], scope: Scope): void {
  indices.forEach((index, axis) => {
    // A kernel is told only the sizes that it computes with.
    if ([...freeVars(buffer.shape[axis]!)].some((size) => !emitter.names.has(size))) return;
    const at = bind(emitter, scope, index, emit(emitter, index, scope));
    const extent = emit(emitter, buffer.shape[axis]!, scope);
    const statement = `statements[${emitter.statements.length - 1}]`;
    scope.lines.push(`if (!(${at} >= 0 && ${at} < ${extent})) outOfBounds(${at}, ${axis}, ${extent}, ${statement});`);
  });
}

/** The sum of index × stride, the parts of outer loops first so that they are added up out there. */
function addressText(emitter: Emitter, buffer: Buffer, indices: readonly Expr[], scope: Scope): string {
  const strides = stridesOf(buffer);
  const pure: Expr[] = [];
  const others: string[] = [];
  indices.forEach((index, axis) => {
    const stride = strides[axis]!;
    const start = index.kind === 'ramp' ? index.base : index;
    if (isPure(emitter, start)) pure.push(mul(start, stride));
    else others.push(`${emit(emitter, start, scope)} * ${emit(emitter, stride, scope)}`);
    if (index.kind === 'ramp') {
      const step = mul(int(index.stride), stride);
      const alone = constantOf(step) === 1;
      others.push(alone ? laneOf(scope) : `${laneOf(scope)} * ${emit(emitter, step, scope)}`);
    }
  });
  const depths = new Map(pure.map((term) => [term, depthOf(emitter, term)]));
  pure.sort((a, b) => depths.get(a)! - depths.get(b)!);
  const sum = pure.reduce(add, int(0));
  const terms = [...(constantOf(sum) === 0 && others.length > 0 ? [] : [emit(emitter, sum, scope)]), ...others];
  const address = terms.join(' + ');
  const lanes = buffer.lanes ?? 1;
  return lanes === 1 ? address : `(${address}) * ${lanes} + ${laneOf(scope)}`;
}
