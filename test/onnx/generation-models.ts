// Small models that tests of generation share.

import { toBytes } from '../../ir/bytes.ts';
import { floats, ints, node, port } from './make-model.ts';

export const [words, width] = [6, 4];
export const numbers = (count: number, seed: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => ((i * 37 + seed * 11) % 17) / 8 - 1);
export const int32s = (name: string, values: readonly number[], dims: readonly number[] = [values.length]) => ({
  name,
  dataType: 6,
  dims: [...dims],
  rawData: Uint8Array.from(toBytes('int32', values)),
});

/** A decoder with one state: scores come from a token, its position, and the mean of all tokens that the mask keeps. */
export const decoder = {
  name: 'decoder',
  input: [
    port('input_ids', ['batch', 'length'], 'int32'),
    port('position_ids', ['batch', 'length'], 'int32'),
    port('attention_mask', ['batch', 'total'], 'int32'),
    port('past_0', [2, 'batch', 1, 'before', width]),
  ],
  output: [port('logits', ['batch', 'length', words]), port('present_0', [2, 'batch', 1, 'total', width])],
  initializer: [
    floats('table', numbers(words * width, 1), [words, width]),
    floats('places', numbers(16 * width, 2), [16, width]),
    floats('head', numbers(width * words, 3), [width, words]),
    ints('axes', [0, 2]),
    ints('axis3', [3]),
    ints('axis2', [2]),
    ints('mask_axes', [1, 3]),
    ints('zero', [0]),
    ints('one', [1]),
  ],
  node: [
    node('Gather', ['table', 'input_ids'], ['tokens']),
    node('Gather', ['places', 'position_ids'], ['placed']),
    node('Add', ['tokens', 'placed'], ['x']),
    node('Unsqueeze', ['x', 'axes'], ['row']),
    node('Concat', ['row', 'row'], ['pair'], { axis: 0 }),
    node('Concat', ['past_0', 'pair'], ['present_0'], { axis: 3 }),
    node('Slice', ['present_0', 'zero', 'one', 'zero'], ['all']),
    node('Cast', ['attention_mask'], ['kept'], { to: 1 }),
    node('Unsqueeze', ['kept', 'mask_axes'], ['weights']),
    node('Unsqueeze', ['weights', 'zero'], ['spread']),
    node('Mul', ['all', 'spread'], ['masked']),
    node('ReduceSum', ['masked', 'axis3'], ['sum'], { keepdims: 1 }),
    node('Squeeze', ['sum', 'axes'], ['context']),
    node('Add', ['x', 'context'], ['mixed']),
    node('MatMul', ['mixed', 'head'], ['logits']),
  ],
};
