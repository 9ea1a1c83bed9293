// Between which element types a vector passes on its way from one type to another: gcc 12 knows conversions to lanes of
// half, equal or double width, and takes all others apart lane by lane.

import { type DType, dtypes, isFloat, isSigned } from '../../ir/dtype.ts';
import { maskElement, unsignedOf } from './types.ts';

/** The types after `from`, up to and including `to`. */
export function conversionSteps(from: DType, to: DType): readonly DType[] {
  if (from === to) return [];
  const width = dtypes[from].bits;
  const wanted = dtypes[to].bits;
  if (isFloat(from) && isFloat(to)) return [to];
  if (isFloat(from)) {
    const whole = integerOf(width, true);
    return wanted < width ? [whole, ...conversionSteps(whole, to)] : [to];
  }
  if (isFloat(to)) {
    const whole = integerOf(wanted, width < wanted || isSigned(from));
    return width < wanted ? [...integerSteps(from, whole), to] : [to];
  }
  return integerSteps(from, to);
}

/** Halving or doubling the width; what is widened keeps its sign. */
function integerSteps(from: DType, to: DType): readonly DType[] {
  const width = dtypes[from].bits;
  const wanted = dtypes[to].bits;
  const between: DType[] = [];
  if (width < wanted) {
    for (let bits = width * 2; bits < wanted; bits *= 2) between.push(integerOf(bits, isSigned(from)));
    if (isSigned(from) !== isSigned(to)) between.push(integerOf(wanted, isSigned(from)));
  } else {
    for (let bits = width / 2; bits > wanted; bits /= 2) between.push(integerOf(bits, isSigned(to)));
  }
  return [...between, to];
}

const integerOf = (bits: number, signed: boolean): DType =>
  signed ? maskElement(bits) : unsignedOf(maskElement(bits));
