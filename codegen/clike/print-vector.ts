// Expressions of several lanes as GNU vectors. Bool vectors are in print-mask.ts.

import { type DType, dtypes, isFloat, isSigned } from '../../ir/dtype.ts';
import type { Binary, Call, Expr, Load, Ramp, Select, Unary } from '../../ir/expr.ts';
import { constantOf, IrError } from '../../ir/expr-make.ts';
import { cannotOverflow } from './overflow.ts';
import { carrier, printMask, printMaskBinary, printMaskBranches } from './print-mask.ts';
import { printVectorCast } from './print-vector-cast.ts';
import { type Printer, printFailure, printSelect } from './printer.ts';
import { sigmoid } from './scalar-helpers.ts';
import { advanced, applied, bitwise, castTo, infix, prefix, primary, type Text } from './text.ts';
import { maskElement, unsignedOf, vectorType } from './types.ts';
import {
  absoluteVector,
  integerVector,
  loadVector,
  mathVector,
  minMaxBoundVector,
  minMaxVector,
  selectVector,
} from './vector-helpers.ts';
import { floatInfix, printSplat, splat, typeName } from './vector-parts.ts';

export function printVector(expr: Expr, printer: Printer): Text {
  if (!printer.environment.dialect.vectors) throw new IrError('a vector reached a printer of scalar code');
  switch (expr.kind) {
    case 'splat':
      return printSplat(expr, carrier(expr), printer);
    case 'ramp':
      return printRamp(expr, printer);
    case 'load':
      return printVectorLoad(expr, printer);
    case 'unary':
      return printUnary(expr, printer);
    case 'binary':
      return expr.dtype === 'bool' ? printMaskBinary(expr, printer) : printBinary(expr, printer);
    case 'select':
      return printVectorSelect(expr, printer);
    case 'cast':
      return printVectorCast(expr, printer);
    case 'call':
      if (expr.callee !== 'fail') return printMath(expr, printer);
      return splat(printFailure(expr, printer), carrier(expr), expr.lanes, printer);
    case 'const':
    case 'var':
    case 'reduce':
      throw new IrError(`${expr.kind} of ${expr.lanes} lanes`);
  }
}

function printRamp({ base, stride, lanes, dtype }: Ramp, printer: Printer): Text {
  const type = typeName(dtype, lanes, printer);
  const steps = Array.from({ length: lanes }, (_, lane) => lane * stride).join(', ');
  return infix(splat(printer.print(base), dtype, lanes, printer), '+', primary(`(${type}){${steps}}`), 3);
}

function printVectorLoad(load: Load, printer: Printer): Text {
  const { environment } = printer;
  const access = environment.access(load.buffer);
  if (access.kind === 'registers') return primary(access.element(load.indices));
  const place = advanced(access.pointer, printer.print(environment.address(load)));
  const loaded = applied(environment.helpers.use(loadVector(load.dtype, load.lanes)), place);
  if (load.dtype !== 'bool') return loaded;
  return castTo(typeName('int8', load.lanes, printer), infix(loaded, '!=', primary('0'), 4));
}

function printUnary({ op, value, dtype, lanes }: Unary, printer: Printer): Text {
  const { helpers } = printer.environment;
  const operand = printer.print(value);
  switch (op) {
    case 'not':
      return prefix('~', operand);
    case 'neg':
      if (!isSigned(dtype)) return prefix('-', operand);
      return throughUnsigned(dtype, lanes, printer, (cast) => prefix('-', cast(operand)));
    case 'abs': {
      if (!isFloat(dtype) && !isSigned(dtype)) return operand;
      const mask = vectorType(maskElement(dtypes[dtype].bits), lanes);
      return applied(helpers.use(absoluteVector(dtype, lanes, mask)), operand);
    }
    case 'sqrt':
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'rint':
      return applied(helpers.use(mathVector(op, 1, dtype, lanes)), operand);
  }
}

/** Signed lanes wrap when they are computed as unsigned ones. */
function throughUnsigned(
  dtype: DType,
  lanes: number,
  printer: Printer,
  make: (cast: (value: Text) => Text) => Text,
): Text {
  const unsigned = typeName(unsignedOf(dtype), lanes, printer);
  return castTo(
    typeName(dtype, lanes, printer),
    make((value) => castTo(unsigned, value)),
  );
}

const arithmetic = { add: ['+', 3], sub: ['-', 3], mul: ['*', 2] } as const;

function printBinary(expr: Binary, printer: Printer): Text {
  const { op, left, right, dtype, lanes } = expr;
  const { helpers } = printer.environment;
  const a = (): Text => printer.print(left);
  const b = (): Text => printer.print(right);
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul': {
      const [operator, level] = arithmetic[op];
      if (isFloat(dtype)) return floatInfix(left, operator, right, level, printer);
      if (!isSigned(dtype) || cannotOverflow(expr)) return infix(a(), operator, b(), level);
      return throughUnsigned(dtype, lanes, printer, (cast) => infix(cast(a()), operator, cast(b()), level));
    }
    case 'div':
    case 'mod':
      if (isFloat(dtype) && op === 'div') return floatInfix(left, '/', right, 2, printer);
      if (isFloat(dtype)) return applied(helpers.use(mathVector('fmod', 2, dtype, lanes)), a(), b());
      return applied(helpers.use(integerVector(op, dtype, lanes)), a(), b());
    case 'min':
    case 'max': {
      const bound = constantOf(right);
      const mask = vectorType(maskElement(dtypes[dtype].bits), lanes);
      const bounded = bound !== undefined && !Number.isNaN(bound);
      const helper = bounded ? minMaxBoundVector(op, dtype, lanes, mask) : minMaxVector(op, dtype, lanes, mask);
      return applied(helpers.use(helper), a(), b());
    }
    case 'shl':
    case 'shr':
      return printShift(expr, op, printer);
    case 'and':
      return bitwise(a(), '&', b());
    case 'or':
      return bitwise(a(), '|', b());
    case 'xor':
      return bitwise(a(), '^', b());
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
      throw new IrError(`${op} does not give ${dtype}`);
  }
}

function printShift({ left, right, dtype, lanes }: Binary, op: 'shl' | 'shr', printer: Printer): Text {
  const value = printer.print(left);
  const amount = constantOf(right);
  if (amount === undefined || amount < 0 || amount >= dtypes[dtype].bits) {
    const helper = integerVector(op, dtype, lanes);
    return applied(printer.environment.helpers.use(helper), value, printer.print(right));
  }
  const by = primary(String(amount));
  if (op === 'shr' || !isSigned(dtype)) return bitwise(value, op === 'shr' ? '>>' : '<<', by);
  return throughUnsigned(dtype, lanes, printer, (cast) => bitwise(cast(value), '<<', by));
}

function printVectorSelect(expr: Select, printer: Printer): Text {
  const { condition, whenTrue, whenFalse, lanes } = expr;
  if (condition.lanes === 1)
    return expr.dtype === 'bool' ? printMaskBranches(expr, printer) : printSelect(expr, printer);
  const element = carrier(expr);
  const { bits } = dtypes[element];
  const helper = selectVector(element, lanes, vectorType(maskElement(bits), lanes));
  const values = [whenTrue, whenFalse].map((value) =>
    value.dtype === 'bool' ? printMask(value, bits, printer) : printer.print(value),
  );
  return applied(printer.environment.helpers.use(helper), printMask(condition, bits, printer), ...values);
}

function printMath(call: Call, printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  const scalar = call.callee === 'sigmoid' ? sigmoid(dialect.helperQualifiers, call.dtype) : undefined;
  const helper = mathVector(call.callee, call.arguments.length, call.dtype, call.lanes, scalar);
  return applied(helpers.use(helper), ...call.arguments.map((argument) => printer.print(argument)));
}
