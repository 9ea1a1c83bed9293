// Trees as ai.onnx.ml 1 to 4 writes them: parallel lists, joined by numbers of trees and nodes.

import { readElement } from '../../ir/bytes.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Value } from '../../ir/graph.ts';
import { intsAttribute, optionalFloats, optionalInts, optionalStrings, optionalTensor } from './attributes.ts';
import { countOf } from './elements.ts';
import { type Branch, branchModes, type Entry, type Forest, type Place } from './ml-forest-tables.ts';

const ids = intsAttribute([]);

export const nodeAttributes = {
  base_values: optionalFloats,
  base_values_as_tensor: optionalTensor,
  nodes_falsenodeids: ids,
  nodes_featureids: ids,
  nodes_hitrates: optionalFloats,
  nodes_hitrates_as_tensor: optionalTensor,
  nodes_missing_value_tracks_true: optionalInts,
  nodes_modes: optionalStrings,
  nodes_nodeids: ids,
  nodes_treeids: ids,
  nodes_truenodeids: ids,
  nodes_values: optionalFloats,
  nodes_values_as_tensor: optionalTensor,
};

export interface NodeLists {
  readonly nodes_falsenodeids: readonly number[];
  readonly nodes_featureids: readonly number[];
  readonly nodes_missing_value_tracks_true: readonly number[] | undefined;
  readonly nodes_modes: readonly string[] | undefined;
  readonly nodes_nodeids: readonly number[];
  readonly nodes_treeids: readonly number[];
  readonly nodes_truenodeids: readonly number[];
  readonly nodes_values: readonly number[] | undefined;
  readonly nodes_values_as_tensor: Value | undefined;
}

/** What leaves add: parallel lists too. */
export interface EntryLists {
  readonly trees: readonly number[];
  readonly nodes: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

/** The numbers of a list attribute, or of the tensor that may stand in its place. */
export function numbersIn(list: readonly number[] | undefined, tensor: Value | undefined): readonly number[] {
  if (!tensor?.constant || tensor.type.kind !== 'tensor') return list ?? [];
  const { dtype } = tensor.type;
  const bytes = tensor.constant;
  return Array.from({ length: countOf(tensor.type) ?? 0 }, (_, i) => Number(readElement(dtype, bytes, i)));
}

export const tensorDtype = (tensor: Value | undefined): DType | undefined =>
  tensor?.type.kind === 'tensor' ? tensor.type.dtype : undefined;

const keyOf = (tree: number, node: number): string => `${tree}:${node}`;

export function classicForest(lists: NodeLists, entries: EntryLists, fail: (rule: string) => never): Forest {
  const { nodes_treeids: trees, nodes_nodeids: nodes, nodes_modes: modes = [] } = lists;
  const count = trees.length;
  const same = [nodes, modes, lists.nodes_featureids, lists.nodes_truenodeids, lists.nodes_falsenodeids];
  if (same.some((list) => list.length !== count)) fail('the lists of nodes must be equally long.');
  const positions = new Map(nodes.map((node, i) => [keyOf(trees[i]!, node), i] as const));
  const splits = numbersIn(lists.nodes_values, lists.nodes_values_as_tensor);
  const leaves = entriesByNode(entries, fail);
  const leafList: (readonly Entry[])[] = [];
  const branchOf = new Map<number, number>();
  const leafOf = new Map<number, number>();
  for (const [i, mode] of modes.entries()) {
    if (mode === 'LEAF') leafOf.set(i, leafList.push(leaves.get(keyOf(trees[i]!, nodes[i]!)) ?? []) - 1);
    else branchOf.set(i, branchOf.size);
  }
  const placeOf = (i: number): Place => {
    const leaf = leafOf.get(i);
    return leaf === undefined ? { branch: branchOf.get(i)! } : { leaf };
  };
  const child = (i: number, node: number): Place => {
    const at = positions.get(keyOf(trees[i]!, node));
    return at === undefined ? fail(`tree ${trees[i]} has no node ${node}.`) : placeOf(at);
  };
  const branches = [...branchOf.keys()].map((i): Branch => {
    const mode = branchModes.find((name) => modes[i] === `BRANCH_${name}`);
    return {
      feature: lists.nodes_featureids[i]!,
      mode: mode ?? fail(`mode ${JSON.stringify(modes[i])} of a node is not known.`),
      split: splits[i] ?? 0,
      tracksTrue: lists.nodes_missing_value_tracks_true?.[i] === 1,
      members: [],
      whenTrue: child(i, lists.nodes_truenodeids[i]!),
      whenFalse: child(i, lists.nodes_falsenodeids[i]!),
    };
  });
  return { roots: rootsOf(lists).map(placeOf), branches, leaves: leafList };
}

/** The first node of each tree. */
function rootsOf({ nodes_treeids }: NodeLists): readonly number[] {
  const first = new Map<number, number>();
  for (const [i, tree] of nodes_treeids.entries()) if (!first.has(tree)) first.set(tree, i);
  return [...first.values()];
}

function entriesByNode(
  { trees, nodes, targets, weights }: EntryLists,
  fail: (rule: string) => never,
): ReadonlyMap<string, readonly Entry[]> {
  const same = [nodes, targets, weights];
  if (same.some((list) => list.length !== trees.length)) fail('the lists of leaf weights must be equally long.');
  const byNode = new Map<string, Entry[]>();
  for (const [i, tree] of trees.entries()) {
    const key = keyOf(tree, nodes[i]!);
    const list = byNode.get(key) ?? [];
    list.push({ target: targets[i]!, weight: weights[i]! });
    byNode.set(key, list);
  }
  return byNode;
}
