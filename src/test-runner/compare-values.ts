// Compares values of any kind: tensors as `compare.ts` does, and what is made of them part by part.

import type { DataValue } from '../onnx/test-data.ts';
import { compareTensors, type Difference, type Tolerance } from './compare.ts';

const same: Difference = { same: true, message: '', maxAbs: 0, maxRel: 0, maxUlp: 0 };
const different = (message: string): Difference => ({ ...same, same: false, message });

export function compareValues(actual: DataValue, expected: DataValue, tolerance: Tolerance): Difference {
  if (actual.kind === 'tensor' && expected.kind === 'tensor')
    return compareTensors(actual.tensor, expected.tensor, tolerance);
  // An optional that is there, and its value, are written alike by some.
  const [left, right] = [inside(actual), inside(expected)];
  if (left !== actual || right !== expected) {
    if (left && right) return compareValues(left, right, tolerance);
    return left === right ? same : different(`is ${left ? 'there' : 'absent'}, expected the opposite`);
  }
  if (actual.kind === 'sequence' && expected.kind === 'sequence')
    return compareLists(actual.elements, expected.elements, 'element', tolerance);
  if (actual.kind === 'map' && expected.kind === 'map') return compareMaps(actual, expected, tolerance);
  return different(`is a ${actual.kind}, expected a ${expected.kind}`);
}

const inside = (value: DataValue): DataValue | undefined => (value.kind === 'optional' ? value.value : value);

function compareLists(
  actual: readonly DataValue[],
  expected: readonly DataValue[],
  what: string,
  tolerance: Tolerance,
): Difference {
  if (actual.length !== expected.length) return different(`has ${actual.length} ${what}s, expected ${expected.length}`);
  return expected.reduce((found, element, i) => {
    const next = compareValues(actual[i]!, element, tolerance);
    const message = found.same && !next.same ? `${what} ${i}: ${next.message}` : found.message;
    return {
      same: found.same && next.same,
      message,
      maxAbs: Math.max(found.maxAbs, next.maxAbs),
      maxRel: Math.max(found.maxRel, next.maxRel),
      maxUlp: Math.max(found.maxUlp, next.maxUlp),
    };
  }, same);
}

type MapValue = Extract<DataValue, { kind: 'map' }>;

/** The order of keys does not count. */
function compareMaps(actual: MapValue, expected: MapValue, tolerance: Tolerance): Difference {
  const own = new Map(actual.keys.map((key, i) => [key, actual.values[i]!] as const));
  const missing = expected.keys.find((key) => !own.has(key));
  if (missing !== undefined || own.size !== expected.keys.length)
    return different(`has the keys ${actual.keys.join(', ')}, expected ${expected.keys.join(', ')}`);
  return compareLists(
    expected.keys.map((key) => own.get(key)!),
    expected.values,
    'value',
    tolerance,
  );
}
