// Nodes that break a rule of their operator: inputs, types, attributes.

import {
  type AttributeInput,
  float,
  floats,
  graph,
  ints,
  makeModel,
  type NodeParts,
  node,
  port,
  tensor,
} from '../onnx/make-model.ts';
import type { BadCase } from './case.ts';

const image = port('x', [1, 4, 8, 8]);
const weights = floats('w', new Array(8 * 4 * 9).fill(1), [8, 4, 3, 3]);

const only = (made: NodeParts, more: Partial<Parameters<typeof makeModel>[0]> = {}): Uint8Array =>
  makeModel({ input: [image], output: [port('y', undefined)], node: [made], initializer: [weights], ...more });
const conv = (attributes: Readonly<Record<string, AttributeInput>>): Uint8Array =>
  only(node('Conv', ['x', 'w'], ['y'], attributes));
const pool = (attributes: Readonly<Record<string, AttributeInput>>): Uint8Array =>
  only(node('MaxPool', ['x'], ['y'], attributes));

export const nodeCases: readonly BadCase[] = [
  { name: 'Conv without weights', model: only(node('Conv', ['x'], ['y'])), message: 'Conv "y": input W is missing.' },
  {
    name: 'Add with three inputs',
    model: only(node('Add', ['x', 'x', 'x'], ['y'])),
    message: 'Add "y": has 3 inputs; Add takes at most 2 (A, B).',
  },
  {
    name: 'Neg with two outputs',
    model: only(node('Neg', ['x'], ['y', 'z'])),
    message: 'Neg "y": has 2 outputs; Neg gives at most 1 (Y).',
  },
  {
    name: 'Unique with five outputs',
    model: only(node('Unique', ['x'], ['y', 'a', 'b', 'c', 'd'])),
    message: 'Unique "y": has 5 outputs; Unique gives at most 4 (Y, indices, inverse_indices, counts).',
  },
  {
    name: 'NonMaxSuppression with two outputs',
    model: only(node('NonMaxSuppression', ['b', 's'], ['y', 'z']), {
      initializer: [floats('b', [0, 0, 1, 1], [1, 1, 4]), floats('s', [1], [1, 1, 1])],
    }),
    message: 'NonMaxSuppression "y": has 2 outputs; NonMaxSuppression gives at most 1 (selected_indices).',
  },
  {
    name: 'axes as an attribute after opset 13',
    model: only(node('ReduceSum', ['x'], ['y'], { axes: [1] }), { opset: 13 }),
    message: 'ReduceSum "y": attribute axes is of opset 12 and before; the model is of opset 13.',
  },
  {
    name: 'Squeeze with an attribute after opset 13',
    model: only(node('Squeeze', ['x'], ['y'], { axes: [0] }), { opset: 21 }),
    message: 'Squeeze "y": attribute axes is of opset 12 and before; the model is of opset 21.',
  },
  {
    name: 'Add with an axis after opset 7',
    model: only(node('Add', ['x', 'x'], ['y'], { axis: 1 }), { opset: 7 }),
    message: 'Add "y": attribute axis is of opset 6 and before; the model is of opset 7.',
  },
  {
    name: 'TopK with k as an attribute after opset 10',
    model: only(node('TopK', ['x'], ['y', 'z'], { k: 1 }), { opset: 11 }),
    message: 'TopK "y": attribute k is of opset 9 and before; the model is of opset 11.',
  },
  {
    name: 'Add of float32 and int64',
    model: only(node('Add', ['x', 'i'], ['y']), { initializer: [ints('i', [1])] }),
    message: 'Add "y": B is int64 and A is float32; they must be of one type.',
  },
  {
    name: 'Not of floats',
    model: only(node('Not', ['x'], ['y'])),
    message: /^error: Not "y": X is float32; Not takes/,
  },
  {
    name: 'an unknown attribute',
    model: conv({ paddings: [1, 1] }),
    message: /^error: Conv "y": Conv has no attribute "paddings"/,
  },
  {
    name: 'an INT where a FLOAT is expected',
    model: only(node('LeakyRelu', ['x'], ['y'], { alpha: 1 })),
    message: 'LeakyRelu "y": attribute alpha is of kind INT; expected FLOAT.',
  },
  {
    name: 'a FLOAT where an INT is expected',
    model: only(node('Softmax', ['x'], ['y'], { axis: float(1) })),
    message: 'Softmax "y": attribute axis is of kind FLOAT; expected INT.',
  },
  {
    name: 'an attribute named __proto__',
    model: conv(JSON.parse('{"__proto__": 1}')),
    message: /has no attribute "__proto__"/,
  },
  {
    name: 'an attribute named constructor',
    model: conv({ constructor: 1 } as never),
    message: /has no attribute "constructor"/,
  },
  {
    name: 'a string where numbers belong',
    model: conv({ strides: 'two' }),
    message: 'Conv "y": attribute strides must be of kind ints, got string.',
  },
  {
    name: 'a number where numbers belong',
    model: conv({ strides: 2 }),
    message: 'Conv "y": attribute strides must be of kind ints, got number.',
  },
  {
    name: 'fractions where integers belong',
    model: conv({ strides: { type: 6, floats: [1.5, 1] } }),
    message: 'Conv "y": attribute strides is of kind FLOATS; expected INTS.',
  },
  {
    name: 'a tensor where a number belongs',
    model: conv({ group: tensor(ints('', [1])) }),
    message: 'Conv "y": attribute group must be of kind int, got tensor.',
  },
  {
    name: 'a graph where a number belongs',
    model: conv({ group: graph({}) }),
    message: 'Conv "y": attribute group must be of kind int, got graph.',
  },
  {
    name: 'an attribute of unknown kind',
    model: conv({ group: { type: 77 as never } }),
    message: /attribute group has unknown kind 77/,
  },
  {
    name: 'an attribute that stands twice',
    model: only({
      ...node('Neg', ['x'], ['y']),
      opType: 'Softmax',
      attribute: [
        { name: 'axis', type: 2, i: 1 },
        { name: 'axis', type: 2, i: 2 },
      ],
    }),
    message: 'Softmax "y": attribute "axis" is given twice.',
  },
  {
    name: 'Cast without a type',
    model: only(node('Cast', ['x'], ['y'])),
    message: 'Cast "y": attribute to is missing.',
  },
  {
    name: 'Cast to a type that does not exist',
    model: only(node('Cast', ['x'], ['y'], { to: 99 })),
    message: 'Cast "y": attribute to is 99, which is no element type.',
  },
  { name: 'Conv of group 0', model: conv({ group: 0 }), message: /^error: Conv "y": .*group/ },
  { name: 'Conv of group 3 over 4 channels', model: conv({ group: 3 }), message: /^error: Conv "y": .*group/ },
  { name: 'Conv with stride 0', model: conv({ strides: [0, 1] }), message: /^error: Conv "y": .*strides/ },
  { name: 'Conv with dilation -1', model: conv({ dilations: [-1, 1] }), message: /^error: Conv "y": .*dilations/ },
  { name: 'Conv with negative pads', model: conv({ pads: [-1, -1, -1, -1] }), message: /^error: Conv "y": .*pad/ },
  {
    name: 'Conv with too few pads',
    model: conv({ pads: [1, 1] }),
    message: 'Conv "y": pads has 2 entries; expected 4.',
  },
  {
    name: 'Conv with an auto_pad that does not exist',
    model: conv({ auto_pad: 'SAME' }),
    message: /^error: Conv "y": attribute auto_pad is "SAME"; legal are/,
  },
  {
    name: 'Conv with another kernel_shape than its weights',
    model: conv({ kernel_shape: [5, 5] }),
    message: /^error: Conv "y": .*kernel/,
  },
  { name: 'MaxPool with kernel 0', model: pool({ kernel_shape: [0, 3] }), message: /^error: MaxPool "y": .*kernel/ },
  { name: 'MaxPool without a kernel', model: pool({}), message: 'MaxPool "y": attribute kernel_shape is missing.' },
  {
    name: 'MaxPool with a kernel larger than its input',
    model: pool({ kernel_shape: [9, 9] }),
    message: /^error: MaxPool "y": /,
  },
  {
    name: 'LeakyRelu with alpha as a text',
    model: only(node('LeakyRelu', ['x'], ['y'], { alpha: 'x' })),
    message: /alpha must be of kind float, got string/,
  },
  {
    name: 'Resize with a mode that does not exist',
    model: only(node('Resize', ['x', '', 's'], ['y'], { mode: 'magic' }), { initializer: [floats('s', [1, 1, 2, 2])] }),
    message: /^error: Resize "y": attribute mode is "magic"; legal are/,
  },
  {
    name: 'Resize with a scale below zero',
    model: only(node('Resize', ['x', '', 's'], ['y']), { initializer: [floats('s', [1, 1, -2, 2])] }),
    message: /^error: Resize "y": /,
  },
  {
    name: 'BatchNormalization without its statistics',
    model: only(node('BatchNormalization', ['x', 's', 's'], ['y'], { epsilon: float(1e-5) }), {
      initializer: [floats('s', [1, 1, 1, 1])],
    }),
    message: /^error: BatchNormalization "y": input \w+ is missing/,
  },
  {
    name: 'LSTM with an end beyond its sequence',
    model: makeModel({
      input: [port('x', [3, 2, 1])],
      output: [port('y', undefined)],
      node: [node('LSTM', ['x', 'w', 'w', '', 'ends'], ['y'], { hidden_size: 1 })],
      initializer: [floats('w', [1, 1, 1, 1], [1, 4, 1]), { name: 'ends', dataType: 6, dims: [2], int32Data: [3, 4] }],
    }),
    message: 'LSTM "y": sequence_lens has an entry of 4; the sequence has 3 elements.',
  },
  {
    name: 'Constant without a value',
    model: only(node('Constant', [], ['y'])),
    message: 'Constant "y": Constant has no value.',
  },
];
