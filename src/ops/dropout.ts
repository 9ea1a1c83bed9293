// Dropout: the identity, unless it is told to train.

import { and, bool, cast, constant, div, le, mul, ne, select, sub } from '../../ir/expr-make.ts';
import { accumulatorType } from './accumulate.ts';
import { flatPosition } from './arg-extreme.ts';
import { optionalInt } from './attributes.ts';
import { op } from './define.ts';
import { without } from './legacy.ts';
import { uniform } from './random-bits.ts';
import { float8Types, floatTypes, scalarOf, tensorOf, typeSet } from './types.ts';

/** In training, drops each element with probability `ratio` and scales the others by 1 / (1 - ratio). */
export const Dropout = op('Dropout', {
  inputs: ['data', 'ratio?', 'training_mode?'],
  attributes: { seed: optionalInt },
  types: {
    data: typeSet('T', [...floatTypes, ...float8Types]),
    ratio: typeSet('T1', [...floatTypes, ...float8Types]),
    training_mode: typeSet('T2', ['bool']),
  },
  outputs: ['output', 'mask?'],
  since: 22,
  // Before opset 12 the ratio was an attribute and the operator meant inference.
  until: { ratio: 12, is_test: 7, consumed_inputs: 6 },
  upgrade: (node) => without(node, 'ratio', 'is_test', 'consumed_inputs'),
  type: ({ data }) => [tensorOf(data.dtype, data.shape), tensorOf('bool', data.shape)],
  compute: ({ data, ratio, training_mode }, { seed }, index, { output }) => {
    const x = data.at(...index);
    const training = training_mode ? scalarOf(training_mode) : bool(false);
    const rate = ratio ? cast(scalarOf(ratio), 'float32') : constant(0.5, 'float32');
    const active = and(training, ne(rate, constant(0, 'float32')));
    const position = flatPosition(
      data.shape,
      data.shape.map((_, axis) => axis),
      index,
    );
    const kept = le(rate, uniform(seed ?? 0, position));
    if (output === 1) return select(active, kept, bool(true));
    const wide = accumulatorType(x.dtype);
    const one = constant(1, wide);
    const scaled = cast(mul(cast(x, wide), div(one, sub(one, cast(rate, wide)))), x.dtype);
    return select(active, select(kept, scaled, constant(0, x.dtype)), x);
  },
});
