// Quantized layers of ONNX Runtime's own domain: QLinearReduceMean, QLinearConv with the channels last, DynamicQuantizeLSTM
// and QEmbedLayerNormalization.

import { int } from '../../ir/expr-make.ts';
import type { TensorType, Value } from '../../ir/graph.ts';
import { Mul, Sub } from './arithmetic.ts';
import { floatAttribute, intAttribute, requiredInts } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { convolutionAttributes } from './convolution.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { EmbedLayerNormalization } from './microsoft-embedding.ts';
import { QLinearConv } from './qlinear-conv.ts';
import { DequantizeLinear, DynamicQuantizeLinear, QuantizeLinear } from './quantize.ts';
import { expandRecurrent, recurrentAttributes, recurrentTypesOf } from './recurrent.ts';
import { activationsOf } from './recurrent-activations.ts';
import { functionsOf, lstmCell, sizeOf } from './recurrent-cells.ts';
import { ReduceMean } from './reductions.ts';
import { Unsqueeze } from './reshape.ts';
import { Transpose } from './transpose.ts';
import { normalizeAxis, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const bytes = (name: string) => typeSet(name, ['uint8', 'int8']);
const real = typeSet('TF', ['float32']);

/** The mean over axes of a dequantized input, quantized again. */
export const QLinearReduceMean = op('QLinearReduceMean', {
  domain,
  inputs: ['data', 'data_scale', 'data_zero_point?', 'reduced_scale', 'reduced_zero_point?'],
  outputs: ['reduced'],
  attributes: { axes: requiredInts, keepdims: intAttribute(1, [0, 1]) },
  types: {
    data: bytes('T'),
    data_scale: real,
    data_zero_point: bytes('T'),
    reduced_scale: real,
    reduced_zero_point: bytes('T'),
  },
  type: ({ data }, { axes, keepdims }, context) => {
    const named = axes.map((axis) => normalizeAxis(axis, data.rank, context, 'axes'));
    const isReduced = (axis: number): boolean => named.length === 0 || named.includes(axis);
    return tensorOf(
      data.dtype,
      data.shape.flatMap((extent, axis) => (!isReduced(axis) ? [extent] : keepdims ? [int(1)] : [])),
    );
  },
  expand: ({ data, data_scale, data_zero_point, reduced_scale, reduced_zero_point: zero }, { axes, keepdims }, g) => {
    const x = g.apply(DequantizeLinear, [data, data_scale, data_zero_point]);
    const mean = g.apply(ReduceMean, [x, axes.length > 0 ? g.ints(axes) : undefined], { keepdims });
    const type = zero ? {} : { output_dtype: tensorTypeOf(data).dtype };
    return g.apply(QuantizeLinear, [mean, reduced_scale, zero], type);
  },
});

const firstOf = <T>(list: readonly T[]): readonly T[] => [list[0]!, list.at(-1)!, ...list.slice(1, -1)];
const lastOf = <T>(list: readonly T[]): readonly T[] => [list[0]!, ...list.slice(2), list[1]!];

/** QLinearConv, perhaps with the channels of x and y last; the weights are [M, C / group, kernel…] all the same. */
export const MicrosoftQLinearConv = op('QLinearConv', {
  domain,
  inputs: ['x', 'x_scale', 'x_zero_point', 'w', 'w_scale', 'w_zero_point', 'y_scale', 'y_zero_point', 'B?'],
  outputs: ['y'],
  attributes: { ...convolutionAttributes, channels_last: intAttribute(0, [0, 1]) },
  types: {
    x: bytes('T1'),
    x_scale: real,
    x_zero_point: bytes('T1'),
    w: bytes('T2'),
    w_scale: real,
    w_zero_point: bytes('T2'),
    y_scale: real,
    y_zero_point: bytes('T3'),
    B: typeSet('T4', ['int32']),
  },
  type: (inputs, { channels_last, ...attributes }, context) => {
    const { x } = inputs;
    if (x.rank < 3) context.fail(`x has rank ${x.rank}; expected at least 3.`);
    const turned = channels_last ? { ...x, shape: firstOf(x.shape) } : x;
    const { dtype, shape } = QLinearConv.type({ ...inputs, x: turned } as never, attributes, context) as TensorType;
    return tensorOf(dtype, channels_last ? lastOf(shape) : shape);
  },
  expand: (inputs, { channels_last, ...attributes }, g) => {
    const { x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B } = inputs;
    const axes = [...tensorTypeOf(x).shape.keys()];
    const turned = channels_last ? g.apply(Transpose, [x], { perm: firstOf(axes) }) : x;
    const parameters = [x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B];
    const y = g.apply(QLinearConv, [turned, ...parameters], attributes);
    return channels_last ? g.apply(Transpose, [y], { perm: lastOf(axes) }) : y;
  },
});

/** Rounded to 8 bits as DynamicQuantizeLinear does, and back. */
function rounded(g: Builder, x: Value): Value {
  const [codes, scale, zero] = g.applyAll(DynamicQuantizeLinear, [x]);
  return g.apply(DequantizeLinear, [codes!, scale!, zero!]);
}

/** Weights [directions, inputs, gates] of one scale for each direction, or one for each column, as [directions, gates, inputs]. */
function weightsOf(g: Builder, W: Value, scale: Value, zero: Value): Value {
  const spread = (value: Value): Value => {
    const rank = tensorTypeOf(value).shape.length;
    return g.apply(Unsqueeze, [castTo(g, value, 'float32'), g.ints(rank === 1 ? [1, 2] : [1])]);
  };
  const centered = g.apply(Sub, [castTo(g, W, 'float32'), spread(zero)]);
  return g.apply(Transpose, [g.apply(Mul, [centered, spread(scale)])], { perm: [0, 2, 1] });
}

function checkScale(name: string, operand: Operand, context: TypeContext): void {
  if (operand.rank !== 1 && operand.rank !== 2) context.fail(`${name} has rank ${operand.rank}; expected 1 or 2.`);
}

const turnedMatrix = (W: Operand): Operand => ({ ...W, shape: [W.shape[0]!, W.shape[2]!, W.shape[1]!] });

/** An LSTM with quantized weights, whose input and states are rounded to 8 bits before they are multiplied. */
export const DynamicQuantizeLSTM = op('DynamicQuantizeLSTM', {
  domain,
  inputs: [
    'X',
    'W',
    'R',
    'B?',
    'sequence_lens?',
    'initial_h?',
    'initial_c?',
    'P?',
    'W_scale',
    'W_zero_point',
    'R_scale',
    'R_zero_point',
  ],
  outputs: ['Y?', 'Y_h?', 'Y_c?'],
  attributes: { ...recurrentAttributes, input_forget: intAttribute(0) },
  types: {
    X: real,
    W: bytes('T2'),
    R: bytes('T2'),
    B: real,
    sequence_lens: typeSet('T1', ['int32']),
    initial_h: real,
    initial_c: real,
    P: real,
    W_scale: real,
    W_zero_point: bytes('T2'),
    R_scale: real,
    R_zero_point: bytes('T2'),
  },
  type: (inputs, attributes, context) => {
    const { W_scale, W_zero_point, R_scale, R_zero_point, ...operands } = inputs;
    for (const [name, scale] of Object.entries({ W_scale, W_zero_point, R_scale, R_zero_point }))
      checkScale(name, scale, context);
    const { W, R } = operands;
    if (W.rank !== 3 || R.rank !== 3) context.fail(`W and R have ranks ${W.rank} and ${R.rank}; expected 3.`);
    const turned = { ...operands, W: turnedMatrix(W), R: turnedMatrix(R) };
    return recurrentTypesOf(turned, attributes, { gates: 4, functions: 3, states: 2 }, context);
  },
  expand: (inputs, attributes, g, { types }) => {
    const { X, W, R, initial_h, initial_c, W_scale, W_zero_point, R_scale, R_zero_point, ...given } = inputs;
    const functions = activationsOf(attributes, ['Sigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Tanh', 'Tanh']);
    const matrices = { W: weightsOf(g, W, W_scale, W_zero_point), R: weightsOf(g, R, R_scale, R_zero_point) };
    return expandRecurrent(
      { ...given, ...matrices, X: rounded(g, X), initial: [initial_h, initial_c] },
      attributes,
      sizeOf(types, 4),
      g,
      (_, direction, d) =>
        lstmCell(g, direction, functionsOf(functions, d, 3), attributes.input_forget !== 0, (H) => rounded(g, H)),
    );
  },
});

const ids = typeSet('T1', ['int32']);

/** EmbedLayerNormalization of quantized tables. */
export const QEmbedLayerNormalization = op('QEmbedLayerNormalization', {
  domain,
  inputs: [
    'input_ids',
    'segment_ids?',
    'word_embedding_quant',
    'position_embedding_quant',
    'segment_embedding?',
    'gamma_quant',
    'beta_quant',
    'mask?',
    'word_embedding_scale',
    'position_embedding_scale',
    'segment_embedding_scale?',
    'gamma_scale',
    'beta_scale',
    'word_embedding_zero_point',
    'position_embedding_zero_point',
    'segment_embedding_zero_point?',
    'gamma_zero_point',
    'beta_zero_point',
  ],
  outputs: ['layernorm_out', 'mask_index_out'],
  attributes: { epsilon: floatAttribute(1e-12) },
  types: {
    input_ids: ids,
    segment_ids: ids,
    mask: ids,
    ...Object.fromEntries(
      [
        ...['word_embedding_quant', 'position_embedding_quant', 'segment_embedding', 'gamma_quant', 'beta_quant'],
        ...['word_embedding', 'position_embedding', 'segment_embedding', 'gamma', 'beta'].map((n) => `${n}_zero_point`),
      ].map((name) => [name, bytes('T2')]),
    ),
    ...Object.fromEntries(
      ['word_embedding', 'position_embedding', 'segment_embedding', 'gamma', 'beta'].map((n) => [`${n}_scale`, real]),
    ),
  },
  type: (inputs, _, context) => {
    const { input_ids, segment_ids, word_embedding_quant: words, segment_embedding: segments } = inputs;
    const own = [segment_ids, segments, inputs.segment_embedding_scale, inputs.segment_embedding_zero_point];
    if (own.some((operand) => !operand !== !segment_ids))
      context.fail('segment_ids, segment_embedding, its scale and zero point must be given together.');
    if (input_ids.rank !== 2 || words.rank !== 2)
      context.fail(`input_ids and word_embedding_quant have ranks ${input_ids.rank} and ${words.rank}; expected 2.`);
    const [batch, length] = input_ids.shape;
    return [tensorOf('float32', [batch!, length!, words.shape[1]!]), tensorOf('int32', [batch!])];
  },
  expand: (inputs, { epsilon }, g) => {
    const table = (codes: Value, scale: Value, zero: Value | undefined): Value =>
      g.apply(DequantizeLinear, [codes, scale, zero]);
    const { segment_embedding: segments, segment_embedding_scale: scale } = inputs;
    const operands = [
      inputs.input_ids,
      inputs.segment_ids,
      table(inputs.word_embedding_quant, inputs.word_embedding_scale, inputs.word_embedding_zero_point),
      table(inputs.position_embedding_quant, inputs.position_embedding_scale, inputs.position_embedding_zero_point),
      segments && scale && table(segments, scale, inputs.segment_embedding_zero_point),
      table(inputs.gamma_quant, inputs.gamma_scale, inputs.gamma_zero_point),
      table(inputs.beta_quant, inputs.beta_scale, inputs.beta_zero_point),
      inputs.mask,
    ];
    return g.applyAll(EmbedLayerNormalization, operands, { epsilon }, { outputs: [true, true] });
  },
});
