// Cases of control flow: branches and loops with captured values, carried values and scan outputs.

import type { DType } from '../../../ir/dtype.ts';
import { type Attributes, type CaseBuilder, type CaseNode, float, graph, int, ints, type Subgraph } from '../case.ts';
import type { Draw } from '../draw.ts';
import { drawDims, drawTensor, scalar } from '../tensors.ts';
import { drawOpset, type Generator, type Generators, oneNode } from './generator.ts';

const node = (op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): CaseNode => ({
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

/** A few nodes that keep a shape; the last makes `output`. All names begin with `prefix`. */
function chain(
  draw: Draw,
  prefix: string,
  from: string,
  others: readonly string[],
  output: string,
): readonly CaseNode[] {
  const nodes: CaseNode[] = [];
  let current = from;
  const count = draw.integer(1, 4);
  for (let i = 0; i < count; i++) {
    const next = i === count - 1 ? output : `${prefix}${i}`;
    const other = others.length > 0 && draw.chance(60) ? draw.pick(others) : current;
    const op = draw.pick(['Relu', 'Tanh', 'Add', 'Mul', 'Sub', 'Max', 'LeakyRelu', 'Identity']);
    const binary = ['Add', 'Mul', 'Sub', 'Max'].includes(op);
    nodes.push(node(op, binary ? [current, other] : [current], next, op === 'LeakyRelu' ? { alpha: float(0.25) } : {}));
    current = next;
  }
  return nodes;
}

const dimsOf = (draw: Draw): readonly number[] => drawDims(draw, draw.integer(0, 3), { most: 60, zero: 2 });

/** Values that a subgraph may capture. */
const captures = (builder: CaseBuilder, dims: readonly number[], open?: number): readonly string[] =>
  Array.from({ length: builder.draw.integer(1, 3) }, () =>
    builder.input(drawTensor(builder.draw, 'float32', dims, 'unit'), open === undefined ? {} : { open }),
  );

function branch(draw: Draw, prefix: string, captured: readonly string[], outputs: number, depth: number): Subgraph {
  const names = Array.from({ length: outputs }, (_, i) => `${prefix}out${i}`);
  const nodes = names.flatMap((name, i) => {
    if (depth > 0 && draw.chance(30)) return [conditional(draw, `${prefix}${i}_`, captured, [name], depth - 1)];
    return chain(draw, `${prefix}${i}_`, draw.pick(captured), captured, name);
  });
  return { inputs: [], constants: [], nodes, outputs: names };
}

/** An If inside of a branch, whose condition is a constant of its own. */
function conditional(
  draw: Draw,
  prefix: string,
  captured: readonly string[],
  outputs: readonly string[],
  depth: number,
): CaseNode {
  const attributes = {
    then_branch: graph(branch(draw, `${prefix}then_`, captured, outputs.length, depth)),
    else_branch: graph(branch(draw, `${prefix}else_`, captured, outputs.length, depth)),
  };
  return { op: 'If', domain: '', inputs: ['condition'], outputs, attributes };
}

const conditionInput = (builder: CaseBuilder, value: boolean, constant: number): string =>
  builder.input({ dtype: 'bool', dims: [], bytes: Uint8Array.of(value ? 1 : 0) }, { constant });

const ifCase: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const captured = captures(builder, dimsOf(draw));
    const name = conditionInput(builder, draw.chance(50), 30);
    const outputs = draw.integer(1, 3);
    const renamed = (subgraph: Subgraph): Subgraph =>
      JSON.parse(JSON.stringify(subgraph).replaceAll('"condition"', `"${name}"`));
    const attributes = {
      then_branch: graph(renamed(branch(draw, 'then_', captured, outputs, 1))),
      else_branch: graph(renamed(branch(draw, 'else_', captured, outputs, 1))),
    };
    return { op: 'If', inputs: [name], attributes, outputs };
  });

/** Carries float tensors; ends by its count, by its condition, or by both. */
const loopCase: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = dimsOf(draw);
    const scans = draw.integer(0, 2);
    const turns = draw.integer(0, 6);
    const start = draw.chance(50) ? draw.chance(80) : undefined;
    // ONNX Runtime takes open sizes for 0 where a scan output has no element that could tell.
    const open = scans > 0 && (turns === 0 || start === false) ? 0 : 40;
    const captured = captures(builder, dims, open);
    const carried = Array.from({ length: draw.integer(1, 2) }, () =>
      builder.input(drawTensor(draw, 'float32', dims, 'unit'), { open }),
    );
    const byCondition = draw.chance(40);
    const limit = draw.integer(0, 5);
    const constants = [{ name: 'limit', tensor: scalar('int64', limit), constant: true, symbols: [] }];
    const names = carried.map((_, i) => `carried${i}`);
    const nodes = [
      byCondition ? node('Less', ['turn', 'limit'], 'go') : node('Identity', ['still'], 'go'),
      ...names.flatMap((name, i) => chain(draw, `c${i}_`, name, [...captured, ...names], `next${i}`)),
      ...Array.from({ length: scans }, (_, i) => chain(draw, `s${i}_`, draw.pick(names), captured, `scan${i}`)).flat(),
    ];
    const body: Subgraph = {
      inputs: [
        { name: 'turn', dtype: 'int64', dims: [] },
        { name: 'still', dtype: 'bool', dims: [] },
        ...names.map((name) => ({ name, dtype: 'float32' as DType, dims })),
      ],
      constants: byCondition ? constants : [],
      nodes,
      outputs: ['go', ...names.map((_, i) => `next${i}`), ...Array.from({ length: scans }, (_, i) => `scan${i}`)],
    };
    // Scan outputs need a bound that is known.
    const trips = builder.input(scalar('int64', turns), { constant: scans > 0 ? 95 : 40 });
    const first = start === undefined ? undefined : conditionInput(builder, start, 50);
    return {
      op: 'Loop',
      inputs: [trips, first, ...carried],
      attributes: { body: graph(body) },
      outputs: carried.length + scans,
      relative: 1e-4,
    };
  });

const scanCase: Generator = (draw) =>
  oneNode(draw, drawOpset(draw), (builder) => {
    const dims = dimsOf(draw);
    const steps = draw.integer(1, 5);
    const state = builder.input(drawTensor(draw, 'float32', dims, 'unit'));
    const captured = captures(builder, dims);
    const outs = draw.integer(0, 2);
    const axis = draw.integer(0, dims.length);
    const sliced = [...dims.slice(0, axis), steps, ...dims.slice(axis)];
    const xs = Array.from({ length: draw.integer(1, 2) }, () =>
      builder.input(drawTensor(draw, 'float32', sliced, 'unit')),
    );
    const names = xs.map((_, i) => `item${i}`);
    const body: Subgraph = {
      inputs: ['state', ...names].map((name) => ({ name, dtype: 'float32' as DType, dims })),
      constants: [],
      nodes: [
        ...chain(draw, 'n_', 'state', [...names, ...captured], 'next'),
        ...Array.from({ length: outs }, (_, i) =>
          chain(draw, `o${i}_`, draw.pick(names), ['state', ...captured], `out${i}`),
        ).flat(),
      ],
      outputs: ['next', ...Array.from({ length: outs }, (_, i) => `out${i}`)],
    };
    const each = (count: number, make: () => number) => ints(Array.from({ length: count }, make));
    const attributes: Attributes = {
      body: graph(body),
      num_scan_inputs: int(xs.length),
      scan_input_axes: axis === 0 && draw.chance(50) ? undefined : each(xs.length, () => axis),
      scan_input_directions: draw.chance(40) ? each(xs.length, () => draw.integer(0, 1)) : undefined,
      scan_output_axes: outs > 0 && draw.chance(40) ? each(outs, () => draw.integer(0, dims.length)) : undefined,
      scan_output_directions: outs > 0 && draw.chance(40) ? each(outs, () => draw.integer(0, 1)) : undefined,
    };
    return { op: 'Scan', inputs: [state, ...xs], attributes, outputs: 1 + outs, relative: 1e-4 };
  });

export const control: Generators = { If: ifCase, Loop: loopCase, Scan: scanCase };
