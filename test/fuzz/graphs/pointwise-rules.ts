// Rules for graphs: activations, arithmetic, normalizations, reductions, rounding to integers and back.

import { float, int, ints } from '../case.ts';
import { type GraphState, type GraphValue, partner, type Rule } from './state.ts';

const activation: Rule = (x, state) => {
  const { draw, opset } = state.builder;
  const op = draw.pick([
    'Relu',
    'Sigmoid',
    'Tanh',
    'LeakyRelu',
    'HardSwish',
    'HardSigmoid',
    'Elu',
    'Neg',
    'Abs',
    'Softplus',
    'Erf',
    ...(opset >= 20 ? ['Gelu'] : []),
  ]);
  return state.add(op, [x.name], op === 'LeakyRelu' && draw.chance(50) ? { alpha: float(0.3) } : {}, x.dims);
};

const clip: Rule = (x, state) => {
  const scalar = (value: number): string =>
    state.builder.input(
      { dtype: 'float32', dims: [], bytes: new Uint8Array(Float32Array.of(value).buffer) },
      { constant: 100 },
    );
  return state.add(
    'Clip',
    [x.name, scalar(state.builder.draw.pick([0, -1])), scalar(state.builder.draw.pick([6, 1]))],
    {},
    x.dims,
  );
};

/** x * sigmoid(x), as exporters write it. */
const gated: Rule = (x, state) => {
  const gate = state.add(state.builder.draw.pick(['Sigmoid', 'Tanh', 'HardSigmoid']), [x.name], {}, x.dims);
  return state.add('Mul', [x.name, gate.name], {}, x.dims);
};

function shapeAgainst({ dims }: GraphValue, { builder: { draw } }: GraphState): readonly number[] {
  if (dims.length > 1 && draw.chance(50)) return dims.map((size, axis) => (axis === 1 ? size : 1)).slice(1);
  const kept = dims.slice(draw.integer(0, dims.length));
  return kept.map((size) => (draw.chance(25) ? 1 : size));
}

const withConstant: Rule = (x, state) => {
  const { draw } = state.builder;
  const op = draw.pick(['Add', 'Mul', 'Sub', 'Div', 'Max', 'Min']);
  const other = state.constant(shapeAgainst(x, state), op === 'Div' ? 'positive' : 'unit');
  const swap = op !== 'Div' && draw.chance(30);
  return state.add(op, swap ? [other, x.name] : [x.name, other], {}, x.dims);
};

const affine: Rule = (x, state) => {
  const dims = shapeAgainst(x, state);
  const scaled = state.add('Mul', [x.name, state.constant(dims)], {}, x.dims);
  return state.add('Add', [scaled.name, state.constant(dims)], {}, x.dims);
};

const residual: Rule = (x, state) => {
  const other = partner(x, state);
  return (
    other && state.add(state.builder.draw.pick(['Add', 'Add', 'Mul', 'Sub', 'Max']), [x.name, other.name], {}, x.dims)
  );
};

const batchNormalization: Rule = (x, state) => {
  if (x.dims.length < 3) return undefined;
  const channel = [x.dims[1]!];
  const parameters = [
    state.constant(channel),
    state.constant(channel),
    state.constant(channel),
    state.constant(channel, 'positive'),
  ];
  return state.add('BatchNormalization', [x.name, ...parameters], {}, x.dims);
};

const softmax: Rule = (x, state) => {
  if (x.dims.length === 0) return undefined;
  const axis = state.builder.draw.pick([-1, -1, state.builder.draw.integer(0, x.dims.length - 1)]);
  return state.add(
    state.builder.draw.pick(['Softmax', 'Softmax', 'LogSoftmax']),
    [x.name],
    { axis: int(axis) },
    x.dims,
  );
};

const layerNormalization: Rule = (x, state) => {
  if (x.dims.length === 0 || x.dims.at(-1)! < 3) return undefined;
  const own = [x.dims.at(-1)!];
  return state.add(
    'LayerNormalization',
    [x.name, state.constant(own), state.builder.draw.chance(60) ? state.constant(own) : undefined],
    { epsilon: float(0.01) },
    x.dims,
  );
};

function reduced({ dims }: GraphValue, axes: readonly number[], keep: boolean): readonly number[] {
  return dims.flatMap((size, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [size]));
}

function mean(x: GraphValue, axes: readonly number[], keep: boolean, state: GraphState, op = 'ReduceMean'): GraphValue {
  const dims = reduced(x, axes, keep);
  const keepdims = int(keep ? 1 : 0);
  const asInput = state.builder.opset >= 18 || op === 'ReduceSum';
  if (asInput) return state.add(op, [x.name, state.integers(axes)], { keepdims }, dims);
  return state.add(op, [x.name], { axes: ints(axes), keepdims }, dims);
}

/** As it looks where a framework had no such operator. */
const normalizationByHand: Rule = (x, state) => {
  if (x.dims.length === 0 || x.dims.at(-1)! < 3) return undefined;
  const axes = [x.dims.length - 1];
  const centered = state.add('Sub', [x.name, mean(x, axes, true, state).name], {}, x.dims);
  const square = state.add('Mul', [centered.name, centered.name], {}, x.dims);
  const variance = mean(square, axes, true, state);
  const safe = state.add('Add', [variance.name, state.numbers([0.01])], {}, variance.dims);
  const deviation = state.add('Sqrt', [safe.name], {}, safe.dims);
  return state.add('Div', [centered.name, deviation.name], {}, x.dims);
};

const reduction: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length === 0) return undefined;
  const axes = x.dims.flatMap((_, axis) => (draw.chance(40) ? [axis] : []));
  const op = draw.pick(['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceL2', 'ReduceSumSquare']);
  return mean(x, axes.length > 0 ? axes : [x.dims.length - 1], draw.chance(70), state, op);
};

const choose: Rule = (x, state) => {
  const other = partner(x, state);
  const condition = state.add(
    state.builder.draw.pick(['Greater', 'Less']),
    [x.name, state.constant(shapeAgainst(x, state))],
    {},
    x.dims,
    'bool',
  );
  return state.add('Where', [condition.name, x.name, other?.name ?? state.constant([])], {}, x.dims);
};

const quantized: Rule = (x, state) => {
  const { draw } = state.builder;
  const dtype = draw.pick(['uint8', 'int8'] as const);
  const scale = state.builder.input(
    { dtype: 'float32', dims: [], bytes: new Uint8Array(Float32Array.of(draw.pick([0.05, 0.125, 0.02])).buffer) },
    { constant: 100 },
  );
  const zero = state.builder.input(
    { dtype, dims: [], bytes: Uint8Array.of(draw.pick([0, 3, 100])) },
    { constant: 100 },
  );
  const codes = state.add('QuantizeLinear', [x.name, scale, zero], {}, x.dims, dtype);
  return state.add('DequantizeLinear', [codes.name, scale, zero], {}, x.dims);
};

const throughIntegers: Rule = (x, state) => {
  const whole = state.add('Cast', [x.name], { to: int(6) }, x.dims, 'int32');
  const doubled = state.add('Add', [whole.name, whole.name], {}, x.dims, 'int32');
  return state.add('Cast', [doubled.name], { to: int(1) }, x.dims);
};

const throughHalf: Rule = (x, state) => {
  const half = state.add('Cast', [x.name], { to: int(10) }, x.dims, 'float16');
  return state.add('Cast', [half.name], { to: int(1) }, x.dims);
};

const running: Rule = (x, state) => {
  if (x.dims.length === 0) return undefined;
  const axis = state.builder.draw.integer(0, x.dims.length - 1);
  const at = state.builder.input(
    { dtype: 'int64', dims: [], bytes: new Uint8Array(BigInt64Array.of(BigInt(axis)).buffer) },
    { constant: 100 },
  );
  return state.add('CumSum', [x.name, at], {}, x.dims);
};

const best: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length === 0) return undefined;
  const axis = draw.integer(0, x.dims.length - 1);
  const dims = x.dims.map((size, i) => (i === axis ? 1 : size));
  const index = state.add(draw.pick(['ArgMax', 'ArgMin']), [x.name], { axis: int(axis) }, dims, 'int64');
  return state.add('Cast', [index.name], { to: int(1) }, dims);
};

export const pointwiseRules: readonly Rule[] = [
  activation,
  activation,
  activation,
  clip,
  gated,
  withConstant,
  withConstant,
  affine,
  residual,
  residual,
  batchNormalization,
  softmax,
  layerNormalization,
  normalizationByHand,
  reduction,
  choose,
  quantized,
  throughIntegers,
  throughHalf,
  running,
  best,
];
