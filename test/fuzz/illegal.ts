// Makes illegal models of legal cases of one node: a wrong type, rank, size, attribute, or a wrong count of operands.
// What comes out may still be legal.

import type { DType } from '../../ir/dtype.ts';
import { type Attribute, type CaseInput, type CaseNode, type FuzzCase, float, int, ints, text } from './case.ts';
import type { Draw } from './draw.ts';
import type { Generator } from './operators/generator.ts';
import { drawShape, drawTensor } from './tensors.ts';

type Mutation = (fuzzCase: FuzzCase, draw: Draw) => FuzzCase;

const withNode = (fuzzCase: FuzzCase, change: (node: CaseNode) => CaseNode): FuzzCase => {
  const nodes = [change(fuzzCase.nodes[0]!), ...fuzzCase.nodes.slice(1)];
  return { ...fuzzCase, nodes, outputs: nodes.flatMap(({ outputs }) => outputs) };
};

function withInput(fuzzCase: FuzzCase, draw: Draw, change: (input: CaseInput) => CaseInput): FuzzCase {
  if (fuzzCase.inputs.length === 0) return fuzzCase;
  const at = draw.integer(0, fuzzCase.inputs.length - 1);
  return { ...fuzzCase, inputs: fuzzCase.inputs.map((input, i) => (i === at ? change(input) : input)) };
}

const dropInput: Mutation = (fuzzCase, draw) =>
  withNode(fuzzCase, (node) => {
    const at = draw.integer(0, Math.max(node.inputs.length - 1, 0));
    const kept = draw.chance(50) ? node.inputs.slice(0, at) : node.inputs.map((name, i) => (i === at ? '' : name));
    return { ...node, inputs: kept };
  });

const addInput: Mutation = (fuzzCase) =>
  withNode(fuzzCase, (node) => ({ ...node, inputs: [...node.inputs, ...node.inputs, ...node.inputs] }));

const addOutput: Mutation = (fuzzCase) =>
  withNode(fuzzCase, (node) => ({ ...node, outputs: [...node.outputs, 'extra1', 'extra2', 'extra3'] }));

const changeType: Mutation = (fuzzCase, draw) =>
  withInput(fuzzCase, draw, (input) => {
    const dtype = draw.pick<DType>(['float32', 'int64', 'bool', 'uint8', 'float16', 'int32', 'float64']);
    return { ...input, tensor: drawTensor(draw, dtype, input.tensor.dims, 'small') };
  });

const changeShape: Mutation = (fuzzCase, draw) =>
  withInput(fuzzCase, draw, (input) => {
    const dims = draw.pick([
      () => drawShape(draw, 0, 6, { most: 100 }),
      () => input.tensor.dims.map((size) => (draw.chance(50) ? size + 1 : size)),
      () => input.tensor.dims.slice(1),
      () => [...input.tensor.dims, 1],
      () => input.tensor.dims.map((size) => (draw.chance(30) ? 0 : size)),
    ])();
    return {
      ...input,
      tensor: drawTensor(draw, input.tensor.dtype, dims, 'small'),
      symbols: dims.map(() => undefined),
    };
  });

/** Sizes that do not fit, where only a run can see it. */
const changeOpenSizes: Mutation = (fuzzCase, draw) =>
  withInput(fuzzCase, draw, (input) => {
    const dims = input.tensor.dims.map((size) => (draw.chance(40) ? draw.integer(0, size + 3) : size));
    const tensor = drawTensor(draw, input.tensor.dtype, dims, 'small');
    return { ...input, tensor, constant: false, symbols: dims.map((_, axis) => `${input.name}_${axis}`) };
  });

const changeValues: Mutation = (fuzzCase, draw) =>
  withInput(fuzzCase, draw, (input) => {
    if (!['int64', 'int32'].includes(input.tensor.dtype)) return input;
    const contents = draw.pick(['small', 'positive'] as const);
    return { ...input, tensor: drawTensor(draw, input.tensor.dtype, input.tensor.dims, contents) };
  });

const strange: readonly Attribute[] = [
  int(-1),
  int(0),
  int(99),
  int(-99),
  text('strange'),
  float(0.5),
  ints([]),
  ints([0, 0]),
  ints([-1]),
  ints([1, 2, 3, 4, 5, 6, 7]),
  ints([99]),
];

const changeAttribute: Mutation = (fuzzCase, draw) =>
  withNode(fuzzCase, (node) => {
    const names = Object.keys(node.attributes);
    if (names.length === 0) return { ...node, attributes: { axis: draw.pick(strange) } };
    return { ...node, attributes: { ...node.attributes, [draw.pick(names)]: draw.pick(strange) } };
  });

const dropAttribute: Mutation = (fuzzCase, draw) =>
  withNode(fuzzCase, (node) => {
    const names = Object.keys(node.attributes);
    return names.length === 0 ? node : { ...node, attributes: { ...node.attributes, [draw.pick(names)]: undefined } };
  });

const inventAttribute: Mutation = (fuzzCase, draw) =>
  withNode(fuzzCase, (node) => ({ ...node, attributes: { ...node.attributes, invented: draw.pick(strange) } }));

const mutations = {
  changeOpenSizes,
  changeShape,
  changeType,
  changeAttribute,
  dropInput,
  changeValues,
  dropAttribute,
  addInput,
  addOutput,
  inventAttribute,
};

export const illegal =
  (make: Generator): Generator =>
  (draw) => {
    const legal = make(draw);
    const mutate = draw.pick(Object.values(mutations));
    const once = mutate(legal, draw);
    return draw.chance(25) ? draw.pick(Object.values(mutations))(once, draw) : once;
  };
