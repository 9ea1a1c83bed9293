// Sizes that nothing can hold, in the file, in shapes, and in what a few bytes of constants ask for.

import { floats, graph, ints, makeModel, type NodeParts, node, type PortParts, port } from '../onnx/make-model.ts';
import type { BadCase } from './case.ts';

const x = port('x', [2]);
const model = (
  nodes: readonly NodeParts[],
  initializer: Parameters<typeof makeModel>[0]['initializer'] = [],
  input: readonly PortParts[] = [x],
): Uint8Array =>
  makeModel({ input: [...input], output: [port('y', undefined)], node: [...nodes], initializer: initializer ?? [] });
const negated = (shape: readonly number[]): Uint8Array => model([node('Neg', ['x'], ['y'])], [], [port('x', shape)]);
const tera = 2 ** 40;
const stored = (tensor: object): Uint8Array => model([node('Add', ['x', 'w'], ['y'])], [tensor]);

export const sizeCases: readonly BadCase[] = [
  { name: 'a dimension of 2^40 floats', model: negated([tera]), message: /^error: input "x": .*bytes/ },
  {
    name: 'a dimension of INT64_MAX',
    model: negated([2 ** 62]),
    message: /^error: input "x": dimension \d+ is too large/,
  },
  { name: 'dimensions whose product overflows', model: negated([tera, tera, tera]), message: /^error: input "x": / },
  { name: 'eight dimensions of 1000', model: negated(new Array(8).fill(1000)), message: /^error: input "x": / },
  {
    name: 'ConstantOfShape of terabytes',
    model: model([node('ConstantOfShape', ['s'], ['y'])], [ints('s', [tera, 4])]),
    message: /^error: ConstantOfShape "y": /,
  },
  {
    name: 'ConstantOfShape of a negative size',
    model: model([node('ConstantOfShape', ['s'], ['y'])], [ints('s', [2, -3])]),
    message: /^error: ConstantOfShape "y": .*-3/,
  },
  {
    name: 'ConstantOfShape of INT64_MAX',
    model: model([node('ConstantOfShape', ['s'], ['y'])], [ints('s', [2 ** 62])]),
    message: /^error: ConstantOfShape "y": /,
  },
  {
    name: 'Tile by 2^40',
    model: model([node('Tile', ['x', 'r'], ['y'])], [ints('r', [tera])]),
    message: /^error: Tile "y": /,
  },
  {
    name: 'Tile by a negative count',
    model: model([node('Tile', ['x', 'r'], ['y'])], [ints('r', [-1])]),
    message: /^error: Tile "y": /,
  },
  {
    name: 'Expand to terabytes',
    model: model([node('Expand', ['x', 's'], ['y'])], [ints('s', [tera, tera, 2])]),
    message: /^error: Expand "y": /,
  },
  {
    name: 'Range of 10^15 numbers',
    model: model(
      [node('Range', ['a', 'b', 'c'], ['y'])],
      [ints('a', [0], []), ints('b', [1e15], []), ints('c', [1], [])],
    ),
    message: /^error: Range "y": /,
  },
  {
    name: 'Range by steps of 0',
    model: model(
      [node('Range', ['a', 'b', 'c'], ['y'])],
      [ints('a', [0], []), ints('b', [10], []), ints('c', [0], [])],
    ),
    message: /^error: Range "y": /,
  },
  {
    name: 'Resize by 10^12',
    model: model([node('Resize', ['x', '', 's'], ['y'])], [floats('s', [1e12])]),
    message: /^error: Resize "y": /,
  },
  {
    name: 'Resize by infinity',
    model: model([node('Resize', ['x', '', 's'], ['y'])], [floats('s', [Number.POSITIVE_INFINITY])]),
    message: /^error: Resize "y": /,
  },
  {
    name: 'Resize by NaN',
    model: model([node('Resize', ['x', '', 's'], ['y'])], [floats('s', [Number.NaN])]),
    message: /^error: Resize "y": /,
  },
  {
    name: 'Pad by 2^50',
    model: model([node('Pad', ['x', 'p'], ['y'])], [ints('p', [2 ** 50, 0])]),
    message: /^error: Pad "y": /,
  },
  {
    name: 'OneHot of depth 10^13',
    model: model(
      [node('OneHot', ['i', 'd', 'v'], ['y'])],
      [ints('i', [0]), ints('d', [1e13], []), floats('v', [0, 1])],
    ),
    message: /^error: OneHot "y": /,
  },
  {
    name: 'tiles of tiles of tiles',
    model: model(
      Array.from({ length: 60 }, (_, i) =>
        node('Concat', [i === 0 ? 'x' : `v${i}`, i === 0 ? 'x' : `v${i}`], [i === 59 ? 'y' : `v${i + 1}`], { axis: 0 }),
      ),
    ),
    message: /^error: Concat "v\d+": /,
  },
  {
    name: 'a Loop of 10^15 turns that keeps each result',
    model: model(
      [
        node('Loop', ['m', ''], ['y'], {
          body: graph({
            input: [port('i', [], 'int64'), port('c', [], 'bool')],
            node: [node('Identity', ['c'], ['more']), node('Neg', ['x'], ['kept'])],
            output: [port('more', [], 'bool'), port('kept', [2])],
          }),
        }),
      ],
      [ints('m', [1e15], [])],
    ),
    message: /^error: Loop "y": /,
  },
  {
    name: 'raw data that is too short',
    model: stored({ ...floats('w', [1, 2]), dims: [3] }),
    message: 'tensor "w": Shape [3] and the data disagree: expected 12 (3 × float32), got 8 bytes.',
  },
  {
    name: 'raw data that is too long',
    model: stored({ ...floats('w', [1, 2]), dims: [1] }),
    message: /^error: tensor "w": /,
  },
  {
    name: 'raw and typed data at once',
    model: stored({ ...floats('w', [1, 2]), floatData: [1, 2] }),
    message: /^error: tensor "w": /,
  },
  {
    name: 'too few typed numbers',
    model: stored({ name: 'w', dataType: 1, dims: [3], floatData: [1, 2] }),
    message: /^error: tensor "w": /,
  },
  {
    name: 'typed data in the wrong field',
    model: stored({ name: 'w', dataType: 1, dims: [2], int64Data: [1, 2] }),
    message: /^error: tensor "w": /,
  },
  {
    name: 'a tensor with a dimension of -1',
    model: stored({ ...floats('w', [1, 2]), dims: [-1] }),
    message: /^error: tensor "w": /,
  },
  {
    name: 'a tensor with huge dimensions and no data',
    model: stored({ name: 'w', dataType: 1, dims: [tera, tera] }),
    message: /^error: tensor "w": /,
  },
  { name: 'a tensor without a type', model: stored({ name: 'w', dims: [2] }), message: /^error: tensor "w": / },
];
