// Casts of vectors: between number types with __builtin_convertvector, where that means the same as our cast.

import { type DType, dtypes, isFloat } from '../../ir/dtype.ts';
import type { Cast } from '../../ir/expr.ts';
import { isSmallFloat } from './print-cast.ts';
import { carrier, maskToNumber } from './print-mask.ts';
import type { Printer } from './printer.ts';
import { fromSmallFloat, toSmallFloat } from './scalar-helpers.ts';
import { applied, castTo, infix, primary, type Text } from './text.ts';
import { maskElement, vectorType } from './types.ts';
import { carrierOfCut, convertVector, cutVector, hasExactEnds, saturateVector } from './vector-helpers.ts';
import { convert, typeName } from './vector-parts.ts';

export function printVectorCast(cast: Cast, printer: Printer): Text {
  const { value, dtype, lanes, bits } = cast;
  if (bits) return castTo(typeName(dtype, lanes, printer), printer.print(value));
  const { text, type } = asNumbers(cast, printer);
  if (dtype !== 'bool') return convertNumbers(text, type, dtype, lanes, printer);
  const mask = typeName(maskElement(dtypes[type].bits), lanes, printer);
  return castTo(mask, infix(text, '!=', primary('0'), 4));
}

/** The operand as a vector that C can calculate with. */
function asNumbers({ value, lanes }: Cast, printer: Printer): { readonly text: Text; readonly type: DType } {
  const cut = value.kind === 'cast' && !value.bits && !printer.hasName(value) ? cutOperand(value, printer) : undefined;
  if (cut) return cut;
  const operand = printer.print(value);
  if (value.dtype === 'bool') return { text: maskToNumber(operand), type: carrier(value) };
  if (!isSmallFloat(value.dtype)) return { text: operand, type: value.dtype };
  const { helpers, dialect } = printer.environment;
  const helper = fromSmallFloat(dialect.helperQualifiers, value.dtype);
  return { text: applied(helpers.use(convertVector(value.dtype, 'float32', lanes, helper)), operand), type: 'float32' };
}

/** A float cut to a narrow integer type, before it is narrowed: it is about to be widened again. */
function cutOperand(
  { value, dtype, lanes }: Cast,
  printer: Printer,
): { readonly text: Text; readonly type: DType } | undefined {
  const from = value.dtype;
  const isNumber = from === 'float32' || from === 'float64';
  if (!isNumber || dtype === 'bool' || isFloat(dtype) || !hasExactEnds(from, dtype)) return undefined;
  return { text: cutTo(printer.print(value), from, dtype, lanes, printer), type: carrierOfCut(from) };
}

function cutTo(text: Text, from: DType, to: DType, lanes: number, printer: Printer): Text {
  const mask = vectorType(maskElement(dtypes[from].bits), lanes);
  return applied(printer.environment.helpers.use(cutVector(from, to, lanes, mask)), text);
}

function convertNumbers(text: Text, from: DType, to: DType, lanes: number, printer: Printer): Text {
  const { helpers, dialect } = printer.environment;
  if (from === to) return text;
  if (isSmallFloat(to)) {
    const wide = from === 'float32' ? 'float32' : 'float64';
    const number = convert(text, from, wide, lanes, printer);
    const helper = toSmallFloat(dialect.helperQualifiers, to, wide);
    return applied(helpers.use(convertVector(wide, to, lanes, helper)), number);
  }
  if (!isFloat(from) || isFloat(to)) return convert(text, from, to, lanes, printer);
  if (hasExactEnds(from, to))
    return convert(cutTo(text, from, to, lanes, printer), carrierOfCut(from), to, lanes, printer);
  const [mask, wideMask] = [from, to].map((type) => vectorType(maskElement(dtypes[type].bits), lanes));
  return applied(helpers.use(saturateVector(from, to, lanes, mask!, wideMask!)), text);
}
