// Expressions as binaryen expressions. What a statement uses twice is computed once; what a loop does not change is
// computed before it.

import type { Cast, Expr, Load, Splat, Unary } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import { addressOf, positionOf } from './address.ts';
import type { Code } from './binaryen.ts';
import { type Context, recordError, registerOf } from './context.ts';
import { inStatement, isTrivial, loopToLeave, usesOf } from './hoist.ts';
import { linearCode } from './linear.ts';
import { castScalar } from './print-cast.ts';
import { binaryScalar, unaryScalar } from './print-scalar.ts';
import { printSelect } from './print-select.ts';
import { vectorBinary, vectorNegativeMagnitude, vectorUnary } from './print-vector.ts';
import { vectorCast } from './print-vector-cast.ts';
import { loadSplat, loadVector, splatScalar } from './print-vector-memory.ts';
import {
  isNativeFloat,
  loadOpcode,
  scalarConstant,
  shapeOf,
  valueTypeOf,
  vectorConstantBytes,
  zeroOf,
} from './representation.ts';

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

function printVariable({ module, scope }: Context, variable: Expr & { readonly kind: 'var' }): Code {
  const { local, linear } = scope.binding(variable);
  if (local) return module.get(local.index, local.type);
  if (!linear) throw new IrError(`variable ${variable.name} has no value here`);
  return linearCode(module, linear);
}

function printKind(context: Context, expr: Exclude<Expr, { kind: 'const' } | { kind: 'var' }>): Code {
  const { module } = context;
  const { dtype, lanes } = expr;
  switch (expr.kind) {
    case 'unary':
      return printUnary(context, expr);
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

function printUnary(context: Context, expr: Unary): Code {
  const { op, value, dtype, lanes } = expr;
  if (lanes === 1) return unaryScalar(context, op, dtype, context.print(value));
  const isNegativeMagnitude = op === 'neg' && value.kind === 'unary' && value.op === 'abs' && isNativeFloat(dtype);
  if (isNegativeMagnitude && context.isPrintedHere(value)) {
    return vectorNegativeMagnitude(context, dtype, lanes, context.print(value.value));
  }
  return vectorUnary(context, op, dtype, lanes, context.print(value));
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
