// Checks a node against its operator's declaration: inputs present and of an accepted type, attributes legal.

import type { DType } from '../../ir/dtype.ts';
import type { Attributes, AttributeValue, Value } from '../../ir/graph.ts';
import { problem } from '../errors.ts';
import type { AttributeSpec } from './attributes.ts';
import { bareName, type Operator } from './define.ts';

export function checkInputs(op: Operator, inputs: readonly (Value | undefined)[], where: string): void {
  const variadic = op.inputs.at(-1)?.endsWith('...') ?? false;
  if (!variadic && inputs.length > op.inputs.length) {
    throw problem(
      where,
      `has ${inputs.length} inputs; ${op.name} takes at most ${op.inputs.length} (${op.inputs.join(', ')}).`,
    );
  }
  const bound = new Map<string, { readonly name: string; readonly dtype: DType }>();
  const count = Math.max(inputs.length, op.inputs.length);
  for (let position = 0; position < count; position++) {
    const declared = op.inputs[Math.min(position, op.inputs.length - 1)]!;
    const name = bareName(declared);
    const input = inputs[position];
    if (!input) {
      if (declared === name) throw problem(where, `input ${name} is missing.`);
      continue;
    }
    const set = op.types[name];
    if (!set || input.type.kind !== 'tensor') continue;
    const { dtype } = input.type;
    if (!set.dtypes.includes(dtype)) {
      throw problem(where, `${name} is ${dtype}; ${op.name} takes ${set.dtypes.join(', ')}.`);
    }
    const first = bound.get(set.name);
    if (first && first.dtype !== dtype) {
      throw problem(where, `${name} is ${dtype} and ${first.name} is ${first.dtype}; they must be of one type.`);
    }
    if (!first) bound.set(set.name, { name, dtype });
  }
}

/** What an attribute of a kind can be made of. */
const expectedKinds: Readonly<Record<AttributeSpec<unknown>['kind'], readonly string[]>> = {
  int: ['number'],
  float: ['number'],
  string: ['string'],
  dtype: ['string'],
  ints: ['numbers', 'empty'],
  floats: ['numbers', 'empty'],
  strings: ['strings', 'empty'],
  tensor: ['tensor'],
  tensors: ['tensors', 'empty'],
  graph: ['graph'],
  type: ['type'],
};

function kindOf(value: AttributeValue): string {
  if (Array.isArray(value)) {
    const first = value[0] as AttributeValue | undefined;
    return first === undefined ? 'empty' : `${kindOf(first)}s`;
  }
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  if (typeof value === 'string') return 'string';
  if ('captures' in value) return 'graph';
  return 'kind' in value ? 'type' : 'tensor';
}

export function checkAttributes(op: Operator, attributes: Attributes, where: string): void {
  for (const [name, spec] of Object.entries(op.attributes)) {
    if (spec.required && attributes[name] === undefined) throw problem(where, `attribute ${name} is missing.`);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const spec = Object.hasOwn(op.attributes, name) ? op.attributes[name] : undefined;
    if (spec) checkAttribute(name, spec, value, where);
    else {
      const known = Object.keys(op.attributes).join(', ') || 'none';
      throw problem(where, `${op.name} has no attribute ${JSON.stringify(name)}. It has: ${known}.`);
    }
  }
}

function checkAttribute(name: string, spec: AttributeSpec<unknown>, value: AttributeValue, where: string): void {
  const kind = kindOf(value);
  if (!expectedKinds[spec.kind].includes(kind)) {
    throw problem(
      where,
      `attribute ${name} must be of kind ${spec.kind}, got ${kind === 'empty' ? 'an empty list' : kind}.`,
    );
  }
  if (
    (spec.kind === 'int' || spec.kind === 'ints') &&
    ![value].flat().every((item) => Number.isInteger(Number(item)))
  ) {
    throw problem(where, `attribute ${name} must be ${spec.kind === 'int' ? 'an integer' : 'integers'}.`);
  }
  if (spec.oneOf && !spec.oneOf.includes(value as string | number)) {
    throw problem(where, `attribute ${name} is ${JSON.stringify(value)}; legal are ${spec.oneOf.join(', ')}.`);
  }
}
