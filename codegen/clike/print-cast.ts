// Casts of scalars: C's own where they mean the same, else a helper.

import { dtypes, isFloat } from '../../ir/dtype.ts';
import type { Cast } from '../../ir/expr.ts';
import type { Printer } from './printer.ts';
import { fromSmallFloat, reinterpret, saturate, toSmallFloat } from './scalar-helpers.ts';
import { applied, castTo, infix, primary, type Text } from './text.ts';
import { valueType } from './types.ts';

export const isSmallFloat = (dtype: Cast['dtype']): boolean => isFloat(dtype) && dtypes[dtype].bits < 32;

export function printCast({ value, dtype, bits }: Cast, printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  const from = value.dtype;
  const operand = printer.print(value);
  const call = (helper: Parameters<typeof helpers.use>[0], argument: Text): Text =>
    applied(helpers.use(helper), argument);
  if (bits) {
    // Codes of small floats are integers already.
    const integers = [from, dtype].every((type) => !isFloat(type) || isSmallFloat(type));
    return integers
      ? castTo(valueType(dtype), operand)
      : call(reinterpret(dialect.helperQualifiers, from, dtype), operand);
  }
  if (isSmallFloat(from)) {
    const wide = call(fromSmallFloat(dialect.helperQualifiers, from), operand);
    if (dtype === 'float32') return wide;
    if (dtype === 'float64') return castTo('double', wide);
    if (dtype === 'bool') return infix(wide, '!=', primary('0'), 4);
    if (isSmallFloat(dtype)) return call(toSmallFloat(dialect.helperQualifiers, dtype, 'float32'), wide);
    return call(saturate(dialect.helperQualifiers, 'float32', dtype), wide);
  }
  if (dtype === 'bool') return infix(operand, '!=', primary('0'), 4);
  if (isSmallFloat(dtype)) {
    const exact = from === 'float32' || from === 'bool' || dtypes[from].bits <= 16;
    const wide = isFloat(from) ? operand : castTo(exact ? 'float' : 'double', operand);
    return call(toSmallFloat(dialect.helperQualifiers, dtype, exact ? 'float32' : 'float64'), wide);
  }
  if (isFloat(from) && !isFloat(dtype)) return call(saturate(dialect.helperQualifiers, from, dtype), operand);
  return castTo(valueType(dtype), operand);
}
