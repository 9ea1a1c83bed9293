// The JavaScript around a module, for browsers and Node: loads it, checks and copies inputs, runs, shows outputs.
// The text below is what users get; only tables of numbers and escaped names are filled in.

import type { Var } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Interface, jsonText, sizeName, type TensorInterface } from './interface.ts';
import { checking, fixedModel, resizableModel, truth } from './javascript-model.ts';
import { sharedInstance, threadedModel, workers } from './javascript-threads.ts';
import { type Layout, memoryPages } from './layout.ts';
import { addressOfPlace, placeOf } from './places.ts';
import { sizeText } from './size-text.ts';

export interface JavaScriptOptions {
  /** For messages and file names. */
  readonly name: string;
  /** The module as base64; absent where it is a file beside. */
  readonly inlineModule?: string;
  /** Weights are in a file beside. */
  readonly externalWeights: boolean;
  readonly relaxed: boolean;
  /** Workers share the work. */
  readonly threads: boolean;
}

export function javascriptOf(program: Program, layout: Layout, tensors: Interface, options: JavaScriptOptions): string {
  const parts = [
    header(options.name),
    tables(program, layout, tensors, options),
    loading(options, program.weights.length, layout),
    options.threads ? workers(layout) : '',
    tensors.isFixed ? fixedModel(tensors) : resizableModel(program, layout, tensors),
    checking,
    truth(tensors),
  ];
  return `${parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
}

const header = (name: string): string => `
// ${name}: a model compiled to WebAssembly by lapidary. An ES module for browsers and Node; do not edit.
//   import { load } from './${name}.js';
//   const model = await load();
//   const outputs = model.run(inputs);
`;

const describeTensor = ({ key, name, dtype, shape }: TensorInterface): Record<string, unknown> => ({
  key,
  name,
  dtype,
  shape: shape.map(sizeName),
});

function tables(program: Program, layout: Layout, tensors: Interface, options: JavaScriptOptions): string {
  const description = {
    name: options.name,
    inputs: tensors.inputs.map(describeTensor),
    outputs: tensors.outputs.map(describeTensor),
    dims: tensors.dims.map(({ key, variable }) => ({
      key,
      name: variable.name,
      min: variable.min ?? 0,
      max: variable.max ?? null,
    })),
    arenaBytes: constantOf(program.arenaBytes) ?? null,
    arenaLowerBoundBytes: constantOf(program.arenaLowerBound) ?? null,
    weightsBytes: program.weights.length,
    memoryBytes: constantOf(layout.total) ?? null,
  };
  const table = (list: readonly TensorInterface[]): string =>
    list
      .map(({ key, name, array, dtype }) => `  [${jsonText(key)}, ${jsonText(name)}, ${array}, ${dtype === 'bool'}],\n`)
      .join('');
  const sizes = sizeTables(program, layout, tensors);
  return `
export const description = ${jsonText(description)};

const label = ${jsonText(options.name)};
// Key, name in the model, array type, whether elements are truth values.
const inputTable = [\n${table(tensors.inputs)}];
const outputTable = [\n${table(tensors.outputs)}];
${sizes}`;
}

/** Shapes and addresses as functions of the symbolic sizes d0, d1 … and the computed sizes c0, c1 … */
function sizeTables(program: Program, layout: Layout, tensors: Interface): string {
  const dims = program.dims.map((dim, position): [Var, string] => [dim, `d${position}`]);
  const computed = program.computedDims.map((dim, position): [Var, string] => [dim, `c${position}`]);
  const given = new Map(dims);
  const all = new Map([...dims, ...computed]);
  const parameters = (names: ReadonlyMap<Var, string>): string => [...names.values()].join(', ');
  const shapeOf =
    (names: ReadonlyMap<Var, string>) =>
    (tensor: TensorInterface): string =>
      `[${tensor.shape.map((size) => sizeText(size, names)).join(', ')}]`;
  const list = (items: readonly string[]): string => `[${items.join(', ')}]`;
  const address = (ports: Program['inputs']): readonly string[] =>
    ports.map(({ buffer }) => sizeText(simplify(addressOfPlace(placeOf(program, buffer), layout)), given));
  return `
const inputShapes = (${parameters(given)}) => ${list(tensors.inputs.map(shapeOf(given)))};
const outputShapes = (${parameters(all)}) => ${list(tensors.outputs.map(shapeOf(all)))};
const inputAddresses = (${parameters(given)}) => ${list(address(program.inputs))};
const outputAddresses = (${parameters(given)}) => ${list(address(program.outputs))};${
    tensors.isFixed ? '' : `\nconst bytesNeeded = (${parameters(given)}) => ${sizeText(layout.total, given)};`
  }`.trim();
}

function loading(options: JavaScriptOptions, weightsBytes: number, layout: Layout): string {
  const { name, inlineModule, externalWeights, relaxed, threads } = options;
  const { weightsBase } = layout;
  const source =
    inlineModule === undefined
      ? `new URL('./${name}.wasm', import.meta.url)`
      : `Uint8Array.from(atob(inlineModule), (character) => character.charCodeAt(0))`;
  const inline = inlineModule === undefined ? '' : `const inlineModule =\n  '${inlineModule}';\n\n`;
  const needs = relaxed ? 'relaxed SIMD' : 'SIMD';
  const weights = !externalWeights
    ? ''
    : `
  const weights = await bytesOf(options.weights ?? new URL('./${name}.bin', import.meta.url));
  if (weights.length !== ${weightsBytes}) {
    throw new RangeError(\`\${label}: the weights must be ${weightsBytes} bytes, got \${weights.length}\`);
  }
  new Uint8Array(instance.exports.memory.buffer).set(weights, ${weightsBase});`;
  const instance = threads
    ? sharedInstance(memoryPages(layout)).trimStart()
    : 'const instance = await WebAssembly.instantiate(module);';
  return `
${inline}/** Accepts bytes, a Response or Blob, a URL, or a promise of one of these. */
async function bytesOf(source) {
  let found = await source;
  if (typeof found === 'string' || found instanceof URL) {
    const url = new URL(found, import.meta.url);
    const files = url.protocol === 'file:' ? globalThis.process?.getBuiltinModule?.('node:fs') : undefined;
    found = files ? await files.promises.readFile(url) : await fetch(url);
  }
  if (typeof found.arrayBuffer === 'function') {
    if (found.ok === false) throw new Error(\`\${label}: \${found.url}: HTTP status \${found.status}\`);
    found = await found.arrayBuffer();
  }
  return ArrayBuffer.isView(found)
    ? new Uint8Array(found.buffer, found.byteOffset, found.byteLength)
    : new Uint8Array(found);
}

async function compile(source) {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = await bytesOf(source);
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new Error(\`\${label}: cannot compile the module; this engine may lack WebAssembly ${needs}\`, { cause });
  }
}

export async function load(options = {}) {
  const module = await compile(options.wasm ?? ${source});
  ${instance}${weights}
  ${threads ? threadedModel(layout).trimStart() : 'return modelOf(instance.exports);'}
}`;
}
