// TreeEnsembleRegressor, TreeEnsembleClassifier and TreeEnsemble of ai.onnx.ml.

import type { DType } from '../../ir/dtype.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Add, Div } from './arithmetic.ts';
import {
  intAttribute,
  optionalFloats,
  optionalInts,
  optionalStrings,
  optionalTensor,
  requiredInt,
  requiredInts,
  stringAttribute,
} from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Where } from './logic.ts';
import { classicForest, nodeAttributes, numbersIn, tensorDtype } from './ml-classic-trees.ts';
import { classify, labelTypes } from './ml-classify.ts';
import { applyForest } from './ml-forest.ts';
import { type Branch, branchModes, type Forest, type Place, tablesOf, vector } from './ml-forest-tables.ts';
import { asRows, checkRows, inputType, mlDomain, rowsOf } from './ml-inputs.ts';
import { postTransform, postTransforms, transformed } from './ml-post-transform.ts';
import { floatTypes, tensorOf, typeSet } from './types.ts';
import { IsInf } from './unary.ts';

/** A forest of which each list is legal, with targets below `count`. */
function checkForest(forest: Forest, count: number, X: Operand, context: TypeContext): void {
  tablesOf(forest, (rule) => context.fail(rule));
  const width = constantOf(X.shape.at(-1)!);
  for (const { feature } of forest.branches) {
    if (feature < 0 || (width !== undefined && feature >= width)) {
      context.fail(`a node asks for feature ${feature}; X has ${width}.`);
    }
  }
  for (const { target } of forest.leaves.flat()) {
    if (target < 0 || target >= count) context.fail(`a leaf adds to target ${target}; there are ${count}.`);
  }
}

const never = (rule: string): never => {
  throw new RangeError(rule);
};

/** Base values as a row, where there are any. */
function withBase(g: Builder, scores: Value, base: readonly number[]): Value {
  return base.length === 0 ? scores : g.apply(Add, [scores, vector(g, base, tensorTypeOf(scores).dtype)]);
}

interface Aggregation {
  readonly aggregate: string;
  readonly trees: number;
  readonly base: readonly number[];
  readonly post: string;
}

function finished(g: Builder, scores: Value, { aggregate, trees, base, post }: Aggregation): Value {
  const mean = aggregate === 'AVERAGE' ? g.apply(Div, [scores, scalarLike(g, scores, Math.max(1, trees))]) : scores;
  const sum = withBase(g, mean, base);
  if (reducer(aggregate) === 'sum') return transformed(g, sum, post);
  // The extreme of nothing is zero.
  const reached = g.apply(Where, [g.apply(IsInf, [scores]), scalarLike(g, scores, 0), sum]);
  return transformed(g, reached, post);
}

const reducer = (aggregate: string): string => (aggregate === 'MIN' ? 'min' : aggregate === 'MAX' ? 'max' : 'sum');

const aggregates = ['AVERAGE', 'SUM', 'MIN', 'MAX'];

/** The type in which scores are formed. */
const scoreType = (X: DType, ...tensors: readonly (Value | undefined)[]): DType =>
  X === 'float64' || tensors.some((tensor) => tensorDtype(tensor) === 'float64') ? 'float64' : 'float32';

const regressorAttributes = {
  ...nodeAttributes,
  aggregate_function: stringAttribute('SUM', aggregates),
  n_targets: intAttribute(1),
  post_transform: postTransform,
  target_ids: optionalInts,
  target_nodeids: optionalInts,
  target_treeids: optionalInts,
  target_weights: optionalFloats,
  target_weights_as_tensor: optionalTensor,
};

interface TargetLists {
  readonly target_ids: readonly number[] | undefined;
  readonly target_nodeids: readonly number[] | undefined;
  readonly target_treeids: readonly number[] | undefined;
  readonly target_weights: readonly number[] | undefined;
  readonly target_weights_as_tensor: Value | undefined;
}

const targetEntries = (given: TargetLists) => ({
  trees: given.target_treeids ?? [],
  nodes: given.target_nodeids ?? [],
  targets: given.target_ids ?? [],
  weights: numbersIn(given.target_weights, given.target_weights_as_tensor),
});

export const TreeEnsembleRegressor = op('TreeEnsembleRegressor', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: regressorAttributes,
  types: { X: inputType },
  since: 3,
  type: ({ X }, attributes, context) => {
    checkRows(X, context);
    const forest = classicForest(attributes, targetEntries(attributes), (rule) => context.fail(rule));
    checkForest(forest, attributes.n_targets, X, context);
    return tensorOf('float32', [rowsOf(X), int(attributes.n_targets)]);
  },
  expand: ({ X }, attributes, g) => {
    const { aggregate_function: aggregate, n_targets, post_transform: post } = attributes;
    const forest = classicForest(attributes, targetEntries(attributes), never);
    const dtype = scoreType(
      tensorTypeOf(X).dtype,
      attributes.nodes_values_as_tensor,
      attributes.target_weights_as_tensor,
    );
    const scores = applyForest(g, asRows(g, X), tablesOf(forest, never), n_targets, reducer(aggregate), dtype);
    const base = numbersIn(attributes.base_values, attributes.base_values_as_tensor);
    const trees = forest.roots.length;
    return castTo(g, finished(g, scores, { aggregate, trees, base, post }), 'float32');
  },
});

const classifierAttributes = {
  ...nodeAttributes,
  class_ids: optionalInts,
  class_nodeids: optionalInts,
  class_treeids: optionalInts,
  class_weights: optionalFloats,
  class_weights_as_tensor: optionalTensor,
  classlabels_int64s: optionalInts,
  classlabels_strings: optionalStrings,
  post_transform: postTransform,
};

interface ClassLists {
  readonly class_ids: readonly number[] | undefined;
  readonly class_nodeids: readonly number[] | undefined;
  readonly class_treeids: readonly number[] | undefined;
  readonly class_weights: readonly number[] | undefined;
  readonly class_weights_as_tensor: Value | undefined;
}

const classEntries = (given: ClassLists) => ({
  trees: given.class_treeids ?? [],
  nodes: given.class_nodeids ?? [],
  targets: given.class_ids ?? [],
  weights: numbersIn(given.class_weights, given.class_weights_as_tensor),
});

export const TreeEnsembleClassifier = op('TreeEnsembleClassifier', {
  domain: mlDomain,
  inputs: ['X'],
  outputs: ['Y', 'Z'],
  attributes: classifierAttributes,
  types: { X: inputType },
  since: 3,
  type: ({ X }, attributes, context) => {
    checkRows(X, context);
    const labels = attributes.classlabels_int64s ?? attributes.classlabels_strings ?? [];
    if (labels.length === 0) context.fail('classlabels are missing.');
    const forest = classicForest(attributes, classEntries(attributes), (rule) => context.fail(rule));
    checkForest(forest, labels.length, X, context);
    return labelTypes(rowsOf(X), labels, labels.length);
  },
  expand: ({ X }, attributes, g) => {
    const labels = attributes.classlabels_int64s ?? attributes.classlabels_strings ?? [];
    const entries = classEntries(attributes);
    const forest = classicForest(attributes, entries, never);
    const dtype = scoreType(
      tensorTypeOf(X).dtype,
      attributes.nodes_values_as_tensor,
      attributes.class_weights_as_tensor,
    );
    const scores = applyForest(g, asRows(g, X), tablesOf(forest, never), labels.length, 'sum', dtype);
    const base = numbersIn(attributes.base_values, attributes.base_values_as_tensor);
    const used = [...new Set(entries.targets)];
    const positive = entries.weights.every((weight) => weight >= 0);
    const [Y, Z] = classify(g, scores, { labels, base, used, positive, post: attributes.post_transform });
    return [Y, castTo(g, Z, 'float32')];
  },
});

const ensembleAttributes = {
  aggregate_function: intAttribute(1, [0, 1, 2, 3]),
  leaf_targetids: requiredInts,
  leaf_weights: optionalTensor,
  membership_values: optionalTensor,
  n_targets: requiredInt,
  nodes_falseleafs: requiredInts,
  nodes_falsenodeids: requiredInts,
  nodes_featureids: requiredInts,
  nodes_hitrates: optionalTensor,
  nodes_missing_value_tracks_true: optionalInts,
  nodes_modes: optionalTensor,
  nodes_splits: optionalTensor,
  nodes_trueleafs: requiredInts,
  nodes_truenodeids: requiredInts,
  post_transform: intAttribute(0, [0, 1, 2, 3, 4]),
  tree_roots: requiredInts,
};

interface EnsembleLists {
  readonly leaf_targetids: readonly number[];
  readonly leaf_weights: Value | undefined;
  readonly membership_values: Value | undefined;
  readonly nodes_falseleafs: readonly number[];
  readonly nodes_falsenodeids: readonly number[];
  readonly nodes_featureids: readonly number[];
  readonly nodes_missing_value_tracks_true: readonly number[] | undefined;
  readonly nodes_modes: Value | undefined;
  readonly nodes_splits: Value | undefined;
  readonly nodes_trueleafs: readonly number[];
  readonly nodes_truenodeids: readonly number[];
  readonly tree_roots: readonly number[];
}

/** Values of set memberships stand in a row, a NaN after those of each node. */
function membersOf(modes: readonly number[], values: readonly number[]): readonly (readonly number[])[] {
  let at = 0;
  return modes.map((mode) => {
    if (branchModes[mode] !== 'MEMBER') return [];
    const start = at;
    while (at < values.length && !Number.isNaN(values[at])) at++;
    at++;
    return values.slice(start, at - 1);
  });
}

function ensembleForest(lists: EnsembleLists, fail: (rule: string) => never): Forest {
  const modes = numbersIn(undefined, lists.nodes_modes);
  const splits = numbersIn(undefined, lists.nodes_splits);
  const weights = numbersIn(undefined, lists.leaf_weights);
  const members = membersOf(modes, numbersIn(undefined, lists.membership_values));
  const count = lists.nodes_featureids.length;
  const place = (isLeaf: number, at: number): Place => {
    if (at < 0 || at >= (isLeaf ? weights.length : count)) return fail(`a node leads to ${at}, which does not exist.`);
    return isLeaf ? { leaf: at } : { branch: at };
  };
  const alike = [
    modes,
    splits,
    lists.nodes_trueleafs,
    lists.nodes_falseleafs,
    lists.nodes_truenodeids,
    lists.nodes_falsenodeids,
  ];
  if (alike.some((list) => list.length !== count)) fail('the lists of nodes must be equally long.');
  const branches = lists.nodes_featureids.map(
    (feature, i): Branch => ({
      feature,
      mode: branchModes[modes[i]!] ?? fail(`mode ${modes[i]} of a node is not known.`),
      split: splits[i]!,
      tracksTrue: lists.nodes_missing_value_tracks_true?.[i] === 1,
      members: members[i]!,
      whenTrue: place(lists.nodes_trueleafs[i]!, lists.nodes_truenodeids[i]!),
      whenFalse: place(lists.nodes_falseleafs[i]!, lists.nodes_falsenodeids[i]!),
    }),
  );
  const leaves = weights.map((weight, i) => [{ target: lists.leaf_targetids[i] ?? -1, weight }]);
  return { roots: lists.tree_roots.map((root) => place(0, root)), branches, leaves };
}

export const TreeEnsemble = op('TreeEnsemble', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: ensembleAttributes,
  types: { X: typeSet('T', floatTypes) },
  since: 5,
  type: ({ X }, attributes, context) => {
    checkRows(X, context);
    const forest = ensembleForest(attributes, (rule) => context.fail(rule));
    checkForest(forest, attributes.n_targets, X, context);
    return tensorOf(X.dtype, [rowsOf(X), int(attributes.n_targets)]);
  },
  expand: ({ X }, attributes, g) => {
    const forest = ensembleForest(attributes, never);
    const { dtype } = tensorTypeOf(X);
    const aggregate = aggregates[attributes.aggregate_function]!;
    const wide = dtype === 'float64' ? dtype : 'float32';
    const { n_targets: count } = attributes;
    const scores = applyForest(g, asRows(g, X), tablesOf(forest, never), count, reducer(aggregate), wide);
    const post = postTransforms[[0, 2, 1, 3, 4][attributes.post_transform]!]!;
    return castTo(g, finished(g, scores, { aggregate, trees: forest.roots.length, base: [], post }), dtype);
  },
});
