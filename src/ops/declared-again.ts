// What the Builder is told of the outputs of a node that is made anew.

import type { Node, Type } from '../../ir/graph.ts';
import { upperBound } from '../../ir/upper-bound.ts';

/** The types as they were, but sizes that the node itself finds out are only bounds: it may find them out again. */
export const declaredAgain = (node: Node): readonly Type[] =>
  node.outputs.map(({ type }) =>
    type.kind === 'tensor'
      ? { ...type, shape: type.shape.map((size) => (node.sizes.some((own) => own === size) ? upperBound(size) : size)) }
      : type,
  );
