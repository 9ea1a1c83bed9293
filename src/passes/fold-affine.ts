// Folds scales and shifts behind a convolution or matrix product into its weights.
//   Y = Conv(X, W, B) * s        →   Y = Conv(X, W * s, B * s)
//   Y = Conv(X, W, B) + t        →   Y = Conv(X, W, B + t)
//   Y = BatchNormalization(X)    →   Y = X * s + t       s = scale / sqrt(variance + epsilon), t = B - mean * s
// s and t are constant, one for each output channel. Only where nothing else reads the product.

import { constantOf, int } from '../../ir/expr-make.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import { reachable } from '../fuse/reachable.ts';
import { tensorType } from '../lower/definition.ts';
import { Add, Div, Mul, Sub } from '../ops/arithmetic.ts';
import { BatchNormalization } from '../ops/batch-normalization.ts';
import { Conv } from '../ops/convolution.ts';
import type { Builder } from '../ops/define.ts';
import { MatMul } from '../ops/matmul.ts';
import { Reshape } from '../ops/reshape.ts';
import { Sqrt } from '../ops/unary.ts';
import { rewriteGraph } from './rewrite.ts';

export const foldAffine = {
  name: 'fold-affine',
  run: (graph: Graph): Graph => {
    const readers = countReaders(graph);
    return rewriteGraph(graph, (node, inputs, g) => {
      if (node.op === BatchNormalization) return normalizationAsAffine(node, inputs, g);
      if (node.op !== Mul && node.op !== Add) return undefined;
      for (const [position, other] of [
        [0, 1],
        [1, 0],
      ] as const) {
        const original = node.inputs[position]!;
        const product = inputs[position]!;
        const constant = inputs[other]!;
        if ((readers.get(original) ?? 0) !== 1 || !isKnown(constant)) continue;
        const folded = node.op === Mul ? scaleProduct(product, constant, g) : shiftProduct(product, constant, g);
        if (folded) return [folded];
      }
      return undefined;
    });
  },
};

function countReaders(graph: Graph): ReadonlyMap<Value, number> {
  const counts = new Map<Value, number>();
  const count = (value: Value | undefined): void => {
    if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  };
  const nodes = new Set<Node>();
  for (const { producer } of reachable(graph.outputs)) if (producer) nodes.add(producer);
  for (const node of nodes) {
    node.inputs.forEach(count);
    for (const attribute of Object.values(node.attributes)) {
      if (typeof attribute === 'object' && 'captures' in attribute) attribute.captures.forEach(count);
    }
  }
  graph.outputs.forEach(count);
  return counts;
}

/** A constant, or computed from constants: it will be folded. */
function isKnown(value: Value): boolean {
  if (value.constant) return true;
  return value.producer?.inputs.every((input) => !input || isKnown(input)) === true;
}

const shapeOf = (value: Value): readonly (number | undefined)[] => tensorType(value).shape.map(constantOf);

function normalizationAsAffine(
  node: Node,
  inputs: readonly (Value | undefined)[],
  g: Builder,
): readonly Value[] | undefined {
  const [X, scale, B, mean, variance] = inputs as readonly Value[];
  if (!X || !scale || !B || !mean || !variance || node.attributes.training_mode === 1) return undefined;
  const { dtype, shape } = tensorType(X);
  const parameters = [scale, B, mean, variance];
  const plain = parameters.every(
    (value) => isKnown(value) && tensorType(value).shape.length === 1 && tensorType(value).dtype === dtype,
  );
  if (!plain || shape.length < 2 || (dtype !== 'float32' && dtype !== 'float64')) return undefined;
  const epsilon = g.scalar(node.attributes.epsilon as number, dtype);
  const s = g.apply(Div, [scale, g.apply(Sqrt, [g.apply(Add, [variance, epsilon])])]);
  const t = g.apply(Sub, [B, g.apply(Mul, [mean, s])]);
  const perChannel = g.ints([-1, ...shape.slice(2).map(() => 1)]);
  const wide = (value: Value): Value => g.apply(Reshape, [value, perChannel]);
  const scaled = g.apply(Mul, [X, wide(s)]);
  return [g.apply(Add, [scaled, wide(t)], {}, { name: node.outputs[0]!.name })];
}

/** The constant as one value for each output channel (or one for all), where it is of that form. */
function perChannel(product: Value, constant: Value, axis: number, g: Builder): Value | undefined {
  const rank = tensorType(product).shape.length;
  const shape = shapeOf(constant);
  if (shape.length > rank) return undefined;
  const aligned = [...Array<number>(rank - shape.length).fill(1), ...shape];
  const channels = constantOf(tensorType(product).shape[axis]!);
  if (!aligned.every((extent, i) => extent === 1 || (i === axis && extent === channels))) return undefined;
  return g.apply(Reshape, [constant, g.ints([-1])]);
}

function scaleProduct(product: Value, constant: Value, g: Builder): Value | undefined {
  const node = product.producer;
  const [X, W, B] = node?.inputs ?? [];
  if (!node || !X || !W || !isKnown(W) || (B && !isKnown(B))) return undefined;
  if (tensorType(constant).dtype !== tensorType(W).dtype) return undefined;
  const name = product.name;
  if (node.op === Conv) {
    const s = perChannel(product, constant, 1, g);
    if (!s) return undefined;
    const forWeights = g.apply(Reshape, [
      s,
      g.ints([
        -1,
        ...tensorType(W)
          .shape.slice(1)
          .map(() => 1),
      ]),
    ]);
    return g.apply(Conv, [X, g.apply(Mul, [W, forWeights]), B && g.apply(Mul, [B, s])], node.attributes, { name });
  }
  if (node.op === MatMul && tensorType(W).shape.length === 2) {
    const s = perChannel(product, constant, tensorType(product).shape.length - 1, g);
    return s && g.apply(MatMul, [X, g.apply(Mul, [W, s])], {}, { name });
  }
  return undefined;
}

/** A shift of a matrix product is left to fusion, which adds it in the store. */
function shiftProduct(product: Value, constant: Value, g: Builder): Value | undefined {
  const node = product.producer;
  const [X, W, B] = node?.inputs ?? [];
  if (node?.op !== Conv || !X || !W || (B && !isKnown(B))) return undefined;
  if (tensorType(constant).dtype !== tensorType(W).dtype) return undefined;
  const t = perChannel(product, constant, 1, g);
  if (!t) return undefined;
  const channels = g.sizes([tensorType(W).shape[0] ?? int(1)]);
  const bias = B ? g.apply(Add, [B, t]) : isOne(t) ? undefined : g.apply(Reshape, [t, channels]);
  return bias && g.apply(Conv, [X, W, bias], node.attributes, { name: product.name });
}

const isOne = (value: Value): boolean => constantOf(tensorType(value).shape[0]!) === 1;
