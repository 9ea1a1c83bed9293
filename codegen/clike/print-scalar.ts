// Scalar operators: C's own where they mean the same as ours, else a helper.

import { type DType, dtypes, isFloat, isSigned } from '../../ir/dtype.ts';
import type { Binary, Call, Expr, Load, Unary } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import { integerLiteral } from './literals.ts';
import { cannotOverflow } from './overflow.ts';
import type { Printer } from './printer.ts';
import { absolute, mathName, minMax, minMaxBound, scalarFunction, sigmoid } from './scalar-helpers.ts';
import { advanced, applied, bitwise, castTo, infix, type Level, prefix, primary, type Text, within } from './text.ts';
import { unsignedType, valueType } from './types.ts';

export function printLoad(load: Load, printer: Printer): Text {
  const access = printer.environment.access(load.buffer);
  if (access.kind === 'registers') return primary(access.element(load.indices));
  const address = printer.print(printer.environment.address(load));
  const element = access.read
    ? access.read(advanced(access.pointer, address))
    : primary(`${within(access.pointer, 0)}[${address.text}]`);
  // Callers may hand us any byte as a bool.
  return load.dtype === 'bool' && access.byUser ? infix(element, '!=', primary('0'), 4) : element;
}

export function printMath(call: Call, printer: Printer): Text {
  const operands = call.arguments.map((argument) => printer.print(argument));
  const { helpers, dialect } = printer.environment;
  helpers.useHeader('math.h');
  if (call.callee !== 'sigmoid') return applied(mathName(call.callee, call.dtype), ...operands);
  return applied(helpers.use(sigmoid(dialect.helperQualifiers, call.dtype)), ...operands);
}

export function printUnary({ op, value, dtype }: Unary, printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  const operand = printer.print(value);
  switch (op) {
    case 'neg':
      if (isFloat(dtype) || dtype === 'index') return prefix('-', operand);
      if (dtypes[dtype].bits < 32) return castTo(valueType(dtype), prefix('-', operand));
      return wrapping(dtype, infix(primary('0'), '-', castTo(unsignedType(dtype), operand), 3));
    case 'abs':
      if (isFloat(dtype)) {
        helpers.useHeader('math.h');
        return applied(mathName('fabs', dtype), operand);
      }
      return isSigned(dtype) ? applied(helpers.use(absolute(dialect.helperQualifiers, dtype)), operand) : operand;
    case 'not':
      // Compilers warn where a comparison has this on its left without parentheses.
      if (dtype === 'bool') return { ...prefix('!', operand), level: 4 };
      return printComplement(value, operand);
    case 'sqrt':
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'rint':
      helpers.useHeader('math.h');
      return applied(mathName(op, dtype), operand);
  }
}

/** gcc warns of the complement of a promoted value or a comparison, even where it is cut again or widened. */
function printComplement(value: Expr, operand: Text): Text {
  const { dtype } = value;
  const plain = dtypes[dtype].bits >= 32;
  if (plain && value.kind !== 'cast') return prefix('~', operand);
  const ones = isSigned(dtype) ? -1n : (1n << BigInt(dtypes[dtype].bits)) - 1n;
  return infix(integerLiteral(ones, dtype), '-', operand, 3);
}

const operators = {
  add: ['+', 3],
  sub: ['-', 3],
  mul: ['*', 2],
  div: ['/', 2],
  mod: ['%', 2],
  and: ['&', 4],
  or: ['|', 4],
  xor: ['^', 4],
  shl: ['<<', 4],
  shr: ['>>', 4],
  eq: ['==', 4],
  ne: ['!=', 4],
  lt: ['<', 4],
  le: ['<=', 4],
} as const satisfies Record<string, readonly [string, Level]>;

const logical = { and: ['&&', 5], or: ['||', 5], xor: ['!=', 4] } as const;

export function printBinary(expr: Binary, printer: Printer): Text {
  const { op, left, right } = expr;
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
      return printArithmetic(expr, op, printer);
    case 'div':
    case 'mod':
      return printDivision(expr, op, printer);
    case 'min':
    case 'max':
      return printMinMax(expr, op, printer);
    case 'shl':
    case 'shr':
      return printShift(expr, op, printer);
    case 'and':
    case 'or':
    case 'xor':
      if (left.dtype === 'bool') {
        const [operator, level] = logical[op];
        return infix(printer.print(left), operator, printer.print(right), level);
      }
      return bitwise(printer.print(left), operators[op][0], printer.print(right));
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
      return infix(printer.print(left), operators[op][0], printer.print(right), 4);
  }
}

/** Wrapping arithmetic goes through the unsigned type, whose overflow C defines. */
function printArithmetic(expr: Binary, op: 'add' | 'sub' | 'mul', printer: Printer): Text {
  const { dtype, left, right } = expr;
  const [operator, level] = operators[op];
  const plain = (): Text => infix(printer.print(left), operator, printer.print(right), level);
  if (isFloat(dtype) || dtype === 'uint64' || cannotOverflow(expr)) return plain();
  if (dtype === 'uint32') return plain();
  const { bits } = dtypes[dtype];
  // Narrow types are promoted to int, which only a product of two 16-bit values can leave.
  if (bits < 16 || (bits === 16 && op !== 'mul')) return castTo(valueType(dtype), plain());
  const type = bits === 16 ? 'uint32_t' : unsignedType(dtype);
  return castTo(
    valueType(dtype),
    infix(asUnsigned(left, type, printer), operator, asUnsigned(right, type, printer), level),
  );
}

/** Sums and products of the same type stay unsigned until the outermost one. */
function asUnsigned(expr: Expr, type: string, printer: Printer): Text {
  if (expr.kind === 'const' && expr.value >= 0) {
    return integerLiteral(BigInt(expr.value), type === 'uint64_t' ? 'uint64' : 'uint32');
  }
  const text = printer.print(expr);
  const again = `(${valueType(expr.dtype)})`;
  const repeated = text.level === 1 && text.text.startsWith(`${again}(`) && expr.kind === 'binary';
  if (repeated && type === unsignedType(expr.dtype) && isWhole(text.text.slice(again.length))) {
    return primary(text.text.slice(again.length));
  }
  return castTo(type, text);
}

/** Whether the parenthesis that opens the text closes at its end. */
function isWhole(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')' && --depth === 0) return at === text.length - 1;
  }
  return false;
}

const wrapping = (dtype: DType, unsigned: Text): Text =>
  isSigned(dtype) ? castTo(valueType(dtype), unsigned) : unsigned;

function printDivision({ dtype, left, right }: Binary, op: 'div' | 'mod', printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  const a = printer.print(left);
  const b = printer.print(right);
  if (isFloat(dtype)) {
    if (op === 'div') return infix(a, '/', b, 2);
    helpers.useHeader('math.h');
    return applied(mathName('fmod', dtype), a, b);
  }
  const divisor = constantOf(right);
  const isPlain = dtype === 'index' || (divisor !== undefined && divisor !== 0 && divisor !== -1);
  if (!isPlain) return applied(helpers.use(scalarFunction(dialect.helperQualifiers, op, dtype)), a, b);
  return infix(a, operators[op][0], b, 2);
}

function printMinMax({ dtype, left, right }: Binary, op: 'min' | 'max', printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  const bound = constantOf(right);
  const bounded = isFloat(dtype) && bound !== undefined && !Number.isNaN(bound);
  const helper = (bounded ? minMaxBound : minMax)(dialect.helperQualifiers, op, dtype);
  return applied(helpers.use(helper), printer.print(left), printer.print(right));
}

function printShift({ dtype, left, right }: Binary, op: 'shl' | 'shr', printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  const { bits } = dtypes[dtype];
  const amount = constantOf(right);
  const value = printer.print(left);
  if (amount === undefined || amount < 0 || amount >= bits || dtype === 'index') {
    return applied(helpers.use(scalarFunction(dialect.helperQualifiers, op, dtype)), value, printer.print(right));
  }
  const by = primary(String(amount));
  if (op === 'shr') return bitwise(value, '>>', by);
  if (dtype === 'uint32' || dtype === 'uint64') return bitwise(value, '<<', by);
  const wide = bits < 32 ? 'uint32_t' : unsignedType(dtype);
  return castTo(valueType(dtype), bitwise(castTo(wide, value), '<<', by));
}
