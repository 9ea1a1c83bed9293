// Graphs whose parts do not fit together.

import { type FunctionParts, floats, graph, makeModel, type NodeParts, node, port } from '../onnx/make-model.ts';
import { delimited, message } from '../onnx/wire.ts';
import type { BadCase } from './case.ts';

const x = port('x', [2]);
const y = port('y', [2]);
const model = (nodes: readonly NodeParts[], more: Partial<Parameters<typeof makeModel>[0]> = {}): Uint8Array =>
  makeModel({ input: [x], output: [y], node: [...nodes], ...more });

const call = (name: string, input: string, output: string): NodeParts =>
  node(name, [input], [output], {}, { domain: 'own' });
const define = (name: string, nodes: readonly NodeParts[]): FunctionParts => ({
  name,
  domain: 'own',
  input: ['a'],
  output: ['b'],
  node: [...nodes],
  opsetImport: [
    { domain: '', version: 17 },
    { domain: 'own', version: 1 },
  ],
});
const domains = { own: 1 };

/** Each calls the next one twice: 2^levels nodes when written out. */
const doubling = (levels: number): readonly FunctionParts[] =>
  Array.from({ length: levels }, (_, level) =>
    level === levels - 1
      ? define(`f${level}`, [node('Exp', ['a'], ['b'])])
      : define(`f${level}`, [call(`f${level + 1}`, 'a', 'm'), call(`f${level + 1}`, 'm', 'b')]),
  );

export const graphCases: readonly BadCase[] = [
  {
    name: 'a cycle of two nodes',
    model: model([node('Add', ['x', 'b'], ['a']), node('Neg', ['a'], ['b']), node('Neg', ['b'], ['y'])]),
    message: 'Add "a": needs its own result, through Neg "b": the graph has a cycle.',
  },
  {
    name: 'a node that reads itself',
    model: model([node('Add', ['x', 'y'], ['y'])]),
    message: 'Add "y": needs its own result: the graph has a cycle.',
  },
  {
    name: 'a value that two nodes define',
    model: model([node('Neg', ['x'], ['y']), node('Abs', ['x'], ['y'])]),
    message: 'Abs "y": output "y" is defined twice.',
  },
  {
    name: 'a node that defines an input again',
    model: model([node('Neg', ['x'], ['x']), node('Abs', ['x'], ['y'])]),
    message: /cycle|defined twice/,
  },
  {
    name: 'two inputs of one name',
    model: model([node('Neg', ['x'], ['y'])], { input: [x, port('x', [3])] }),
    message: 'input "x": is defined twice.',
  },
  {
    name: 'two initializers of one name',
    model: model([node('Add', ['x', 'w'], ['y'])], { initializer: [floats('w', [1, 2]), floats('w', [3, 4])] }),
    message: 'initializer "w": is defined twice.',
  },
  {
    name: 'an input that nothing defines',
    model: model([node('Add', ['x', 'ghost'], ['y'])]),
    message: 'Add "y": input "ghost" is not defined before it is used.',
  },
  {
    name: 'an output that nothing computes',
    model: model([node('Neg', ['x'], ['z'])]),
    message: 'output "y": is not computed by any node.',
  },
  { name: 'no outputs', model: model([node('Neg', ['x'], ['y'])], { output: [] }), message: 'model: has no outputs.' },
  {
    name: 'several problems, all reported',
    model: model([node('Frob', ['x'], ['a']), node('Add', ['x', 'ghost'], ['b']), node('Neg', ['a'], ['y'])]),
    message:
      'Frob "a": operator Frob of the ONNX standard domain (opset 17) is not supported.\n' +
      'error: Add "b": input "ghost" is not defined before it is used.',
  },
  {
    name: 'a function that calls itself',
    model: model([call('f', 'x', 'y')], { functions: [define('f', [call('f', 'a', 'b')])], domains }),
    message: /function f calls itself/,
  },
  {
    name: 'functions that call each other',
    model: model([call('f', 'x', 'y')], {
      functions: [define('f', [call('g', 'a', 'b')]), define('g', [call('f', 'a', 'b')])],
      domains,
    }),
    message: /function f calls itself/,
  },
  {
    name: 'functions that grow to 2^40 nodes',
    model: model([call('f0', 'x', 'y')], { functions: doubling(41), domains }),
    message: /functions.*more than 500000 nodes/,
  },
  {
    name: 'a function that does not define its output',
    model: model([call('f', 'x', 'y')], { functions: [define('f', [node('Neg', ['a'], ['c'])])], domains }),
    message: /does not define its output "b"/,
  },
  {
    name: 'an unknown domain',
    model: model([node('Fancy', ['x'], ['y'], {}, { domain: 'com.example' })], { domains: { 'com.example': 1 } }),
    message:
      'Fancy "y": operator Fancy of domain "com.example" (opset 1) is not supported. ' +
      'A function of that name in an ONNX file can define it: --functions <file>.',
  },
  { name: 'a node without an operator', model: model([{ input: ['x'], output: ['y'] }]), message: /^error: / },
  {
    name: 'an input without a type',
    model: model([node('Neg', ['x'], ['y'])], { input: [{ name: 'x' }] }),
    message: 'input "x": has no type.',
  },
  {
    name: 'an input without a shape',
    model: model([node('Neg', ['x'], ['y'])], { input: [port('x', undefined)] }),
    message: 'input "x": has no shape, not even its rank. Give it: --shape x=1x3x224x224',
  },
  {
    name: 'an input of an element type that does not exist',
    model: model([node('Neg', ['x'], ['y'])], {
      input: [{ name: 'x', type: { tensorType: { elemType: 99, shape: { dim: [] } } } }],
    }),
    message: 'input "x": has unknown element type 99.',
  },
  {
    name: 'an If without branches',
    model: model([node('If', ['c'], ['y'])], { input: [x, port('c', [], 'bool')] }),
    message: /^error: If "y": attribute \w+_branch is missing\.\n$/,
  },
  {
    name: 'a Loop whose body takes too little',
    model: model(
      [node('Loop', ['', ''], ['y'], { body: graph({ input: [port('i', [], 'int64')], output: [x], node: [] }) })],
      {},
    ),
    message: /^error: Loop "y": /,
  },
  {
    name: 'an opset that is not named',
    model: message(
      Uint8Array.of(8, 8),
      delimited(7, message(delimited(1, message(delimited(1, 'x'), delimited(2, 'y'), delimited(4, 'Neg'))))),
    ),
    message: /^error: /,
  },
];
