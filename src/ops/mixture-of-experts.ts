// MoE and QMoE of ONNX Runtime's own domain: mixtures of experts with matrices of floats, and of few bits.

import type { Expr } from '../../ir/expr.ts';
import { ceilDiv, constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { floatAttribute, intAttribute, optionalFloat, stringAttribute } from './attributes.ts';
import { widened } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import {
  type Activation,
  activated,
  checkMixture,
  ExpertProduct,
  plainActivations,
  type Routing,
  route,
  tokensOf,
  weighed,
} from './experts.ts';
import { checkForm, formAttributes, packing, QuantizedExpertProduct } from './quantized-experts.ts';
import { anyFloat, differ, floatTypes, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';

const mixtureAttributes = {
  activation_alpha: floatAttribute(1),
  activation_beta: floatAttribute(0),
  activation_type: stringAttribute('relu', [...Object.keys(plainActivations), 'swiglu']),
  k: intAttribute(1),
  normalize_routing_weights: intAttribute(0),
  swiglu_fusion: intAttribute(0, [0, 1, 2]),
  swiglu_limit: optionalFloat,
  use_sparse_mixer: intAttribute(0, [0, 1]),
};

/** A matrix [experts, rows, size] and its bias [experts, rows]. */
function checkExperts(
  name: string,
  [W, bias]: readonly [Operand | undefined, Operand | undefined],
  expected: readonly [Expr, Expr, Expr],
  context: TypeContext,
): void {
  const text = (shape: readonly Expr[]): string => shape.map((extent) => constantOf(extent) ?? '?').join(', ');
  if (W && (W.rank !== 3 || W.shape.some((extent, i) => differ(extent, expected[i]!))))
    context.fail(`${name}_experts_weights has the shape [${text(W.shape)}]; expected [${text(expected)}].`);
  if (bias && !W) context.fail(`${name}_experts_bias needs ${name}_experts_weights.`);
  if (bias && (bias.rank !== 2 || bias.shape.some((extent, i) => differ(extent, expected[i]!))))
    context.fail(`${name}_experts_bias has the shape [${text(bias.shape)}]; expected [${text(expected.slice(0, 2))}].`);
}

type Project = (X: Value, experts: Value) => Value;

/** The mixture, from what each of the matrices makes of rows for chosen experts. */
function mixture(
  g: Builder,
  {
    input,
    router_probs,
    router_weights,
  }: { readonly input: Value; readonly router_probs: Value; readonly router_weights?: Value | undefined },
  [first, second, third]: readonly [Project, Project, Project | undefined],
  attributes: Activation & Routing,
): Value {
  const X = widened(g, tokensOf(g, input));
  const { experts, weights } = route(g, router_probs, router_weights, attributes);
  const inside = activated(g, first(X, experts), third?.(X, experts), attributes);
  return weighed(g, second(inside, experts), weights, input);
}

/** The sum over the best k experts of weight * (activation(X W1' + b1) [* (X W3' + b3)]) W2' + b2. */
export const MoE = op('MoE', {
  domain,
  inputs: [
    'input',
    'router_probs',
    'fc1_experts_weights',
    'fc1_experts_bias?',
    'fc2_experts_weights',
    'fc2_experts_bias?',
    'fc3_experts_weights?',
    'fc3_experts_bias?',
  ],
  outputs: ['output'],
  attributes: mixtureAttributes,
  types: {
    input: anyFloat,
    router_probs: anyFloat,
    fc1_experts_weights: anyFloat,
    fc1_experts_bias: anyFloat,
    fc2_experts_weights: anyFloat,
    fc2_experts_bias: anyFloat,
    fc3_experts_weights: anyFloat,
    fc3_experts_bias: anyFloat,
  },
  type: (inputs, attributes, context) => {
    const { input, router_probs, fc1_experts_weights: first, fc3_experts_weights: third } = inputs;
    const rows = { first: first.shape[1] ?? int(0), hasThird: third !== undefined };
    const inner = checkMixture({ input, router_probs }, rows, attributes, context);
    const [count, size] = [router_probs.shape[1]!, input.shape.at(-1)!];
    checkExperts('fc1', [first, inputs.fc1_experts_bias], [count, rows.first, size], context);
    checkExperts('fc2', [inputs.fc2_experts_weights, inputs.fc2_experts_bias], [count, size, inner], context);
    checkExperts('fc3', [third, inputs.fc3_experts_bias], [count, inner, size], context);
    return tensorOf(input.dtype, input.shape);
  },
  expand: (inputs, attributes, g) => {
    const project =
      (W: Value, bias: Value | undefined): Project =>
      (X, experts) =>
        g.apply(ExpertProduct, [X, experts, widened(g, W), bias && widened(g, bias)]);
    const third = inputs.fc3_experts_weights;
    const projects = [
      project(inputs.fc1_experts_weights, inputs.fc1_experts_bias),
      project(inputs.fc2_experts_weights, inputs.fc2_experts_bias),
      third && project(third, inputs.fc3_experts_bias),
    ] as const;
    return mixture(g, inputs, projects, attributes);
  },
});

const scaleTypes = ['float32', 'float16', 'bfloat16', 'float8e8m0', 'float8e4m3fn'] as const;
const codeTypes = ['uint8', 'float8e4m3fn'] as const;
const anyScale = (name: string) => typeSet(name, scaleTypes);
const codes = (name: string) => typeSet(name, codeTypes);
const global = typeSet('T4', ['float32']);

const names = ['fc1', 'fc2', 'fc3'] as const;

/** MoE with matrices in few bits. Activations stay as they are, whatever accuracy_level allows. */
export const QMoE = op('QMoE', {
  domain,
  inputs: [
    'input',
    'router_probs',
    'fc1_experts_weights',
    'fc1_scales?',
    'fc1_experts_bias?',
    'fc2_experts_weights',
    'fc2_scales?',
    'fc2_experts_bias?',
    'fc3_experts_weights?',
    'fc3_scales?',
    'fc3_experts_bias?',
    'fc1_zero_points?',
    'fc2_zero_points?',
    'fc3_zero_points?',
    'router_weights?',
    'fc1_global_scale?',
    'fc2_global_scale?',
    'fc1_act_scale?',
    'fc2_act_scale?',
  ],
  outputs: ['output'],
  attributes: {
    ...mixtureAttributes,
    ...formAttributes,
    accuracy_level: intAttribute(0),
    weights_prepacked: intAttribute(-1, [-1, 0]),
  },
  types: {
    input: anyFloat,
    router_probs: anyFloat,
    router_weights: anyFloat,
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`${name}_experts_weights`, codes('T1')],
        [`${name}_zero_points`, codes('T1')],
        [`${name}_scales`, anyScale('T2')],
        [`${name}_experts_bias`, typeSet('T', floatTypes)],
      ]),
    ),
    fc1_global_scale: global,
    fc2_global_scale: global,
    fc1_act_scale: global,
    fc2_act_scale: global,
  },
  type: (inputs, attributes, context) => {
    const { input, router_probs, fc1_experts_weights: first, fc3_experts_weights: third } = inputs;
    const rows = { first: first.shape[1] ?? int(0), hasThird: third !== undefined };
    const inner = checkMixture({ input, router_probs }, rows, attributes, context);
    if (attributes.block_size < 0) context.fail(`block_size must not be negative, got ${attributes.block_size}.`);
    const [count, size] = [router_probs.shape[1]!, input.shape.at(-1)!];
    const shapes = { fc1: [count, rows.first, size], fc2: [count, size, inner], fc3: [count, inner, size] } as const;
    for (const name of names) {
      const W = inputs[`${name}_experts_weights`];
      const [experts, own, depth] = shapes[name];
      const packed = simplify(ceilDiv(depth, int(packing(attributes))));
      checkExperts(name, [W, inputs[`${name}_experts_bias`]], [experts, own, packed], context);
      if (!W) continue;
      const overall = name === 'fc1' ? inputs.fc1_global_scale : name === 'fc2' ? inputs.fc2_global_scale : undefined;
      const matrices = { W, scales: inputs[`${name}_scales`], zeros: inputs[`${name}_zero_points`], global: overall };
      checkForm(name, matrices, shapes[name], attributes, context);
    }
    return tensorOf(input.dtype, input.shape);
  },
  expand: (inputs, attributes, g) => {
    const { block_size, expert_weight_bits, quant_type } = attributes;
    const form = { block_size, expert_weight_bits, quant_type };
    const project = (name: (typeof names)[number], overall: Value | undefined): Project | undefined => {
      const [W, bias] = [inputs[`${name}_experts_weights`], inputs[`${name}_experts_bias`]];
      const rest = [inputs[`${name}_scales`], inputs[`${name}_zero_points`], overall];
      return (
        W && ((X, experts) => g.apply(QuantizedExpertProduct, [X, experts, W, bias && widened(g, bias), ...rest], form))
      );
    };
    const [first, second] = [project('fc1', inputs.fc1_global_scale)!, project('fc2', inputs.fc2_global_scale)!];
    return mixture(g, inputs, [first, second, project('fc3', undefined)], attributes);
  },
});
