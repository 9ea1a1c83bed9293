// The model table and the functions behind it: what generic tools know of a model.

import { dtypes } from '../../ir/dtype.ts';
import type { Var } from '../../ir/expr.ts';
import { add, constantOf, int } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { upperBound } from '../../ir/upper-bound.ts';
import type { Helpers } from './helpers.ts';
import { stringLiteral } from './identifiers.ts';
import { type Interface, isKnownBefore, type PortField } from './interface.ts';
import { printSize } from './print-size.ts';
import { storageType } from './types.ts';

export interface TableOptions {
  readonly arenaAlignment: number;
  readonly externalFile: string | undefined;
  /** Whether a call gives the weights. */
  readonly givesWeights: boolean;
  readonly threads: boolean;
  /** Bytes of the arena before its first buffer. */
  readonly reserved: number;
  /** Arguments of the run after io, in the words of a lap_call. */
  readonly runArguments: readonly string[];
  /** What generic tools see, where that is not the run itself and its arena. */
  readonly wrapped?: {
    /** Definitions that the table needs; they may use run_call and table_arena_bytes. */
    readonly text: string;
    readonly arenaAlignment: string;
    readonly arenaBytes: string;
    readonly run: string;
  };
}

export function printTable(program: Program, model: Interface, helpers: Helpers, options: TableOptions): string {
  const { name, dimensions } = model;
  const symbolic = dimensions.length > 0;
  const given = dimensions.filter(({ kind }) => kind === 'given').length;
  const bounds = boundDims(program, model, helpers);
  const arenaBytes = constantOf(program.arenaBytes);
  const member = (list: string, count: number): string => (count > 0 ? list : 'NULL');
  const { wrapped } = options;
  return `${bounds}${arenaFunction(program, model, helpers, options.reserved)}${callFunction(model, options)}
${wrapped?.text ?? ''}const lap_model *${name}_describe(void) {
${tensorTables('inputs', model.inputs, model)}${tensorTables('outputs', model.outputs, model)}${
  symbolic
    ? `  static const char *const dim_names[] = {${dimensions.map((dim) => stringLiteral(dimName(dim))).join(', ')}};
  static const int64_t dim_min[] = {${dimensions.map(({ min }) => min).join(', ')}};
  static const int64_t dim_max[] = {${dimensions.map(({ max }) => max).join(', ')}};\n`
    : ''
}  static const lap_model model = {
      ${stringLiteral(program.name)},
      ${model.inputs.length},
      ${model.outputs.length},
      ${member('inputs', model.inputs.length)},
      ${member('outputs', model.outputs.length)},
      ${dimensions.length},
      ${given},
      ${member('dim_names', dimensions.length)},
      ${member('dim_min', dimensions.length)},
      ${member('dim_max', dimensions.length)},
      ${bounds === '' ? 'NULL' : 'bound_dims'},
      ${wrapped?.arenaAlignment ?? (arenaBytes === 0 ? 1 : options.arenaAlignment)},
      ${wrapped?.arenaBytes ?? 'table_arena_bytes'},
      ${program.weights.length},
      ${options.externalFile === undefined ? 'NULL' : stringLiteral(options.externalFile)},
      ${options.threads ? 1 : 0},
      ${wrapped?.run ?? 'run_call'},
  };
  return &model;
}
`;
}

const dimName = ({ value, field }: Interface['dimensions'][number]): string =>
  value.kind === 'var' ? value.name : field;

function tensorTables(list: 'inputs' | 'outputs', ports: readonly PortField[], model: Interface): string {
  if (ports.length === 0) return '';
  const shapes = ports.map(({ port }, index) => {
    const sizes = port.buffer.shape.map((extent) => constantOf(extent) ?? -1 - model.position(extent));
    return sizes.length === 0 ? '' : `  static const int64_t ${list}_${index}[] = {${sizes.join(', ')}};\n`;
  });
  const rows = ports.map(({ port }, index) => {
    const { shape, dtype } = port.buffer;
    const sizes = shape.length === 0 ? 'NULL' : `${list}_${index}`;
    return `      {${stringLiteral(port.name)}, ${dtypes[dtype].onnx}, ${shape.length}, ${sizes}},\n`;
  });
  return `${shapes.join('')}  static const lap_tensor ${list}[] = {\n${rows.join('')}  };\n`;
}

/** Sizes that a run finds out have a bound over the given ones; derived sizes follow from both. */
function boundDims(program: Program, model: Interface, helpers: Helpers): string {
  const { dimensions } = model;
  const positions = new Map(dimensions.map(({ value }, index) => [value, index]));
  const given = new Set(program.dims);
  const lines = dimensions.flatMap(({ kind, value, max }, index) => {
    if (kind === 'given') return [];
    const bound = upperBound(value);
    const known = isKnownBefore(bound, given);
    const nameOf = (variable: Var): string => `dims[${positions.get(variable)}]`;
    if (!known) return [`  dims[${index}] = ${max};\n`];
    const { lines, text } = printSize(bound, nameOf, helpers);
    return [`  {\n${lines.map((line) => `  ${line}`).join('')}    dims[${index}] = ${text};\n  }\n`];
  });
  if (lines.length === 0) return '';
  return `static int bound_dims(int64_t *dims) {\n${checks(model, (_, index) => `dims[${index}]`)}${lines.join('')}  return LAP_OK;\n}\n\n`;
}

/** Refuses given sizes that are out of their bounds. */
export const checks = (
  { dimensions }: Interface,
  nameOf: (dimension: Interface['dimensions'][number], index: number) => string,
): string =>
  dimensions
    .map((dimension, index) => {
      if (dimension.kind !== 'given') return '';
      const size = nameOf(dimension, index);
      return `  if (${size} < ${dimension.min} || ${size} > ${dimension.max}) return LAP_E_SHAPE;\n`;
    })
    .join('');

function arenaFunction(program: Program, model: Interface, helpers: Helpers, reserved: number): string {
  const constant = constantOf(program.arenaBytes);
  const head = 'static size_t table_arena_bytes(const int64_t *dims) {\n';
  if (constant !== undefined) return `${head}  (void)dims;\n  return ${constant + reserved}u;\n}\n\n`;
  const { name, dimensions } = model;
  const fields = new Map(dimensions.map(({ value, field }) => [value, field]));
  const size = printSize(
    add(int(reserved), program.arenaBytes),
    (variable) => `dims->${fields.get(variable)}`,
    helpers,
  );
  const copies = dimensions.flatMap(({ kind, field }, index) =>
    kind === 'given' ? [`  copy.${field} = dims[${index}];\n`] : [],
  );
  return (
    `size_t ${name}_arena_bytes(const ${name}_dims *dims) {\n${size.lines.join('')}  const int64_t bytes = ${size.text};\n` +
    '  return (uint64_t)bytes > SIZE_MAX / 4 ? SIZE_MAX : (size_t)bytes;\n}\n\n' +
    `${head}  ${name}_dims copy;\n${copies.join('')}  return ${name}_arena_bytes(&copy);\n}\n\n`
  );
}

/** A run for callers that know the model only by its table. */
function callFunction({ name, inputs, outputs, dimensions }: Interface, options: TableOptions): string {
  const lines: string[] = [];
  if (dimensions.length > 0) lines.push(`  ${name}_dims dims;\n`);
  lines.push(`  ${name}_io io;\n`);
  if (dimensions.length > 0) lines.push('  int status;\n');
  for (const [index, { port, field }] of inputs.entries()) {
    lines.push(`  io.${field} = (const ${storageType(port.buffer.dtype)} *)call->inputs[${index}];\n`);
  }
  for (const [index, { port, field }] of outputs.entries()) {
    lines.push(`  io.${field} = (${storageType(port.buffer.dtype)} *)call->outputs[${index}];\n`);
  }
  for (const [index, { kind, field }] of dimensions.entries()) {
    lines.push(`  dims.${field} = ${kind === 'given' ? `call->dims[${index}]` : 0};\n`);
  }
  if (dimensions.length > 0) lines.push('  io.dims = &dims;\n');
  if (options.givesWeights) lines.push('  io.weights = call->weights;\n');
  if (options.threads) lines.push('  io.parallel = call->parallel;\n');
  const run = `${name}_run(${['&io', ...options.runArguments].join(', ')})`;
  if (dimensions.length === 0) lines.push(`  return ${run};\n`);
  else {
    lines.push(`  status = ${run};\n`);
    for (const [index, { kind, field }] of dimensions.entries()) {
      if (kind !== 'given') lines.push(`  call->dims[${index}] = dims.${field};\n`);
    }
    lines.push('  return status;\n');
  }
  return `static int run_call(const lap_call *call) {\n${lines.join('')}}\n`;
}
