// Models that draw random numbers: their results cannot equal those of another generator, so they are compared by
// distribution, where they differ.

import { readElement } from '../../ir/bytes.ts';
import { dtypes } from '../../ir/dtype.ts';
import { normalizeDomain } from '../onnx/domains.ts';
import type { GraphProto, NodeProto } from '../onnx/proto-types.ts';
import type { TensorData } from '../onnx/tensor.ts';
import { findOperator } from '../ops/index.ts';

/** Whether a node draws random numbers: those of the subgraphs count, those of functions do not. */
export const isRandom = (graph: GraphProto): boolean =>
  graph.node.some((node) => drawsNumbers(node) || subgraphsOf(node).some(isRandom));

/** Operators without equal results for equal inputs, and a Dropout that may be in training. */
function drawsNumbers({ domain, opType = '', input }: NodeProto): boolean {
  const operator = findOperator(normalizeDomain(domain), opType);
  return operator?.pure === false || (opType === 'Dropout' && (input[2] ?? '') !== '');
}

const subgraphsOf = ({ attribute }: NodeProto): readonly GraphProto[] =>
  attribute.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...graphs]);

/** Five times the error of a mean: one sound result in millions is refused. */
const certainty = 5;

/** In words, why two tensors of equal type and shape are not from the same distribution; empty where they may be. */
export function compareDistributions(actual: TensorData, expected: TensorData): string {
  if (actual.dtype !== expected.dtype || actual.dims.join() !== expected.dims.join()) return 'type or shape differ';
  if (!['float', 'int', 'uint', 'bool'].includes(dtypes[actual.dtype].class)) return `${actual.dtype} is not random`;
  const [a, b] = [statisticsOf(actual), statisticsOf(expected)];
  if (!a.finite) return 'an element is not finite';
  const spread = Math.max(a.deviation, b.deviation);
  const meanError = (certainty * spread * Math.SQRT2) / Math.sqrt(Math.max(a.count, 1));
  if (Math.abs(a.mean - b.mean) > meanError) return `the mean is ${a.mean}, expected ${b.mean} ± ${meanError}`;
  return '';
}

function statisticsOf({ dtype, dims, bytes }: TensorData) {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: count }, (_, index) => Number(readElement(dtype, bytes, index)));
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(count, 1);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(count, 1);
  return { count, mean, deviation: Math.sqrt(variance), finite: values.every(Number.isFinite) };
}
