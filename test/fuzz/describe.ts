// A case as text, short enough to read and with all that is needed to write it down as a test.

import { readElement } from '../../ir/bytes.ts';
import { type Attribute, type CaseInput, type CaseNode, elementCount, type FuzzCase, type Tensor } from './case.ts';

export function describeCase({ opset, inputs, nodes, outputs }: FuzzCase): string {
  return [
    `opset ${opset}`,
    ...inputs.map(describeInput),
    ...nodes.map(describeNode),
    `outputs ${outputs.join(', ')}`,
  ].join('\n');
}

const describeInput = ({ name, tensor, constant, symbols }: CaseInput): string => {
  const dims = tensor.dims.map((size, axis) => (symbols[axis] === undefined ? `${size}` : `${symbols[axis]}=${size}`));
  return `${constant ? 'constant' : 'input'} ${name}: ${tensor.dtype}[${dims.join(', ')}] = ${elements(tensor)}`;
};

function elements({ dtype, dims, bytes }: Tensor): string {
  const count = elementCount(dims);
  const shown = Array.from({ length: Math.min(count, 24) }, (_, index) => `${readElement(dtype, bytes, index)}`);
  return `${shown.join(' ')}${count > 24 ? ' …' : ''}`;
}

export const describeNode = ({ op, inputs, outputs, attributes }: CaseNode): string => {
  const given = Object.entries(attributes).flatMap(([name, value]) =>
    value ? [`${name}=${describeAttribute(value)}`] : [],
  );
  return `${outputs.join(', ')} = ${op}(${[...inputs.map((name) => name || '_'), ...given].join(', ')})`;
};

function describeAttribute(attribute: Attribute): string {
  if (attribute.kind === 'tensor')
    return `${attribute.value.dtype}[${attribute.value.dims}] ${elements(attribute.value)}`;
  if (attribute.kind === 'graph') {
    const { inputs, constants, nodes, outputs } = attribute.value;
    const head = inputs.map(({ name, dtype, dims }) => `${name}: ${dtype}[${dims}]`).join(', ');
    return `{ (${head}) ${[...constants.map(describeInput), ...nodes.map(describeNode)].join('; ')} → ${outputs.join(', ')} }`;
  }
  return JSON.stringify(attribute.value);
}
