// Brings inputs that were given by name into the order of the program, and refuses those that do not fit.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import type { NamedForm } from '../../ir/form.ts';
import type { Port, Program } from '../../ir/program.ts';
import { UsageError } from '../errors.ts';
import type { TensorData } from '../onnx/tensor.ts';
import type { DataValue } from '../onnx/test-data.ts';
import type { GivenInput, GivenValue, NamedTensor, NamedValue } from './executable.ts';
import { decode, encode } from './forms.ts';

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

type Given = GivenInput | GivenValue;

const givenValue = (input: Given): DataValue =>
  'tensor' in input ? { kind: 'tensor', tensor: input.tensor } : input.value;

/** Without the forms of a program, each port is a tensor. */
const inputForms = ({ forms, inputs }: Program): readonly NamedForm[] =>
  forms?.inputs ?? inputs.map(({ name }, port) => ({ name, form: { kind: 'tensor', port } }));

/** Inputs that the program does not have (initializers, values that nothing reads) are left out. */
export function inputsFor(program: Program, all: readonly Given[]): readonly GivenInput[] {
  const byName = new Map(all.map((input) => [input.name, input] as const));
  const forms = inputForms(program);
  const missing = forms.map(({ name }) => name).filter((name) => !byName.has(name));
  if (missing.length > 0) {
    throw new UsageError(
      `No value is given for ${missing.length === 1 ? 'input' : 'inputs'} ${quoted(missing)}. Give it: --input NAME=FILE.`,
    );
  }
  const tensors: (TensorData | undefined)[] = [];
  const files: string[] = [];
  for (const { name, form } of forms) {
    const input = byName.get(name)!;
    encode(form, givenValue(input), name, program.inputs, tensors);
    if (form.kind === 'tensor') files[form.port] = input.file;
  }
  const sizes = new Map<Expr, number>();
  return program.inputs.map((port, position) => {
    const input = { name: port.name, file: files[position] ?? '', tensor: tensors[position]! };
    checkInput(port, input, sizes);
    return input;
  });
}

/** What the user sees of a program's outputs. */
export function outputsOf(program: Program, tensors: readonly NamedTensor[]): readonly NamedValue[] {
  const all = tensors.map(({ tensor }) => tensor);
  const forms: readonly NamedForm[] =
    program.forms?.outputs ?? tensors.map(({ name }, port) => ({ name, form: { kind: 'tensor', port } }));
  return forms.map(({ name, form }) => ({ name, value: decode(form, all) }));
}

function checkInput({ name, buffer }: Port, { tensor }: GivenInput, sizes: Map<Expr, number>): void {
  const { dtype, shape } = buffer;
  const fits =
    tensor.dtype === dtype &&
    tensor.dims.length === shape.length &&
    shape.every((extent, axis) => sizeFits(extent, tensor.dims[axis]!, sizes));
  if (fits) return;
  const known = [...sizes].map(([size, value]) => `${printExpr(size)} = ${value}`).join(', ');
  const expected = `${dtype}[${shape.map((extent) => printExpr(extent)).join(', ')}]${known && ` with ${known}`}`;
  throw new UsageError(
    `input ${JSON.stringify(name)} is ${tensor.dtype}[${tensor.dims.join(', ')}], expected ${expected}.`,
  );
}

/** An open size takes the first value that it meets. */
function sizeFits(extent: Expr, size: number, sizes: Map<Expr, number>): boolean {
  if (extent.kind !== 'var') return (constantOf(extent) ?? size) === size;
  const known = sizes.get(extent) ?? size;
  sizes.set(extent, known);
  return known === size && size >= (extent.min ?? 0) && size <= (extent.max ?? Number.POSITIVE_INFINITY);
}
