// Statements as C: the switch over kinds. Expressions that are needed twice become locals before their statement.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { constantOf, IrError, splat } from '../../ir/expr-make.ts';
import type { Alloc, Buffer, If, Let, Loop, Stmt, Store, While } from '../../ir/kernel.ts';
import { addressOf, stridesOf } from '../../ir/kernel-walk.ts';
import { errorNames } from './dialect.ts';
import type { FunctionNames } from './names.ts';
import type { Offsets } from './offsets.ts';
import { type Names, printerIn, printNode } from './print-expr.ts';
import { carrier, printMask } from './print-mask.ts';
import type { Access, Environment, Printer } from './printer.ts';
import { planNames, type Scope } from './share.ts';
import { advanced, applied, castTo, prefix, primary, type Text, type Writer, within } from './text.ts';
import { bytesOf, storageType, valueType, vectorType } from './types.ts';
import { type Addresses, firstLane, registerElement, type Uses } from './uses.ts';
import { storeVector } from './vector-helpers.ts';

/** One function while it is printed. The maps grow as names come into scope. */
export interface FunctionContext {
  readonly environment: Environment;
  readonly out: Writer;
  readonly names: FunctionNames;
  readonly variables: Map<Var, string>;
  readonly buffers: Map<Buffer, Access>;
  readonly addresses: Addresses;
  readonly uses: Uses;
  readonly offsets: Offsets;
  /** The depth of the block that binds a size or loop index. */
  readonly depths: Map<Var, number>;
  /** Statements that leave the function with an error code. */
  leave(code: string): string;
  /** The first index and the end of a loop of which this function runs a part. */
  readonly part?: { readonly loop: Loop; readonly begin: string; readonly end: string };
}

/** The C type of a local that holds the value. */
export function localType(expr: Expr, { helpers }: Environment): string {
  return expr.lanes === 1 ? valueType(expr.dtype) : helpers.use(vectorType(carrier(expr), expr.lanes));
}

/** Prints the locals that the expressions need, then gives a printer for the expressions themselves. */
export function prepare(roots: readonly Expr[], context: FunctionContext): Printer {
  const { out, names: functionNames } = context;
  const addresses = new Map<Load, Expr>();
  const address = (load: Load): Expr => {
    const known = addresses.get(load) ?? context.offsets.rewrite(context.environment.address(load));
    addresses.set(load, known);
    return known;
  };
  const environment = { ...context.environment, address };
  const { isSize } = environment;
  const operandsOf = (expr: Expr): readonly Expr[] => {
    if (isSize(expr)) return [];
    const isMemory = expr.kind === 'load' && expr.buffer.memory !== 'register';
    return isMemory ? [address(expr)] : context.addresses.operandsOf(expr);
  };
  const plan = planNames(roots, operandsOf, isSize);
  const names = new Map<Scope, Map<Expr, string>>();
  const emit = (scope: Scope): Printer => {
    const named = new Map<Expr, string>();
    names.set(scope, named);
    const printer = printerIn(scope, plan, names as Names, environment);
    for (const expr of plan.namedIn(scope)) {
      const type = localType(expr, environment);
      const branches = expr.kind === 'select' ? plan.branchesOf(expr, scope) : undefined;
      if (expr.kind === 'select' && branches && branches.whenTrue.named.size + branches.whenFalse.named.size > 0) {
        const name = functionNames.fresh('t');
        out.line(`${type} ${name};`);
        block(`if (${printer.print(expr.condition).text}) {`, undefined, () => {
          out.line(`${name} = ${assigned(expr.whenTrue, expr, emit(branches.whenTrue))};`);
        });
        block('else {', undefined, () => {
          out.line(`${name} = ${assigned(expr.whenFalse, expr, emit(branches.whenFalse))};`);
        });
        named.set(expr, name);
      } else {
        const text = printNode(expr, printer).text;
        const name = functionNames.fresh('t');
        out.line(`const ${type} ${name} = ${text};`);
        named.set(expr, name);
      }
    }
    return printer;
  };
  const block = (head: string, tail: string | undefined, body: () => void): void => {
    out.open(head);
    functionNames.open();
    body();
    functionNames.close();
    out.close(tail);
  };
  return emit(plan.root);
}

/** A branch as the type of the whole Select: masks may have to change width. */
const assigned = (branch: Expr, whole: Expr, printer: Printer): string =>
  branch.dtype === 'bool' && branch.lanes > 1
    ? printMask(branch, 8 * bytesOf(carrier(whole)), printer).text
    : printer.print(branch).text;

export function printStmt(stmt: Stmt, context: FunctionContext): void {
  switch (stmt.kind) {
    case 'block':
      for (const inner of stmt.body) printStmt(inner, context);
      return;
    case 'store':
      printStore(stmt, context);
      return;
    case 'let':
      printLet(stmt, context);
      return;
    case 'loop':
      printLoop(stmt, context);
      return;
    case 'while':
      printWhile(stmt, context);
      return;
    case 'if':
      printIf(stmt, context);
      return;
    case 'alloc':
      printAlloc(stmt, context);
      return;
    case 'check': {
      if (constantOf(stmt.condition) === 1) return;
      const condition = prepare([stmt.condition], context).print(stmt.condition);
      context.out.line(`if (${prefix('!', condition).text}) ${context.leave(errorNames[stmt.code])}`);
      return;
    }
    case 'barrier':
      if (context.environment.dialect.barrier) context.out.line(context.environment.dialect.barrier);
      return;
  }
}

/** `head`, the body indented and in a block of names of its own, `}`. */
export function printBlock(head: string, context: FunctionContext, body: () => void): void {
  context.out.open(head);
  context.names.open();
  body();
  context.names.close();
  context.out.close();
}

function printStore(stmt: Store, context: FunctionContext): void {
  const { buffer, indices } = stmt;
  const { environment, out, uses } = context;
  const access = environment.access(buffer);
  const address = access.kind === 'pointer' ? addressOf(buffer, indices) : undefined;
  const place = address && context.offsets.rewrite(firstLane(address));
  const lanes = address ? address.lanes : (buffer.lanes ?? 1);
  if (stmt.value.lanes !== lanes && stmt.value.lanes !== 1) {
    throw new IrError(`${stmt.value.lanes} lanes are stored to ${lanes} elements of ${buffer.name}`);
  }
  const value = splat(stmt.value, lanes);
  const printer = prepare(place ? [place, value] : [value], context);
  const text = storedText(value, buffer, printer);
  const isRead =
    buffer.memory === 'argument' ||
    (access.kind === 'registers'
      ? (uses.elements.get(buffer)?.has(registerElement(buffer, indices)) ?? false)
      : uses.loaded.has(buffer));
  if (!isRead) {
    if (uses.fails) out.line(`(void)${within(text, 0)};`);
  } else if (access.kind === 'registers') {
    out.line(`${access.element(indices)} = ${text.text};`);
  } else if (place && lanes === 1) {
    out.line(`${within(access.pointer, 0)}[${printer.print(place).text}] = ${text.text};`);
  } else if (place) {
    const to = advanced(access.pointer, printer.print(place));
    out.line(`${applied(environment.helpers.use(storeVector(buffer.dtype, lanes)), to, text).text};`);
  }
}

function storedText(value: Expr, buffer: Buffer, printer: Printer): Text {
  if (value.dtype !== 'bool' || value.lanes === 1) return printer.print(value);
  const mask = printMask(value, 8, printer);
  if (buffer.memory === 'register') return mask;
  return castTo(printer.environment.helpers.use(vectorType('bool', value.lanes)), prefix('-', mask));
}

function printLet({ variable, value, body }: Let, context: FunctionContext): void {
  const printer = prepare([value], context);
  const isMask = value.dtype === 'bool' && value.lanes > 1;
  const text = isMask ? printMask(value, 8, printer) : printer.print(value);
  const type = localType(variable, context.environment);
  if (context.uses.variables.has(variable)) {
    const name = context.names.fresh(variable.name);
    context.out.line(`const ${type} ${name} = ${text.text};`);
    context.variables.set(variable, name);
  } else {
    context.out.line(`(void)${within(text, 0)};`);
  }
  printStmt(body, context);
}

function printLoop(stmt: Loop, context: FunctionContext): void {
  const { index, extent, body } = stmt;
  if (stmt.as === 'unrolled') throw new IrError(`loop ${index.name} was to be unrolled before printing`);
  const part = context.part?.loop === stmt ? context.part : undefined;
  const end = part ? part.end : printExtent(extent, index, context);
  context.names.open();
  const name = context.names.fresh(index.name);
  context.variables.set(index, name);
  const head =
    context.environment.dialect.hardwareLoop(stmt.as, name, end) ??
    `for (ptrdiff_t ${name} = ${part?.begin ?? '0'}; ${name} < ${end}; ${name}++) {`;
  printBlock(head, context, () => {
    const depth = context.out.depth();
    context.depths.set(index, depth);
    printStmt(body, context);
    context.depths.delete(index);
    context.offsets.leave(depth);
  });
  context.names.close();
}

/** A name or literal for the number of turns. */
function printExtent(extent: Expr, index: Var, context: FunctionContext): string {
  const count = prepare([extent], context).print(extent).text;
  if (extent.kind === 'const' || extent.kind === 'var') return count;
  const name = context.names.fresh(`${index.name}_end`);
  context.out.line(`const ptrdiff_t ${name} = ${count};`);
  return name;
}

function printWhile({ condition, body }: While, context: FunctionContext): void {
  printBlock('for (;;) {', context, () => {
    const test = prepare([condition], context).print(condition);
    context.out.line(`if (${prefix('!', test).text}) break;`);
    printStmt(body, context);
  });
}

function printIf({ condition, then, otherwise }: If, context: FunctionContext): void {
  const test = prepare([condition], context).print(condition);
  printBlock(`if (${test.text}) {`, context, () => printStmt(then, context));
  if (otherwise) printBlock('else {', context, () => printStmt(otherwise, context));
}

function printAlloc({ buffer, body }: Alloc, context: FunctionContext): void {
  if (buffer.memory === 'register') {
    printRegisters(buffer, body, context);
    return;
  }
  const { environment, out, names, uses } = context;
  const { dialect } = environment;
  const name = names.fresh(buffer.name);
  const qualifiers = buffer.memory === 'shared' ? dialect.sharedQualifiers : dialect.stackQualifiers;
  if (uses.loaded.has(buffer)) {
    out.line(`${qualifiers}${storageType(buffer.dtype)} ${name}[${Math.max(1, constantCount(buffer))}];`);
  }
  context.buffers.set(buffer, { kind: 'pointer', pointer: primary(name), byUser: false });
  printStmt(body, context);
}

/** A local variable for each element; zeros that the body begins by storing are there from the start. */
function printRegisters(buffer: Buffer, body: Stmt, context: FunctionContext): void {
  const { environment, out, names, uses } = context;
  const lanes = buffer.lanes ?? 1;
  const dtype = buffer.dtype === 'bool' && lanes > 1 ? 'int8' : buffer.dtype;
  const type = lanes > 1 ? environment.helpers.use(vectorType(dtype, lanes)) : valueType(buffer.dtype);
  const elements = new Map<string, string>();
  for (const key of uses.elements.get(buffer) ?? []) {
    const name = names.fresh(key === '' ? buffer.name : `${buffer.name.slice(0, 12)}_${key}`);
    out.line(`${type} ${name} = ${lanes > 1 ? '{0}' : '0'};`);
    elements.set(key, name);
  }
  const element = (indices: readonly Expr[]): string => {
    const name = elements.get(registerElement(buffer, indices));
    if (!name) throw new IrError(`register ${buffer.name} has no such element`);
    return name;
  };
  context.buffers.set(buffer, { kind: 'registers', element });
  const statements = body.kind === 'block' ? body.body : [body];
  const first = statements.findIndex(
    (stmt) => !(stmt.kind === 'store' && stmt.buffer === buffer && isZero(stmt.value)),
  );
  for (const stmt of first < 0 ? [] : statements.slice(first)) printStmt(stmt, context);
}

const isZero = (value: Expr): boolean =>
  value.kind === 'splat' ? isZero(value.value) : value.kind === 'const' && Object.is(Number(value.value), 0);

/** Elements from the first to the last that the indices reach. */
function constantCount(buffer: Buffer): number {
  const constant = (expr: Expr): number => {
    const known = constantOf(expr);
    if (known === undefined) throw new IrError(`the size of the local buffer ${buffer.name} is not constant`);
    return known;
  };
  const strides = stridesOf(buffer).map(constant);
  return buffer.shape.reduce((last, extent, axis) => last + (constant(extent) - 1) * strides[axis]!, 1);
}
