// Cases of ai.onnx.ml: scalers, encoders, linear and support vector models.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, float, floats, int, ints, text } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawIntegers, drawShape, drawTensor } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional } from './generator.ts';

export const domain = 'ai.onnx.ml';
export const inputTypes: readonly DType[] = ['float32', 'float32', 'float32', 'float64', 'int64', 'int32'];
export const close = { relative: 1e-3, absolute: 1e-4 };

/** Rows of few features; their number stays open now and then, their width does not. */
export const rows = (
  draw: Draw,
  dtype: DType,
  width: number,
): readonly [ReturnType<typeof drawTensor>, { openAxes: number[] }] => [
  drawTensor(draw, dtype, [draw.integer(1, 5), width], draw.pick(['grid', 'real'])),
  { openAxes: [0] },
];
export const reals = (draw: Draw, count: number, most = 8): readonly number[] =>
  Array.from({ length: count }, () => draw.integer(-most, most) / 4);
const transforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO'];
/** PROBIT is of probabilities only; elsewhere it gives NaN on either side. */
export const transform = (draw: Draw): Attributes => ({ post_transform: optional(draw, text(draw.pick(transforms))) });
export const shuffled = (draw: Draw, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => ({ label: 3 * i - 2, at: draw.integer(0, 99) }))
    .sort((a, b) => a.at - b.at)
    .map(({ label }) => label);

const byColumn =
  (op: string, attributes: (draw: Draw, width: number, dtype: DType) => Attributes, types = inputTypes): Generator =>
  (draw) =>
    oneNode(draw, 17, (builder) => {
      const [dtype, width] = [draw.pick(types), draw.integer(1, 5)];
      const inputs = [builder.input(...rows(draw, dtype, width))];
      return { op, inputs, attributes: attributes(draw, width, dtype), domain, relative: 1e-4, absolute: 1e-6 };
    });

const perColumn = (draw: Draw, width: number): readonly number[] => reals(draw, draw.chance(30) ? 1 : width);

const imputer = byColumn(
  'Imputer',
  (draw, width, dtype) =>
    dtype === 'int64'
      ? {
          imputed_value_int64s: ints(perColumn(draw, width).map(Math.round)),
          replaced_value_int64: optional(draw, int(draw.integer(-2, 2))),
        }
      : {
          imputed_value_floats: floats(perColumn(draw, width)),
          replaced_value_float: optional(draw, float(draw.pick([0, 0.5, Number.NaN]))),
        },
  ['float32', 'float32', 'int64'],
);

const oneHotEncoder: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const zeros = draw.integer(0, 1);
    const count = draw.integer(1, 5);
    // Without zeros for what is no category, there must be none of that kind.
    const most = zeros === 1 ? 8 : count - 1;
    const X = drawIntegers(
      draw,
      draw.pick(['int64', 'float32', 'int32']),
      drawShape(draw, 1, 3, { most: 40 }),
      0,
      most,
    );
    const categories = Array.from({ length: count }, (_, i) => i);
    const attributes = {
      cats_int64s: ints(categories),
      zeros: optional(draw, int(zeros)) ?? (zeros ? undefined : int(0)),
    };
    return { op: 'OneHotEncoder', inputs: [builder.input(X)], attributes, domain };
  });

const featureVectorizer: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [count, dtype] = [draw.integer(1, 3), draw.pick(inputTypes)];
    const lines = draw.integer(1, 4);
    const own = Array.from({ length: count }, () => draw.integer(1, 4));
    // A wider input is cut, a narrower one filled with zeros.
    const asked = own.map((width) => (draw.chance(60) ? width : draw.integer(1, 5)));
    const inputs = own.map((width) => builder.input(drawTensor(draw, dtype, [lines, width]), { open: 0 }));
    return { op: 'FeatureVectorizer', inputs, attributes: { inputdimensions: ints(asked) }, domain };
  });

const arrayFeatureExtractor: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const dims = drawShape(draw, 1, 3, { zero: 0, most: 60 });
    const Y = drawIntegers(
      draw,
      'int64',
      draw.chance(50) ? [draw.integer(1, 4)] : [1, draw.integer(1, 4)],
      0,
      dims.at(-1)! - 1,
    );
    return {
      op: 'ArrayFeatureExtractor',
      inputs: [builder.input(drawTensor(draw, draw.pick(inputTypes), dims)), builder.input(Y)],
      domain,
    };
  });

const linearRegressor: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [width, targets] = [draw.integer(1, 5), draw.integer(1, 4)];
    return {
      op: 'LinearRegressor',
      inputs: [builder.input(...rows(draw, 'float32', width))],
      attributes: {
        coefficients: floats(reals(draw, width * targets)),
        intercepts: draw.chance(70) ? floats(reals(draw, targets)) : undefined,
        targets: targets === 1 ? optional(draw, int(1)) : int(targets),
        ...transform(draw),
      },
      domain,
      ...close,
    };
  });

const linearClassifier: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [width, classes] = [draw.integer(1, 5), draw.integer(2, 4)];
    const scores = classes === 2 && draw.chance(40) ? 1 : classes;
    return {
      op: 'LinearClassifier',
      inputs: [builder.input(...rows(draw, draw.pick(inputTypes), width))],
      attributes: {
        coefficients: floats(reals(draw, width * scores)),
        intercepts: floats(reals(draw, scores)),
        classlabels_ints: ints(shuffled(draw, classes)),
        multi_class: optional(draw, int(draw.integer(0, 1))),
        ...transform(draw),
      },
      outputs: 2,
      domain,
      ...close,
    };
  });

const linearKernel: Attributes = { kernel_type: text('LINEAR'), kernel_params: floats([0, 0, 0]) };
const kernel = (draw: Draw): Attributes => {
  const kernel_type = draw.pick(['LINEAR', 'RBF', 'POLY', 'SIGMOID']);
  return {
    kernel_type: text(kernel_type),
    kernel_params: floats([draw.pick([0.25, 0.5]), draw.pick([0, 0.5]), draw.pick([1, 2, 3])]),
  };
};

const svmRegressor: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [width, vectors] = [draw.integer(1, 4), draw.integer(0, 4)];
    const X = drawTensor(draw, 'float32', [draw.integer(1, 5), width], 'unit');
    const supports: Attributes =
      vectors === 0
        ? linearKernel
        : { n_supports: int(vectors), support_vectors: floats(reals(draw, vectors * width, 4)), ...kernel(draw) };
    return {
      op: 'SVMRegressor',
      inputs: [builder.input(X, { openAxes: [0] })],
      attributes: {
        ...supports,
        coefficients: floats(reals(draw, vectors || width)),
        rho: floats(reals(draw, 1)),
        one_class: optional(draw, int(draw.integer(0, 1))),
      },
      domain,
      ...close,
    };
  });

const svmClassifier: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [width, classes] = [draw.integer(1, 4), draw.integer(2, 4)];
    const X = builder.input(drawTensor(draw, draw.pick(inputTypes), [draw.integer(1, 5), width], 'unit'), {
      openAxes: [0],
    });
    const pairs = (classes * (classes - 1)) / 2;
    const perClass = draw.chance(75) ? Array.from({ length: classes }, () => draw.integer(1, 3)) : [];
    const count = perClass.reduce((a, b) => a + b, 0);
    const probabilities = count > 0 && draw.chance(50);
    const models: Attributes =
      count === 0
        ? {
            coefficients: floats(reals(draw, classes * width)),
            rho: floats(reals(draw, 1)),
            ...linearKernel,
          }
        : {
            coefficients: floats(reals(draw, (classes - 1) * count)),
            rho: floats(reals(draw, pairs)),
            support_vectors: floats(reals(draw, count * width, 4)),
            vectors_per_class: ints(perClass),
            ...kernel(draw),
          };
    return {
      op: 'SVMClassifier',
      inputs: [X],
      attributes: {
        ...models,
        classlabels_ints: ints(shuffled(draw, classes)),
        prob_a: probabilities ? floats(reals(draw, pairs)) : undefined,
        prob_b: probabilities ? floats(reals(draw, pairs)) : undefined,
        ...transform(draw),
      },
      outputs: 2,
      domain,
      ...close,
    };
  });

export const machineLearning: Generators = {
  Binarizer: byColumn('Binarizer', (draw) => ({ threshold: optional(draw, float(0.5)) }), ['float32']),
  Scaler: byColumn('Scaler', (draw, width) => ({
    offset: floats(reals(draw, width)),
    scale: floats(reals(draw, width)),
  })),
  Normalizer: byColumn('Normalizer', (draw) => ({ norm: optional(draw, text(draw.pick(['MAX', 'L1', 'L2']))) })),
  Imputer: imputer,
  OneHotEncoder: oneHotEncoder,
  FeatureVectorizer: featureVectorizer,
  ArrayFeatureExtractor: arrayFeatureExtractor,
  LinearRegressor: linearRegressor,
  LinearClassifier: linearClassifier,
  SVMRegressor: svmRegressor,
  SVMClassifier: svmClassifier,
};
