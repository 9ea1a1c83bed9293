// The JavaScript around a module, for browsers and Node: loads it, checks and copies inputs, runs, shows outputs.
// The text below is what users get; only tables of numbers and escaped names are filled in.

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Interface, jsonText, sizeName, type TensorInterface } from './interface.ts';
import { type Layout, memoryLimit } from './layout.ts';
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
}

export function javascriptOf(program: Program, layout: Layout, tensors: Interface, options: JavaScriptOptions): string {
  const parts = [
    header(options.name),
    tables(program, layout, tensors, options),
    loading(options, program.weights.length, layout.weightsBase),
    tensors.isFixed ? fixedModel(tensors) : resizableModel(program, layout),
    checking,
  ];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
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

function loading(options: JavaScriptOptions, weightsBytes: number, weightsBase: number): string {
  const { name, inlineModule, externalWeights, relaxed } = options;
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
  const instance = await WebAssembly.instantiate(module);${weights}
  return modelOf(instance.exports);
}`;
}

const fixedModel = (tensors: Interface): string => {
  const hasBool = tensors.inputs.some(({ dtype }) => dtype === 'bool');
  return `
function modelOf({ memory, run }) {
  const inputs = viewsOf(memory, inputTable, inputShapes(), inputAddresses());
  const outputs = viewsOf(memory, outputTable, outputShapes(), outputAddresses());
  return {
    describe: description,
    inputs,
    outputs,
    run(values) {
      if (values !== undefined) copyInputs(values, inputs, inputShapes());${hasBool ? '\n      makeTruth(inputs);' : ''}
      const code = run();
      if (code !== 0) throw failure(code);
      return outputs;
    },
  };
}`;
};

function resizableModel(program: Program, layout: Layout): string {
  const isVariable = (size: Expr): number => (size.kind === 'var' ? program.dims.indexOf(size) : -1);
  // As in the C header: -1 - k stands for symbolic size k; null for what follows from others.
  const patterns = program.inputs.map(({ buffer }) =>
    buffer.shape.map((size) => {
      const position = isVariable(size);
      return position >= 0 ? -1 - position : (constantOf(simplify(size)) ?? null);
    }),
  );
  return `
const patterns = ${jsonText(patterns)};

/** The symbolic sizes that the inputs have. */
function sizesOf(values) {
  const sizes = [];
  const bind = (dim, size, name) => {
    if (sizes[dim] !== undefined && sizes[dim] !== size) {
      const symbol = description.dims[dim].name;
      throw new RangeError(\`\${label}: input "\${name}": \${symbol} is \${size}, elsewhere \${sizes[dim]}\`);
    }
    sizes[dim] = size;
  };
  const shapeless = [];
  inputTable.forEach(([key, name], position) => {
    const { shape } = values[key] ?? {};
    const pattern = patterns[position];
    if (shape === undefined) shapeless.push(position);
    else if (shape.length !== pattern.length) throw wrongShape(name, shape, description.inputs[position].shape);
    else pattern.forEach((size, axis) => size !== null && size < 0 && bind(-1 - size, shape[axis], name));
  });
  for (const position of shapeless) {
    const [key, name] = inputTable[position];
    const known = patterns[position].map((size) => (size < 0 ? (sizes[-1 - size] ?? size) : size));
    const unknown = known.filter((size) => size === null || size < 0);
    if (unknown.length !== 1 || unknown[0] === null) continue;
    const size = values[key]?.length / known.reduce((product, each) => product * (each < 0 ? 1 : each), 1);
    if (Number.isSafeInteger(size)) bind(-1 - unknown[0], size, name);
  }
  description.dims.forEach(({ name }, dim) => {
    if (sizes[dim] === undefined) {
      throw new TypeError(\`\${label}: the size of \${name} is unknown: give inputs as { data, shape }\`);
    }
  });
  return sizes;
}

function checkSizes(sizes) {
  description.dims.forEach(({ name, min, max }, dim) => {
    const size = sizes[dim];
    const most = max ?? 2147483647;
    if (!Number.isSafeInteger(size) || size < min || size > most) {
      throw new RangeError(\`\${label}: \${name} must be from \${min} to \${most}, got \${size}\`);
    }
  });
}

function modelOf({ memory, run }) {
  let sizes;
  let inputs = {};
  let outputs = {};
  const resize = (wanted) => {
    checkSizes(wanted);
    const needed = bytesNeeded(...wanted);
    if (!(needed <= ${memoryLimit})) throw new RangeError(\`\${label}: needs \${needed} bytes; 4 GiB are the limit\`);
    const pages = Math.ceil((needed - memory.buffer.byteLength) / 65536);
    if (pages > 0) memory.grow(pages);
    sizes = wanted;
    inputs = viewsOf(memory, inputTable, inputShapes(...sizes), inputAddresses(...sizes));
  };${program.dims.length === 0 ? '\n  resize([]);' : ''}
  return {
    describe: description,
    get inputs() {
      return inputs;
    },
    get outputs() {
      return outputs;
    },
    resize(dims) {
      resize(description.dims.map(({ key }) => dims[key]));
      return inputs;
    },
    run(values) {
      if (values !== undefined) {
        const wanted = sizesOf(values);
        if (sizes === undefined || wanted.some((size, dim) => size !== sizes[dim])) resize(wanted);
        copyInputs(values, inputs, inputShapes(...sizes));
      }
      if (sizes === undefined) throw new Error(\`\${label}: the first run needs inputs\`);
      makeTruth(inputs);
      const code = run(...sizes);
      if (code !== 0) throw failure(code);
      const computed = new Int32Array(memory.buffer, ${layout.controlBase}, ${program.computedDims.length});
      const shapes = outputShapes(...sizes, ...computed);
      const views = viewsOf(memory, outputTable, shapes, outputAddresses(...sizes));
      outputs = {};
      outputTable.forEach(([key], position) => {
        outputs[key] = { data: views[key], shape: shapes[position] };
      });
      return outputs;
    },
  };
}`;
}

const checking = `
function viewsOf(memory, table, shapes, addresses) {
  const views = {};
  table.forEach(([key, , array], position) => {
    const length = shapes[position].reduce((product, size) => product * size, 1);
    views[key] = new array(memory.buffer, addresses[position], length);
  });
  return views;
}

/** Whatever a byte is, a truth value is 0 or 1. */
function makeTruth(inputs) {
  for (const [key, , , isTruth] of inputTable) {
    if (!isTruth) continue;
    const view = inputs[key];
    for (let i = 0; i < view.length; i++) view[i] = view[i] === 0 ? 0 : 1;
  }
}

const wrongShape = (name, got, expected) =>
  new RangeError(\`\${label}: input "\${name}" has shape [\${got}], expected [\${expected}]\`);

function copyInputs(values, views, shapes) {
  for (const key of Object.keys(values)) {
    if (!inputTable.some(([known]) => known === key)) {
      throw new TypeError(\`\${label}: there is no input "\${key}"; inputs are \${Object.keys(views).join(', ')}\`);
    }
  }
  inputTable.forEach(([key, name, array], position) => {
    const value = values[key];
    const data = ArrayBuffer.isView(value) ? value : value?.data;
    const view = views[key];
    const type = Object.prototype.toString.call(data ?? value).slice(8, -1);
    if (type !== array.name) {
      const got = value === undefined ? 'nothing' : type;
      throw new TypeError(\`\${label}: input "\${name}" must be a \${array.name} of length \${view.length}, got \${got}\`);
    }
    const shape = data === value ? undefined : value.shape;
    if (shape !== undefined && \`\${shape}\` !== \`\${shapes[position]}\`) throw wrongShape(name, shape, shapes[position]);
    if (data.length !== view.length) {
      throw new RangeError(\`\${label}: input "\${name}" must have length \${view.length}, got \${data.length}\`);
    }
    if (data !== view) view.set(data);
  });
}

const failures = {
  1: ['index', 'an index in the data is out of range'],
  2: ['divide', 'an integer was divided by zero'],
  3: ['shape', 'a size is out of its bounds, or two sizes do not fit each other'],
};
function failure(number) {
  const [code, what] = failures[number] ?? ['unknown', \`error \${number}\`];
  return Object.assign(new Error(\`\${label}: \${what} (\${code})\`), { code });
}`;
