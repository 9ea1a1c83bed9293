// Shapes that an operator cannot take, and axes that do not exist.

import { type AttributeInput, ints, makeModel, node, port, type TensorParts } from '../onnx/make-model.ts';
import type { BadCase } from './case.ts';

type Shapes = readonly (readonly number[])[];

/** One node named y over inputs a, b, c of these shapes, and constants. */
function model(
  opType: string,
  shapes: Shapes,
  attributes: Readonly<Record<string, AttributeInput>> = {},
  constants: readonly TensorParts[] = [],
): Uint8Array {
  const names = shapes.map((_, position) => 'abc'[position]!);
  return makeModel({
    input: shapes.map((shape, position) => port(names[position]!, shape)),
    output: [port('y', undefined)],
    node: [node(opType, [...names, ...constants.map(({ name }) => name ?? '')], ['y'], attributes)],
    initializer: [...constants],
  });
}

const reshape = (shape: readonly number[], target: readonly number[], allowZero = 0): Uint8Array =>
  model('Reshape', [shape], allowZero ? { allowzero: 1 } : {}, [ints('shape', target)]);

export const shapeCases: readonly BadCase[] = [
  {
    name: 'Add of shapes that do not broadcast',
    model: model('Add', [
      [2, 3],
      [2, 4],
    ]),
    message: /^error: Add "y": /,
  },
  {
    name: 'MatMul of 3 columns and 4 rows',
    model: model('MatMul', [
      [2, 3],
      [4, 5],
    ]),
    message: /^error: MatMul "y": /,
  },
  { name: 'MatMul of a scalar', model: model('MatMul', [[], [4, 5]]), message: /^error: MatMul "y": / },
  {
    name: 'MatMul of batches that differ',
    model: model('MatMul', [
      [2, 3, 4],
      [3, 4, 5],
    ]),
    message: /^error: MatMul "y": /,
  },
  {
    name: 'Gemm of rank 3',
    model: model('Gemm', [
      [2, 3, 4],
      [4, 5],
    ]),
    message: /^error: Gemm "y": .*rank/,
  },
  {
    name: 'Gemm with a C that does not broadcast',
    model: model('Gemm', [[2, 3], [3, 5], [4]]),
    message: /^error: Gemm "y": /,
  },
  {
    name: 'Conv of rank 2',
    model: model('Conv', [
      [4, 8],
      [4, 8],
    ]),
    message: /^error: Conv "y": .*rank/,
  },
  {
    name: 'Conv of 3 channels with weights for 4',
    model: model('Conv', [
      [1, 3, 8, 8],
      [8, 4, 3, 3],
    ]),
    message: /^error: Conv "y": .*4.*3|^error: Conv "y": .*3.*4/,
  },
  {
    name: 'Conv with a bias of another length',
    model: model('Conv', [[1, 4, 8, 8], [8, 4, 3, 3], [7]]),
    message: /^error: Conv "y": .*B/,
  },
  {
    name: 'Conv with a kernel larger than its input',
    model: model('Conv', [
      [1, 4, 2, 2],
      [8, 4, 3, 3],
    ]),
    message: /^error: Conv "y": /,
  },
  {
    name: 'ConvTranspose with weights for other channels',
    model: model('ConvTranspose', [
      [1, 3, 8, 8],
      [4, 8, 3, 3],
    ]),
    message: /^error: ConvTranspose "y": /,
  },
  {
    name: 'Concat of ranks that differ',
    model: model(
      'Concat',
      [
        [2, 3],
        [2, 3, 1],
      ],
      { axis: 0 },
    ),
    message: /^error: Concat "y": /,
  },
  {
    name: 'Concat of sizes that differ',
    model: model(
      'Concat',
      [
        [2, 3],
        [2, 4],
      ],
      { axis: 0 },
    ),
    message: /^error: Concat "y": /,
  },
  {
    name: 'Concat along axis 5',
    model: model(
      'Concat',
      [
        [2, 3],
        [2, 3],
      ],
      { axis: 5 },
    ),
    message: /^error: Concat "y": ax[ei]s is 5; rank 2 allows -2 to 1/,
  },
  {
    name: 'Concat without an axis',
    model: model('Concat', [
      [2, 3],
      [2, 3],
    ]),
    message: 'Concat "y": attribute axis is missing.',
  },
  { name: 'Reshape to another number of elements', model: reshape([2, 3], [4, 2]), message: /^error: Reshape "y": / },
  { name: 'Reshape with two unknown sizes', model: reshape([2, 3], [-1, -1]), message: /^error: Reshape "y": / },
  { name: 'Reshape to -2', model: reshape([2, 3], [-2, -3]), message: /^error: Reshape "y": / },
  {
    name: 'Reshape with an unknown size that does not divide',
    model: reshape([2, 3], [4, -1]),
    message: /^error: Reshape "y": /,
  },
  {
    name: 'Reshape that copies a size that is not there',
    model: reshape([2, 3], [6, 1, 0]),
    message: /^error: Reshape "y": /,
  },
  {
    name: 'Reshape with 0 and -1 where zeros are allowed',
    model: reshape([0, 3], [0, -1], 1),
    message: /^error: Reshape "y": /,
  },
  {
    name: 'Transpose with an axis twice',
    model: model('Transpose', [[2, 3, 4]], { perm: [0, 0, 1] }),
    message: /^error: Transpose "y": .*perm/,
  },
  {
    name: 'Transpose with too few axes',
    model: model('Transpose', [[2, 3, 4]], { perm: [1, 0] }),
    message: /^error: Transpose "y": .*perm/,
  },
  {
    name: 'Transpose with axis 3 of 3',
    model: model('Transpose', [[2, 3, 4]], { perm: [0, 1, 3] }),
    message: /^error: Transpose "y": .*perm/,
  },
  {
    name: 'Softmax along axis 2 of 2',
    model: model('Softmax', [[2, 3]], { axis: 2 }),
    message: /^error: Softmax "y": ax[ei]s is 2; rank 2 allows -2 to 1/,
  },
  {
    name: 'ReduceSum along an axis twice',
    model: model('ReduceSum', [[2, 3]], {}, [ints('axes', [1, -1])]),
    message: /^error: ReduceSum "y": .*twice/,
  },
  {
    name: 'ReduceMean along axis -3 of 2',
    model: model('ReduceMean', [[2, 3]], { axes: [-3] }),
    message: /^error: ReduceMean "y": ax[ei]s is -3; rank 2 allows -2 to 1/,
  },
  {
    name: 'Squeeze of a size that is not 1',
    model: model('Squeeze', [[2, 3]], {}, [ints('axes', [0])]),
    message: /^error: Squeeze "y": /,
  },
  {
    name: 'Unsqueeze at an axis twice',
    model: model('Unsqueeze', [[2, 3]], {}, [ints('axes', [0, 0])]),
    message: /^error: Unsqueeze "y": /,
  },
  {
    name: 'Slice with steps of 0',
    model: model('Slice', [[4]], {}, [ints('s', [0]), ints('e', [4]), ints('ax', [0]), ints('st', [0])]),
    message: 'Slice "y": steps contain 0.',
  },
  {
    name: 'Slice with lists of different lengths',
    model: model('Slice', [[4, 4]], {}, [ints('s', [0, 0]), ints('e', [4])]),
    message: /^error: Slice "y": .*equally many/,
  },
  {
    name: 'Split into parts that do not add up',
    model: model('Split', [[6]], {}, [ints('split', [2, 2])]),
    message: /^error: Split "y": /,
  },
  {
    name: 'Gather along axis 4 of 2',
    model: model('Gather', [[2, 3]], { axis: 4 }, [ints('i', [0])]),
    message: /^error: Gather "y": ax[ei]s is 4; rank 2 allows -2 to 1/,
  },
  {
    name: 'Expand to a shape that does not broadcast',
    model: model('Expand', [[3]], {}, [ints('shape', [4])]),
    message: /^error: Expand "y": /,
  },
  {
    name: 'Tile with too few repeats',
    model: model('Tile', [[2, 3]], {}, [ints('repeats', [2])]),
    message: /^error: Tile "y": /,
  },
  {
    name: 'Pad with pads for another rank',
    model: model('Pad', [[2, 3]], {}, [ints('pads', [1, 1])]),
    message: /^error: Pad "y": /,
  },
  {
    name: 'Einsum with an equation for three operands',
    model: model(
      'Einsum',
      [
        [2, 3],
        [3, 4],
      ],
      { equation: 'ij,jk,kl->il' },
    ),
    message: /^error: Einsum "y": /,
  },
  {
    name: 'Einsum with a letter of two sizes',
    model: model(
      'Einsum',
      [
        [2, 3],
        [4, 5],
      ],
      { equation: 'ij,jk->ik' },
    ),
    message: /^error: Einsum "y": /,
  },
  {
    name: 'TopK of more than there are',
    model: model('TopK', [[3]], {}, [ints('k', [5])]),
    message: /^error: TopK "y": /,
  },
  {
    name: 'DepthToSpace of channels that do not divide',
    model: model('DepthToSpace', [[1, 6, 2, 2]], { blocksize: 2 }),
    message: /^error: DepthToSpace "y": /,
  },
  {
    name: 'LSTM with weights of another hidden size',
    model: model(
      'LSTM',
      [
        [5, 1, 3],
        [1, 16, 3],
        [1, 16, 5],
      ],
      { hidden_size: 4 },
    ),
    message: /^error: LSTM "y": /,
  },
];
