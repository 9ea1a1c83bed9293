// Sizes that only a run finds out: written to a small buffer, checked, and named for all steps that follow.

import { and, cast, int, le, load, lt, variable } from '../../ir/expr-make.ts';
import type { Node } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { block, check, letIn, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { makeKernel } from './make-kernel.ts';
import { callOf, inline, type LowerState } from './state.ts';

/** The sizes that the inputs' elements say, each checked to be within its bounds. */
export function findSizes(node: Node, state: LowerState): void {
  state.lowered.add(node);
  const sizes = sizesBuffer(node);
  const stores = node.sizes.map((size, position) => {
    const value = simplify(inline(node.sizeValues![position]!, state));
    const name = variable(size.name, 'index');
    const legal = check(and(le(int(0), name), lt(name, size.extent!)), 'shape');
    return letIn(name, value, block([legal, store(sizes, [int(position)], cast(name, 'int64'))]));
  });
  state.steps.push(callOf(makeKernel('sizes', block(stores))));
  nameSizes(node, sizes, state);
}

export const sizesBuffer = (node: Node): Buffer => ({
  name: `${node.name}_sizes`,
  dtype: 'int64',
  shape: [int(node.sizes.length)],
  memory: 'argument',
});

/** What the run found is from now on known by name. */
export function nameSizes(node: Node, sizes: Buffer, state: LowerState): void {
  for (const [position, size] of node.sizes.entries()) {
    state.steps.push({ kind: 'let', variable: size, value: cast(load(sizes, [int(position)]), 'index') });
    state.computedDims.push(size);
  }
}
