// The JavaScript around a module, for browsers and Node: loads it, checks and copies inputs, runs, shows outputs.
// The text below is what users get; only tables of numbers and escaped names are filled in.

import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Interface, jsonText, sizeName, type TensorInterface } from './interface.ts';
import { loading } from './javascript-load.ts';
import { checking, fixedModel, resizableModel, truth } from './javascript-model.ts';
import { workers } from './javascript-threads.ts';
import { valuesOf } from './javascript-values.ts';
import type { Layout } from './layout.ts';
import { addressOfPlace, placeOf } from './places.ts';
import { sizeWriter } from './size-text.ts';

export interface JavaScriptOptions {
  /** For messages and file names. */
  readonly name: string;
  /** The module where the JavaScript holds it; otherwise it is a file beside. */
  readonly embedded?: Uint8Array;
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
    valuesOf(program.forms, tensors),
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
  const arrays = new Map([...tensors.inputs, ...tensors.outputs].map(({ dtype, array }) => [dtype, array]));
  return `
export const description = ${jsonText(description)};

const label = ${jsonText(options.name)};
const arrays = { ${[...arrays].map(([dtype, array]) => `${dtype}: ${array}`).join(', ')} };
${sizeTables(program, layout, tensors)}`;
}

/** Shapes, addresses and bytes as functions of the symbolic sizes d0, d1 … and the computed sizes c0, c1 … */
function sizeTables(program: Program, layout: Layout, tensors: Interface): string {
  const names = new Map<Var, string>([
    ...program.dims.map((dim, position): [Var, string] => [dim, `d${position}`]),
    ...program.computedDims.map((dim, position): [Var, string] => [dim, `c${position}`]),
  ]);
  const given = program.dims.map((dim) => names.get(dim)!);
  const shapes = (list: readonly TensorInterface[]): readonly Row[] => list.map(({ shape }) => shape);
  const addresses = (ports: Program['inputs']): Row =>
    ports.map(({ buffer }) => simplify(addressOfPlace(placeOf(program, buffer), layout)));
  const places = [addresses(program.inputs), addresses(program.outputs), [layout.total]];
  const table = (name: string, parameters: readonly string[], rows: readonly Row[]): string =>
    tableFunction(name, parameters, rows, (variable) => names.get(variable));
  return [
    table('inputShapes', given, shapes(tensors.inputs)),
    table('outputShapes', [...names.values()], shapes(tensors.outputs)),
    // Addresses of inputs, of outputs, and the bytes of all.
    table('places', given, places),
  ].join('\n');
}

type Row = readonly Expr[];

function tableFunction(
  name: string,
  parameters: readonly string[],
  rows: readonly Row[],
  nameOf: (variable: Var) => string | undefined,
): string {
  const { text, lines } = sizeWriter(rows.flat(), nameOf);
  const result = `[${rows.map((row) => `[${row.map(text).join(', ')}]`).join(', ')}]`;
  const head = `const ${name} = (${parameters.join(', ')}) =>`;
  if (lines.length === 0) return `${head} ${result};`;
  return `${head} {\n${lines.map((line) => `  ${line}\n`).join('')}  return ${result};\n};`;
}
