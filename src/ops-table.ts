// What is supported, operator by operator, read off the declarations.

import type { DType } from '../ir/dtype.ts';
import { bareName, type Operator } from './ops/define.ts';
import { operators } from './ops/index.ts';
import { allTypes, floatTypes, integerTypes, numericTypes, scalarTypes } from './ops/types.ts';

export interface OperatorEntry {
  readonly name: string;
  /** `ai.onnx` for the standard domain. */
  readonly domain: string;
  /** The opset version in which today's meaning began; older nodes are upgraded. */
  readonly since: number;
  /** How the declaration says what it computes. */
  readonly meaning: 'compute' | 'expand' | 'kernel' | 'control';
  readonly inputs: readonly OperatorInput[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
}

export interface OperatorInput {
  /** Ends in `?` where it may be absent, in `...` where there may be several. */
  readonly name: string;
  /** Element types; `any`, or the names of large families. */
  readonly types: readonly string[];
}

/** Every operator, in the order of domains and names. */
export const operatorTable = (): readonly OperatorEntry[] =>
  operators
    .map((operator) => ({
      name: operator.name,
      domain: operator.domain || 'ai.onnx',
      since: operator.since,
      meaning: meaningOf(operator),
      inputs: operator.inputs.map((name) => ({ name, types: typeNames(operator.types[bareName(name)]?.dtypes) })),
      outputs: operator.outputs,
      attributes: Object.keys(operator.attributes),
    }))
    .sort((a, b) => compareText(a.domain, b.domain) || compareText(a.name, b.name));

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function meaningOf(operator: Operator): OperatorEntry['meaning'] {
  if (operator.compute) return 'compute';
  if (operator.expand) return 'expand';
  return operator.kernel ? 'kernel' : 'control';
}

/** Families that are shorter to name than to list, the largest first. */
const families: readonly (readonly [string, readonly DType[]])[] = [
  ['any', allTypes],
  ['scalar', scalarTypes],
  ['numeric', numericTypes],
  ['integer', integerTypes],
  ['float', floatTypes],
];

function typeNames(dtypes: readonly DType[] | undefined): readonly string[] {
  if (!dtypes) return ['any'];
  const names: string[] = [];
  let rest = dtypes;
  for (const [name, members] of families) {
    if (!members.every((dtype) => rest.includes(dtype))) continue;
    names.push(name);
    rest = rest.filter((dtype) => !members.includes(dtype));
  }
  return [...names, ...rest];
}
