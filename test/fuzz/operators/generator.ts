// What a generator of cases for one operator looks like, and what several families share.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, type CaseBuilder, type FuzzCase, startCase } from '../case.ts';
import type { Draw } from '../draw.ts';
import { type Contents, drawTensor } from '../tensors.ts';

export type Generator = (draw: Draw) => FuzzCase;
export type Generators = Readonly<Record<string, Generator>>;

export const floats: readonly DType[] = ['float32', 'float32', 'float32', 'float64', 'float16'];
export const float32s: readonly DType[] = ['float32', 'float32', 'float64'];
export const signed: readonly DType[] = ['int32', 'int64', 'int8', 'int16'];
export const unsigned: readonly DType[] = ['uint8', 'uint32', 'uint64', 'uint16'];
export const integers: readonly DType[] = [...signed, ...unsigned];
export const numbers: readonly DType[] = ['float32', 'float32', 'float64', 'float16', ...integers];
export const anything: readonly DType[] = ['float32', ...numbers, 'bool'];

/** The newest version that ONNX Runtime fully supports, or now and then an older one. */
export const drawOpset = (draw: Draw, oldest = 13): number =>
  draw.pick([21, 21, 17, oldest, 18, 13].filter((v) => v >= oldest));

/** A case of one node whose outputs are all outputs of the model. */
export function oneNode(
  draw: Draw,
  opset: number,
  make: (builder: CaseBuilder) => {
    readonly op: string;
    readonly inputs: readonly (string | undefined)[];
    readonly attributes?: Attributes;
    readonly outputs?: number;
    readonly domain?: string;
  } & Pick<FuzzCase, 'relative' | 'absolute' | 'integer'>,
): FuzzCase {
  const builder = startCase(draw, opset);
  const { op, inputs, attributes = {}, outputs = 1, domain = '', ...tolerances } = make(builder);
  return builder.finish(builder.node(op, inputs, attributes, { outputs, domain }), tolerances);
}

/** Mostly numbers whose sums are exact; otherwise any digits. */
export const sumContents = (draw: Draw): Contents => draw.pick(['grid', 'grid', 'real']);

/** A tensor as input or initializer. */
export const put = (
  { draw, input }: CaseBuilder,
  dtype: DType,
  dims: readonly number[],
  contents: Contents = 'real',
): string => input(drawTensor(draw, dtype, dims, contents));

/** True where an attribute is to be written although it has its default. */
export const optional = <T>(draw: Draw, value: T): T | undefined => (draw.chance(60) ? value : undefined);
