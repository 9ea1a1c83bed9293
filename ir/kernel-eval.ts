// Runs a kernel by turning it into a JavaScript function. It folds constants, and it is the oracle that schedules and
// printers are compared with, so every operation is exact as `expr.ts` states it; loops of all kinds run in order.
// Storage-only types (float16, int4 …) must be legalized before. Math functions are computed in double and rounded.

import { dtypes, isFloat, isWide } from './dtype.ts';
import { arrayNameOf, type TypedArrayLike } from './eval-arrays.ts';
import { elementText, emit, errorNumbers, prepare, writtenText } from './eval-expr.ts';
import { mathFunctions } from './eval-math.ts';
import { runtime } from './eval-runtime.ts';
import {
  depthOf,
  type Emitter,
  isPure,
  laneScope,
  newEmitter,
  newName,
  type Scope,
  statementScope,
  withFrame,
} from './eval-scope.ts';
import type { Expr } from './expr.ts';
import { add, IrError, int, mul, product, sub } from './expr-make.ts';
import { printExpr } from './expr-print.ts';
import { freeVars, loadsOf } from './expr-walk.ts';
import type { Alloc, Buffer, Kernel, Let, Loop, Stmt, Store, While } from './kernel.ts';
import { printHead } from './kernel-print.ts';

/** 0 is success; `errorNumbers` has the others. */
export type ErrorNumber = 0 | 1 | 2 | 3;
export type CompiledKernel = (buffers: readonly TypedArrayLike[], dims?: readonly number[]) => ErrorNumber;

export interface EvaluateOptions {
  /** Throws at an access outside of a buffer's shape, and fills local buffers with noise before use. */
  readonly checked?: boolean;
}

/** The kernel as a function over one typed array for each param and one number for each dim. */
export function compileKernel(kernel: Kernel, options: EvaluateOptions = {}): CompiledKernel {
  const { text, statements } = kernelText(kernel, options);
  const make = new Function('runtime', 'math', 'statements', text);
  const run: (buffers: readonly TypedArrayLike[], dims: readonly number[]) => ErrorNumber = make(
    runtime,
    mathFunctions,
    statements,
  );
  return (buffers, dims = []) => {
    checkArguments(kernel, buffers, dims);
    return run(buffers, dims);
  };
}

/** Compiles and runs once. */
export const evaluateKernel = (
  kernel: Kernel,
  buffers: readonly TypedArrayLike[],
  dims: readonly number[] = [],
  options: EvaluateOptions = {},
): ErrorNumber => compileKernel(kernel, options)(buffers, dims);

function checkArguments(kernel: Kernel, buffers: readonly TypedArrayLike[], dims: readonly number[]): void {
  if (buffers.length !== kernel.params.length || dims.length !== kernel.dims.length) {
    const got = `${buffers.length} buffers and ${dims.length} dims`;
    throw new IrError(
      `${kernel.name} takes ${kernel.params.length} buffers and ${kernel.dims.length} dims, got ${got}`,
    );
  }
  kernel.params.forEach((param, i) => {
    const expected = arrayNameOf(param.dtype);
    const got = buffers[i]!.constructor.name;
    if (got !== expected) throw new IrError(`${kernel.name}: ${param.name} is a ${expected}, got a ${got}`);
  });
}

/** A kernel may find sizes of its results itself; nothing is known of those before. */
const hasKnownLength = (kernel: Kernel, param: Buffer): boolean =>
  [...freeVars(elementsOf(param))].every((size) => kernel.dims.includes(size));

function kernelText(kernel: Kernel, options: EvaluateOptions): { text: string; statements: readonly string[] } {
  const emitter = newEmitter(options.checked ?? false);
  const dims = kernel.dims.map((dim) => [dim, newName(emitter, dim.name)] as const);
  const lines = kernel.params.map((param, i) => {
    const name = newName(emitter, param.name);
    emitter.names.set(param, name);
    return `const ${name} = buffers[${i}];`;
  });
  lines.push(...dims.map(([, name], i) => `const ${name} = dims[${i}];`));
  let body: readonly string[] = [];
  const head = withFrame(emitter, dims, undefined, () => {
    if (emitter.checked)
      lines.push(
        ...kernel.params
          .filter((param) => hasKnownLength(kernel, param))
          .flatMap((param) => checkLength(emitter, param)),
      );
    body = linesOf(emitter, kernel.body);
  });
  const imports = `const { ${Object.keys(runtime).join(', ')} } = runtime;`;
  const inner = ['let error = 0;', ...lines, ...head, ...body, 'return error;'];
  const text = ["'use strict';", imports, 'return function (buffers, dims) {', ...inner, '};'].join('\n');
  return { text, statements: emitter.statements };
}

/** Elements from the first to behind the last. */
function elementsOf(buffer: Buffer): Expr {
  const lanes = int(buffer.lanes ?? 1);
  const { strides } = buffer;
  if (!strides) return mul(product(buffer.shape), lanes);
  const last = buffer.shape.map((extent, axis) => mul(sub(extent, int(1)), strides[axis]!)).reduce(add, int(0));
  return mul(add(last, int(1)), lanes);
}

function checkLength(emitter: Emitter, param: Buffer): readonly string[] {
  const scope = statementScope(emitter);
  const size = emit(emitter, elementsOf(param), scope);
  const message = JSON.stringify(`${param.name} has too few elements`);
  // The frame's lines run later, so this one goes to the frame as well.
  emitter.frames[0]!.lines.push(`if (${emitter.names.get(param)}.length < ${size}) throw new Error(${message});`);
  return scope.lines;
}

function linesOf(emitter: Emitter, stmt: Stmt): readonly string[] {
  if (emitter.checked) emitter.statements.push(printHead(stmt));
  switch (stmt.kind) {
    case 'loop':
      return loopLines(emitter, stmt);
    case 'while':
      return whileLines(emitter, stmt);
    case 'store':
      return storeLines(emitter, stmt);
    case 'let':
      return letLines(emitter, stmt);
    case 'if': {
      const { lines, text } = scalar(emitter, stmt.condition);
      const otherwise = stmt.otherwise ? ['} else {', ...linesOf(emitter, stmt.otherwise)] : [];
      return [...lines, `if (${text}) {`, ...linesOf(emitter, stmt.then), ...otherwise, '}'];
    }
    case 'alloc':
      return allocLines(emitter, stmt);
    case 'block':
      return stmt.body.flatMap((child) => linesOf(emitter, child));
    case 'barrier':
      return [];
    case 'check': {
      const { lines, text } = scalar(emitter, stmt.condition);
      return [...lines, `if (!${text}) return error || ${errorNumbers[stmt.code]};`];
    }
  }
}

interface Evaluated {
  readonly lines: readonly string[];
  readonly text: string;
}

/** A scalar that a statement needs, with the lines that compute it. */
function scalar(emitter: Emitter, expr: Expr): Evaluated {
  const scope = statementScope(emitter);
  prepare(emitter, scope, [expr]);
  const text = emit(emitter, expr, scope);
  return { lines: scope.lines, text };
}

function loopLines(emitter: Emitter, stmt: Loop): readonly string[] {
  const extent = scalar(emitter, stmt.extent);
  const [name, count] = [newName(emitter, stmt.index.name), newName(emitter, 'count')];
  let body: readonly string[] = [];
  const head = withFrame(emitter, [[stmt.index, name]], undefined, () => {
    body = linesOf(emitter, stmt.body);
  });
  const turn = `for (let ${name} = 0; ${name} < ${count}; ${name}++) {`;
  return [...extent.lines, `const ${count} = ${extent.text};`, turn, ...head, ...body, '}'];
}

function whileLines(emitter: Emitter, stmt: While): readonly string[] {
  const condition = scalar(emitter, stmt.condition);
  return ['for (;;) {', ...condition.lines, `if (!${condition.text}) break;`, ...linesOf(emitter, stmt.body), '}'];
}

function storeLines(emitter: Emitter, stmt: Store): readonly string[] {
  const { buffer, indices, value } = stmt;
  const lanes = Math.max(value.lanes, buffer.lanes ?? 1, ...indices.map((index) => index.lanes));
  const assign = (scope: Scope, text: string): void => {
    scope.lines.push(`${elementText(emitter, buffer, indices, scope)} = ${writtenText(buffer.dtype, text)};`);
  };
  if (lanes === 1) {
    const scope = statementScope(emitter);
    prepare(emitter, scope, [...indices, value]);
    assign(scope, emit(emitter, value, scope));
    return scope.lines;
  }
  const direct = !readsNeighbours(stmt);
  const kept = direct ? undefined : laneArray(emitter, buffer.dtype, lanes);
  const scope = statementScope(emitter);
  prepare(emitter, scope, [...indices, value], true);
  const loop = lanesLoop(emitter, scope, lanes, [...indices, value], (lane) => {
    const text = emit(emitter, value, lane);
    if (kept === undefined) assign(lane, text);
    else lane.lines.push(`${kept}[${lane.lane}] = ${writtenText(buffer.dtype, text)};`);
  });
  if (kept === undefined) return [...scope.lines, ...loop];
  const copy = lanesLoop(emitter, scope, lanes, indices, (lane) => {
    lane.lines.push(`${elementText(emitter, buffer, indices, lane)} = ${kept}[${lane.lane}];`);
  });
  return [...scope.lines, ...loop, ...copy];
}

function lanesLoop(
  emitter: Emitter,
  scope: Scope,
  lanes: number,
  roots: readonly Expr[],
  body: (lane: Scope) => void,
): readonly string[] {
  const lane = laneScope(emitter, scope);
  prepare(emitter, lane, roots);
  body(lane);
  return [`for (let ${lane.lane} = 0; ${lane.lane} < ${lanes}; ${lane.lane}++) {`, ...lane.lines, '}'];
}

/** An array at the head of the function that holds the lanes of one vector. */
function laneArray(emitter: Emitter, dtype: Expr['dtype'], lanes: number): string {
  const name = newName(emitter, 'vector');
  emitter.frames[0]!.lines.push(`const ${name} = new ${arrayNameOf(dtype)}(${lanes});`);
  return name;
}

/** Whether a vector store could overwrite an element before a later lane reads it. */
function readsNeighbours({ buffer, indices, value }: Store): boolean {
  if ((buffer.lanes ?? 1) > 1) return false;
  const own = indices.map((index) => printExpr(index)).join();
  const same = (others: readonly Expr[]): boolean =>
    others.every((index, i) => index === indices[i]) || others.map((index) => printExpr(index)).join() === own;
  return loadsOf(value).some((load) => load.buffer === buffer && !same(load.indices));
}

function letLines(emitter: Emitter, stmt: Let): readonly string[] {
  const { variable, value } = stmt;
  let lines: readonly string[];
  let name: string;
  if (variable.lanes === 1) {
    name = newName(emitter, variable.name);
    const { lines: before, text } = scalar(emitter, value);
    lines = [...before, `const ${name} = ${text};`];
  } else {
    const array = laneArray(emitter, variable.dtype, variable.lanes);
    name = array;
    const scope = statementScope(emitter);
    prepare(emitter, scope, [value], true);
    const loop = lanesLoop(emitter, scope, variable.lanes, [value], (lane) => {
      lane.lines.push(`${array}[${lane.lane}] = ${writtenText(variable.dtype, emit(emitter, value, lane))};`);
    });
    lines = [...scope.lines, ...loop];
  }
  let body: readonly string[] = [];
  const head = withFrame(emitter, [[variable, name]], undefined, () => {
    body = linesOf(emitter, stmt.body);
  });
  return [...lines, ...head, ...body];
}

/** The array is made once for all turns of the loops that its size does not depend on. */
function allocLines(emitter: Emitter, stmt: Alloc): readonly string[] {
  const { buffer } = stmt;
  const size = elementsOf(buffer);
  const scope = statementScope(emitter);
  const home = isPure(emitter, size) ? emitter.frames[depthOf(emitter, size)]! : scope;
  const name = newName(emitter, buffer.name);
  home.lines.push(`const ${name} = new ${arrayNameOf(buffer.dtype)}(${emit(emitter, size, home)});`);
  emitter.names.set(buffer, name);
  const noise = emitter.checked ? [`${name}.fill(${noiseText(buffer)});`] : [];
  return [...scope.lines, ...noise, ...linesOf(emitter, stmt.body)];
}

function noiseText({ dtype }: Buffer): string {
  if (isFloat(dtype)) return 'NaN';
  if (isWide(dtype)) return '-0x5a5a5a5a5a5an';
  return dtypes[dtype].class === 'bool' ? '1' : '0x5a';
}
