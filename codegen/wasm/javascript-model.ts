// The part of the JavaScript that users call: views, checks, sizes, runs. Templates; see `javascript.ts`.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Interface, jsonText } from './interface.ts';
import { type Layout, memoryLimit } from './layout.ts';

/** Every size is known: views are made once. */
export const fixedModel = (tensors: Interface): string => {
  return `
function modelOf({ memory, run }) {
  const [inputsAt, outputsAt] = places();
  const inputs = viewsOf(memory, description.inputs, inputShapes(), inputsAt);
  const outputs = viewsOf(memory, description.outputs, outputShapes(), outputsAt);
  return {
    describe: description,
    inputs,
    outputs,
    run(values) {
      if (values !== undefined) copyInputs(values, inputs, inputShapes());${makesTruth(tensors) ? '\n      makeTruth(inputs);' : ''}
      const code = run();
      if (code !== 0) throw failure(code);
      return outputs;
    },
  };
}`;
};

/**
 * Sizes come with the inputs: memory grows and views are made again when they change. `sizesOf` finds the symbolic sizes
 * that the inputs have; `shown` are the computed sizes that the outputs have been shown with.
 */
export function resizableModel(program: Program, layout: Layout, tensors: Interface): string {
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
  description.inputs.forEach(({ key, name, shape: expected }, position) => {
    const { shape } = values[key] ?? {};
    const pattern = patterns[position];
    if (shape === undefined) shapeless.push(position);
    else if (shape.length !== pattern.length) throw wrongShape(name, shape, expected);
    else pattern.forEach((size, axis) => size !== null && size < 0 && bind(-1 - size, shape[axis], name));
  });
  for (const position of shapeless) {
    const { key, name } = description.inputs[position];
    const known = patterns[position].map((size) => (size < 0 ? (sizes[-1 - size] ?? size) : size));
    const unknown = known.filter((size) => size === null || size < 0);
    if (unknown.length !== 1 || unknown[0] === null) continue;
    const size = values[key]?.length / known.reduce((product, each) => product * (each < 0 ? 1 : each), 1);
    if (Number.isSafeInteger(size)) bind(-1 - unknown[0], size, name);
  }
  return description.dims.map((_, dim) => sizes[dim]);
}

function checkSizes(sizes) {
  description.dims.forEach(({ name, min, max }, dim) => {
    const size = sizes[dim];
    const most = max ?? 2147483647;
    if (size === undefined) {
      throw new TypeError(\`\${label}: the size of \${name} is unknown: give inputs as { data, shape }\`);
    }
    if (!Number.isSafeInteger(size) || size < min || size > most) {
      throw new RangeError(\`\${label}: \${name} must be from \${min} to \${most}, got \${size}\`);
    }
  });
}

function modelOf({ memory, run }) {
  let sizes;
  let outputsAt;
  let inputs = {};
  let outputs = {};
  let shown;
  const show = (computed) => {
    const shapes = outputShapes(...sizes, ...computed);
    const views = viewsOf(memory, description.outputs, shapes, outputsAt);
    outputs = Object.fromEntries(description.outputs.map(({ key }, i) => [key, { data: views[key], shape: shapes[i] }]));
    shown = \`\${computed}\`;
  };
  const resize = (wanted) => {
    checkSizes(wanted);
    const [inputsAt, at, [needed]] = places(...wanted);
    if (!(needed <= ${memoryLimit})) throw new RangeError(\`\${label}: needs \${needed} bytes; 4 GiB are the limit\`);
    const pages = Math.ceil((needed - memory.buffer.byteLength) / 65536);
    if (pages > 0) memory.grow(pages);
    sizes = wanted;
    outputsAt = at;
    shown = undefined;
    inputs = viewsOf(memory, description.inputs, inputShapes(...sizes), inputsAt);
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
${makesTruth(tensors) ? '      makeTruth(inputs);\n' : ''}      const code = run(...sizes);
      if (code !== 0) throw failure(code);
      const computed = [...new Int32Array(memory.buffer, ${layout.controlBase}, ${program.computedDims.length})];
      if (\`\${computed}\` !== shown) show(computed);
      return outputs;
    },
  };
}`;
}

const makesTruth = ({ inputs }: Interface): boolean => inputs.some(({ dtype }) => dtype === 'bool');

export const truth = (tensors: Interface): string => (makesTruth(tensors) ? makeTruth : '');

const makeTruth = `
/** Whatever a byte is, a truth value is 0 or 1. */
function makeTruth(inputs) {
  for (const { key, dtype } of description.inputs) {
    if (dtype !== 'bool') continue;
    const view = inputs[key];
    for (let i = 0; i < view.length; i++) view[i] = view[i] === 0 ? 0 : 1;
  }
}`;

export const checking = `
function viewsOf(memory, tensors, shapes, addresses) {
  const views = {};
  tensors.forEach(({ key, dtype }, position) => {
    const length = shapes[position].reduce((product, size) => product * size, 1);
    views[key] = new arrays[dtype](memory.buffer, addresses[position], length);
  });
  return views;
}

const wrongShape = (name, got, expected) =>
  new RangeError(\`\${label}: input "\${name}" has shape [\${got}], expected [\${expected}]\`);

function copyInputs(values, views, shapes) {
  for (const key of Object.keys(values)) {
    if (!Object.hasOwn(views, key)) {
      throw new TypeError(\`\${label}: there is no input "\${key}"; inputs are \${Object.keys(views).join(', ')}\`);
    }
  }
  description.inputs.forEach(({ key, name, dtype }, position) => {
    const value = values[key];
    const data = ArrayBuffer.isView(value) ? value : value?.data;
    const view = views[key];
    const type = Object.prototype.toString.call(data ?? value).slice(8, -1);
    const wanted = arrays[dtype].name;
    if (type !== wanted) {
      const got = value === undefined ? 'nothing' : type;
      throw new TypeError(\`\${label}: input "\${name}" must be a \${wanted} of length \${view.length}, got \${got}\`);
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
