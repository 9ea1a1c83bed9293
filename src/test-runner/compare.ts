// Compares a result with what was expected: floats within tolerances, everything else exactly.

import { readElement } from '../../ir/bytes.ts';
import { type DType, dtypes, isFloat, isSubByte } from '../../ir/dtype.ts';
import type { TensorData } from '../onnx/tensor.ts';

export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
  /** By how much integers may differ: for quantized models, where a step is the least difference. 0 where absent. */
  readonly integer?: number;
}

export interface Difference {
  readonly same: boolean;
  /** What differs, in words; empty where nothing does. */
  readonly message: string;
  readonly maxAbs: number;
  readonly maxRel: number;
  /** Units in the last place of the element type; 0 for types that are no floats. */
  readonly maxUlp: number;
}

const different = (message: string): Difference => ({ same: false, message, maxAbs: 0, maxRel: 0, maxUlp: 0 });

export function compareTensors(actual: TensorData, expected: TensorData, tolerance: Tolerance): Difference {
  if (actual.dtype !== expected.dtype) return different(`type is ${actual.dtype}, expected ${expected.dtype}`);
  if (actual.dims.join() !== expected.dims.join()) {
    return different(`shape is [${actual.dims.join(', ')}], expected [${expected.dims.join(', ')}]`);
  }
  if (expected.dtype === 'string') return compareStrings(actual, expected);
  const complex = dtypes[actual.dtype].class === 'complex';
  // Complex numbers are pairs of floats.
  const dtype = complex ? (actual.dtype === 'complex64' ? 'float32' : 'float64') : actual.dtype;
  const count = actual.dims.reduce((a, b) => a * b, 1) * (complex ? 2 : 1);
  return compareElements(dtype, count, actual, expected, tolerance);
}

function compareElements(
  dtype: DType,
  count: number,
  actual: TensorData,
  expected: TensorData,
  tolerance: Tolerance,
): Difference {
  const [left, right] = [elementsOf(dtype, actual.bytes, count), elementsOf(dtype, expected.bytes, count)];
  const codes = isFloat(dtype) ? ([codesOf(dtype, actual.bytes), codesOf(dtype, expected.bytes)] as const) : undefined;
  const steps = dtype === 'bool' ? 0 : (tolerance.integer ?? 0);
  let [maxAbs, maxRel, maxUlp, wrong] = [0, 0, 0, 0];
  let first = '';
  for (let i = 0; i < count; i++) {
    const [a, b] = [left(i), right(i)];
    if (a === b) continue;
    const [x, y] = [Number(a), Number(b)];
    if (Number.isNaN(x) && Number.isNaN(y)) continue;
    // Wide integers are subtracted as such; an infinity is close to nothing but itself.
    const gap = typeof a === 'bigint' && typeof b === 'bigint' ? Number(a > b ? a - b : b - a) : Math.abs(x - y);
    if (Number.isFinite(gap)) {
      maxAbs = Math.max(maxAbs, gap);
      if (y !== 0) maxRel = Math.max(maxRel, gap / Math.abs(y));
      if (codes) maxUlp = Math.max(maxUlp, Math.abs(codes[0](i) - codes[1](i)));
    }
    const most = codes ? tolerance.absolute + tolerance.relative * Math.abs(y) : steps;
    if (Number.isFinite(gap) && gap <= most) continue;
    if (wrong++ === 0) first = `[${positionOf(i, expected.dims).join(', ')}] is ${a}, expected ${b}`;
  }
  const message = wrong === 0 ? '' : `${wrong} of ${count} elements differ, the first: ${first}`;
  return { same: wrong === 0, message, maxAbs, maxRel, maxUlp };
}

function compareStrings(actual: TensorData, expected: TensorData): Difference {
  const [left, right] = [actual.strings ?? [], expected.strings ?? []];
  const wrong = right.findIndex((text, i) => Buffer.compare(text, left[i] ?? new Uint8Array(0)) !== 0);
  if (wrong < 0 && left.length === right.length) return { ...different(''), same: true };
  const show = (text: Uint8Array | undefined): string => JSON.stringify(new TextDecoder().decode(text));
  return different(
    `[${positionOf(wrong, expected.dims).join(', ')}] is ${show(left[wrong])}, expected ${show(right[wrong])}`,
  );
}

/** The index along each axis; complex numbers count one axis more. */
function positionOf(element: number, dims: readonly number[]): readonly number[] {
  const position: number[] = [];
  let rest = element;
  for (const extent of [...dims].reverse()) {
    position.unshift(rest % Math.max(extent, 1));
    rest = Math.floor(rest / Math.max(extent, 1));
  }
  return position;
}

type Elements = (index: number) => number | bigint;

/** Typed arrays where there is one: `readElement` is many times slower. */
function elementsOf(dtype: DType, bytes: Uint8Array, count: number): Elements {
  // A copy, for alignment; a Buffer's slice would be no copy.
  const view = new Uint8Array(bytes).buffer;
  switch (dtype) {
    case 'float32': {
      const values = new Float32Array(view, 0, count);
      return (index) => values[index]!;
    }
    case 'float64': {
      const values = new Float64Array(view, 0, count);
      return (index) => values[index]!;
    }
    case 'int64': {
      const values = new BigInt64Array(view, 0, count);
      return (index) => values[index]!;
    }
    case 'uint8':
      return (index) => bytes[index]!;
    default:
      return (index) => readElement(dtype, bytes, index);
  }
}

/** The bits of floats as integers that count up with the value, so that neighbours differ by one. */
function codesOf(dtype: DType, bytes: Uint8Array): (index: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { bits } = dtypes[dtype];
  if (bits === 64) {
    return (index) => {
      const code = view.getBigInt64(index * 8, true);
      return Number(code < 0n ? -BigInt.asIntN(63, code) : code);
    };
  }
  const sign = 2 ** (bits - 1);
  const ordinal = (code: number): number => (code >= sign ? sign - code : code);
  if (bits === 32) return (index) => ordinal(view.getUint32(index * 4, true));
  if (bits === 16) return (index) => ordinal(view.getUint16(index * 2, true));
  if (!isSubByte(dtype)) return (index) => ordinal(view.getUint8(index));
  return (index) => ordinal((view.getUint8((index * bits) >> 3) >> ((index * bits) & 7)) & (2 ** bits - 1));
}
