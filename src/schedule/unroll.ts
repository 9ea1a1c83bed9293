// Replaces a loop of constant extent by copies of its body.
//   for i < 3 { body(i) }   →   body(0); body(1); body(2)

import { int } from '../../ir/expr-make.ts';
import { blockOf, constantExtent, instantiate, onLoops, type Step } from './step.ts';

export const unroll =
  (name: string): Step =>
  (kernel) => {
    // Inner loops of the same name do not occur; several sibling loops do.
    return onLoops(kernel, name, (loop) => {
      const count = constantExtent(loop);
      const turns = Array.from({ length: count }, (_, turn) => turn);
      return blockOf(turns.map((turn) => instantiate(loop.body, new Map([[loop.index, int(turn)]]))));
    });
  };
