// Rules for graphs: convolutions, pools, matrix products.

import { type Attributes, float, int, ints } from '../case.ts';
import { type GraphState, type GraphValue, partner, type Rule, sizeOf } from './state.ts';

/** Most elements of a value: cases stay quick. */
const most = 20_000;

const conv: Rule = (x, state) => {
  const { draw } = state.builder;
  const axes = x.dims.length - 2;
  if (axes < 1 || axes > 3 || sizeOf(x.dims) > most / 4) return undefined;
  const [N, C, ...spatial] = x.dims as [number, number, ...number[]];
  const depthwise = draw.chance(25);
  const group = depthwise ? C : draw.pick([1, 1, 2].filter((count) => C % count === 0));
  const outs = depthwise ? C * draw.integer(1, 2) : group * draw.pick([1, 2, 3, 4, 8, 13]);
  const width = draw.pick([1, 3, 3, 2, 5]);
  const pad = draw.integer(0, Math.floor(width / 2));
  const stride = draw.pick([1, 1, 2]);
  if (spatial.some((size) => size + 2 * pad < width)) return undefined;
  const dims = [N, outs, ...spatial.map((size) => Math.floor((size + 2 * pad - width) / stride) + 1)];
  const each = spatial.map(() => 1);
  const attributes: Attributes = {
    group: int(group),
    strides: ints(each.map(() => stride)),
    pads: ints([...each, ...each].map(() => pad)),
  };
  const weights = state.constant([outs, C / group, ...each.map(() => width)]);
  return state.add('Conv', [x.name, weights, draw.chance(60) ? state.constant([outs]) : undefined], attributes, dims);
};

/** Conv, then what exporters put behind it. */
const convBlock: Rule = (x, state) => {
  const { draw } = state.builder;
  const y = conv(x, state);
  if (!y) return undefined;
  const channel = [y.dims[1]!];
  const normalized = draw.chance(60)
    ? state.add(
        'BatchNormalization',
        [
          y.name,
          state.constant(channel),
          state.constant(channel),
          state.constant(channel),
          state.constant(channel, 'positive'),
        ],
        {},
        y.dims,
      )
    : y;
  const skip = draw.chance(30) ? partner(normalized, state) : undefined;
  const joined = skip ? state.add('Add', [normalized.name, skip.name], {}, y.dims) : normalized;
  return state.add(draw.pick(['Relu', 'Sigmoid', 'HardSwish', 'LeakyRelu', 'Tanh']), [joined.name], {}, y.dims);
};

const convTranspose: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length !== 4 || sizeOf(x.dims) > 1500) return undefined;
  const [N, C, ...spatial] = x.dims as [number, number, ...number[]];
  const [width, stride, outs] = [draw.pick([2, 3, 1]), draw.pick([1, 2]), draw.integer(1, 5)];
  const dims = [N, outs, ...spatial.map((size) => (size - 1) * stride + width)];
  return state.add(
    'ConvTranspose',
    [x.name, state.constant([C, outs, width, width]), draw.chance(50) ? state.constant([outs]) : undefined],
    { strides: ints([stride, stride]) },
    dims,
  );
};

const pool: Rule = (x, state) => {
  const { draw } = state.builder;
  const axes = x.dims.length - 2;
  if (axes < 1 || axes > 3) return undefined;
  const [N, C, ...spatial] = x.dims as [number, number, ...number[]];
  if (draw.chance(25))
    return state.add(draw.pick(['GlobalAveragePool', 'GlobalMaxPool']), [x.name], {}, [N, C, ...spatial.map(() => 1)]);
  const [width, stride] = [draw.pick([2, 3]), draw.pick([1, 2])];
  const pad = draw.integer(0, 1);
  if (spatial.some((size) => size + 2 * pad < width)) return undefined;
  const each = spatial.map(() => 1);
  const dims = [N, C, ...spatial.map((size) => Math.floor((size + 2 * pad - width) / stride) + 1)];
  const attributes = {
    kernel_shape: ints(each.map(() => width)),
    strides: ints(each.map(() => stride)),
    pads: ints([...each, ...each].map(() => pad)),
  };
  return state.add(draw.pick(['MaxPool', 'AveragePool']), [x.name], attributes, dims);
};

const matMul: Rule = (x, state) => {
  const { draw } = state.builder;
  const rows = x.dims.at(-1);
  if (x.dims.length < 2 || rows === undefined) return undefined;
  const columns = draw.pick([1, 3, 8, 17, 32, 5]);
  const dims = [...x.dims.slice(0, -1), columns];
  if (sizeOf(dims) > most) return undefined;
  const y = state.add('MatMul', [x.name, state.constant([rows, columns])], {}, dims);
  return draw.chance(60) ? state.add('Add', [y.name, state.constant([columns])], {}, dims) : y;
};

const gemm: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length !== 2) return undefined;
  const columns = draw.pick([1, 4, 10, 16, 33]);
  const transposed = draw.chance(60);
  const weights = state.constant(transposed ? [columns, x.dims[1]!] : [x.dims[1]!, columns]);
  const attributes = { transB: transposed ? int(1) : undefined, alpha: draw.chance(20) ? float(0.5) : undefined };
  return state.add('Gemm', [x.name, weights, draw.chance(70) ? state.constant([columns]) : undefined], attributes, [
    x.dims[0]!,
    columns,
  ]);
};

/** softmax(Q Kᵀ / s) V, with all of them from one value. */
const attention: Rule = (x, state) => {
  if (x.dims.length < 2 || x.dims.length > 4 || sizeOf(x.dims) > 2000) return undefined;
  const rank = x.dims.length;
  const [length, width] = [x.dims[rank - 2]!, x.dims[rank - 1]!];
  const perm = x.dims.map((_, axis) => (axis === rank - 1 ? rank - 2 : axis === rank - 2 ? rank - 1 : axis));
  const turned = state.add(
    'Transpose',
    [x.name],
    { perm: ints(perm) },
    perm.map((axis) => x.dims[axis]!),
  );
  const square = [...x.dims.slice(0, -2), length, length];
  const scores = state.add('MatMul', [x.name, turned.name], {}, square);
  const scaled = state.add('Mul', [scores.name, state.numbers([1 / Math.sqrt(width) / 4])], {}, square);
  const weights = state.add('Softmax', [scaled.name], { axis: int(-1) }, square);
  return state.add('MatMul', [weights.name, x.name], {}, x.dims);
};

/** The squeeze-and-excitation block. */
const excitation: Rule = (x, state: GraphState): GraphValue | undefined => {
  if (x.dims.length !== 4) return undefined;
  const [N, C] = [x.dims[0]!, x.dims[1]!];
  const pooled = state.add('GlobalAveragePool', [x.name], {}, [N, C, 1, 1]);
  const squeezed = state.add('Conv', [pooled.name, state.constant([2, C, 1, 1]), state.constant([2])], {}, [
    N,
    2,
    1,
    1,
  ]);
  const active = state.add('Relu', [squeezed.name], {}, squeezed.dims);
  const widened = state.add('Conv', [active.name, state.constant([C, 2, 1, 1])], {}, [N, C, 1, 1]);
  const gate = state.add('Sigmoid', [widened.name], {}, widened.dims);
  return state.add('Mul', [x.name, gate.name], {}, x.dims);
};

export const contractionRules: readonly Rule[] = [
  conv,
  convBlock,
  convBlock,
  convTranspose,
  pool,
  pool,
  matMul,
  matMul,
  gemm,
  attention,
  excitation,
];
