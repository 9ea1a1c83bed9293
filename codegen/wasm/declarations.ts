// The TypeScript declarations of a module: one property for each input and output, shapes as literal types.

import { constantOf } from '../../ir/expr-make.ts';
import { type Interface, jsonText, sizeName, type TensorInterface } from './interface.ts';
import { mostThreads } from './threads.ts';

export function declarationsOf(name: string, tensors: Interface, threads: boolean): string {
  const { inputs, outputs, dims, isFixed } = tensors;
  const properties = (list: readonly TensorInterface[], type: (tensor: TensorInterface) => string): string =>
    list.map((tensor) => `  /** ${comment(tensor)} */\n  ${tensor.key}: ${type(tensor)};\n`).join('');
  const views = (list: readonly TensorInterface[]): string => properties(list, ({ array }) => array);
  const given = (tensor: TensorInterface): string => `${tensor.array} | ${tensorType(tensor)}`;
  const found = (tensor: TensorInterface): string => (isFixed ? tensor.array : tensorType(tensor));
  const sizes = dims.map(({ key }) => `${key}: number`).join('; ');
  const resize = isFixed
    ? ''
    : `\n  /** Makes room for these sizes; gives the views to write inputs to. */\n  resize(dims: { ${sizes} }): InputViews;`;
  return `// ${name}: a model compiled to WebAssembly by lapidary.

export interface Tensor<Data, Shape extends readonly number[]> {
  readonly data: Data;
  readonly shape: Shape;
}

export interface Inputs {
${properties(inputs, given)}}

/** Inputs in the memory of the model: write here and call \`run()\` without arguments to save a copy. */
export interface InputViews {
${views(inputs)}}

/** Outputs in the memory of the model: valid until the next run${isFixed ? '' : ' or resize'}; take \`slice()\` of what you keep. */
export interface Outputs {
${properties(outputs, found)}}

export interface Model {
  readonly describe: typeof description;
  readonly inputs: InputViews;
  readonly outputs: Outputs;${resize}
  /** Copies the inputs, if given, and runs. Throws an Error with a \`code\`: 'index', 'divide' or 'shape'. */
  run(inputs?: Inputs): Outputs;${threads ? threadsOfModel : ''}
}

type Bytes = ArrayBuffer | ArrayBufferView | Response | Blob | URL | string;

export interface LoadOptions {
  /** The WebAssembly module, where it is not to be found beside or inside this file. */
  readonly wasm?: WebAssembly.Module | Bytes | Promise<Bytes>;
  /** The weights, where they are a file and not to be found beside this one. */
  readonly weights?: Bytes | Promise<Bytes>;${threads ? threadsOption : ''}
}

export function load(options?: LoadOptions): Promise<Model>;

export declare const description: {
  readonly name: ${jsonText(name)};
  readonly inputs: readonly [${inputs.map(descriptionType).join(', ')}];
  readonly outputs: readonly [${outputs.map(descriptionType).join(', ')}];
  readonly dims: readonly { readonly key: string; readonly name: string; readonly min: number; readonly max: number | null }[];
  readonly arenaBytes: number | null;
  readonly arenaLowerBoundBytes: number | null;
  readonly weightsBytes: number;
  readonly memoryBytes: number | null;
};
`;
}

const threadsOfModel = `
  /** Threads that share the work: 1 where the page is not cross-origin isolated. */
  readonly threads: number;
  /** Ends the workers. */
  close(): void;`;

const threadsOption = `
  /** How many threads to share the work, at most ${mostThreads}; as many as there are processors if absent. */
  readonly threads?: number;`;

const comment = ({ name, dtype, shape }: TensorInterface): string =>
  `${jsonText(name)}: ${dtype} [${shape.map((size) => jsonText(sizeName(size)).replaceAll('"', '')).join(', ')}]`;

const tensorType = ({ array, shape }: TensorInterface): string =>
  `Tensor<${array}, readonly [${shape.map((size) => constantOf(size) ?? 'number').join(', ')}]>`;

const descriptionType = ({ key, name, dtype, shape }: TensorInterface): string => {
  const sizes = shape.map((size) => jsonText(sizeName(size))).join(', ');
  return `{ readonly key: ${jsonText(key)}; readonly name: ${jsonText(name)}; readonly dtype: ${jsonText(dtype)}; readonly shape: readonly [${sizes}] }`;
};
