// Cases of the tree ensembles of ai.onnx.ml.

import { type Attributes, floats, int, ints, strings, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { type Generator, type Generators, oneNode, optional } from './generator.ts';
import { close, domain, inputTypes, reals, rows, shuffled, transform } from './machine-learning.ts';

interface Nodes {
  readonly tree: number[];
  readonly node: number[];
  readonly feature: number[];
  readonly value: number[];
  readonly mode: string[];
  readonly yes: number[];
  readonly no: number[];
  readonly leaves: { readonly tree: number; readonly node: number }[];
}

/** Adds a tree in the order of a walk; gives the number of its root. */
function growTree(draw: Draw, nodes: Nodes, tree: number, width: number, depth: number): void {
  let next = 0;
  const grow = (left: number): number => {
    const own = next++;
    const at = nodes.node.length;
    const isLeaf = left === 0 || draw.chance(20);
    nodes.tree.push(tree);
    nodes.node.push(own);
    nodes.feature.push(isLeaf ? 0 : draw.integer(0, width - 1));
    nodes.value.push(isLeaf ? 0 : draw.integer(-8, 8) / 4);
    nodes.mode.push(
      isLeaf ? 'LEAF' : draw.pick(['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GT', 'BRANCH_GTE', 'BRANCH_EQ', 'BRANCH_NEQ']),
    );
    nodes.yes.push(0);
    nodes.no.push(0);
    if (isLeaf) nodes.leaves.push({ tree, node: own });
    else {
      nodes.yes[at] = grow(left - 1);
      nodes.no[at] = grow(left - 1);
    }
    return own;
  };
  grow(depth);
}

const trees =
  (classifier: boolean): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const [width, count] = [draw.integer(1, 4), draw.integer(1, 5)];
      const binary = classifier && draw.chance(40);
      // Of two classes that both have leaves ONNX Runtime gives labels 0 and 1, whatever their labels are.
      const targets = binary ? 2 : classifier ? draw.integer(3, 4) : draw.integer(1, 3);
      const nodes: Nodes = { tree: [], node: [], feature: [], value: [], mode: [], yes: [], no: [], leaves: [] };
      for (let tree = 0; tree < count; tree++) growTree(draw, nodes, tree, width, draw.integer(0, 3));
      const ids = nodes.leaves.map(() => (binary ? 0 : draw.integer(0, targets - 1)));
      const prefix = classifier ? 'class' : 'target';
      // A class to which no leaf adds has the score 0, but ONNX Runtime never elects it.
      const positive = classifier ? !binary || draw.chance(50) : draw.chance(50);
      const weights = reals(draw, ids.length).map((weight) => (positive ? Math.max(Math.abs(weight), 0.25) : weight));
      // Where no leaf adds to a target ONNX Runtime leaves its base value out.
      const base = draw.chance(30) && targets === 1 ? floats(reals(draw, 1)) : undefined;
      const leaves: Attributes = {
        [`${prefix}_treeids`]: ints(nodes.leaves.map(({ tree }) => tree)),
        [`${prefix}_nodeids`]: ints(nodes.leaves.map(({ node }) => node)),
        [`${prefix}_ids`]: ints(ids),
        [`${prefix}_weights`]: floats(weights),
      };
      const own: Attributes = classifier
        ? { classlabels_int64s: ints(shuffled(draw, targets)) }
        : {
            n_targets: int(targets),
            aggregate_function: optional(draw, text(draw.pick(['SUM', 'AVERAGE', 'MIN', 'MAX']))),
          };
      return {
        op: classifier ? 'TreeEnsembleClassifier' : 'TreeEnsembleRegressor',
        inputs: [builder.input(...rows(draw, draw.pick(inputTypes), width))],
        attributes: {
          nodes_treeids: ints(nodes.tree),
          nodes_nodeids: ints(nodes.node),
          nodes_featureids: ints(nodes.feature),
          nodes_values: floats(nodes.value),
          nodes_modes: strings(nodes.mode),
          nodes_truenodeids: ints(nodes.yes),
          nodes_falsenodeids: ints(nodes.no),
          ...leaves,
          ...own,
          base_values: base,
          ...transform(draw),
        },
        outputs: classifier ? 2 : 1,
        domain,
        ...close,
      };
    });

export const treeEnsembles: Generators = {
  TreeEnsembleRegressor: trees(false),
  TreeEnsembleClassifier: trees(true),
};
