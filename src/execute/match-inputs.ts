// Brings inputs that were given by name into the order of the program, and refuses those that do not fit.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import type { Port, Program } from '../../ir/program.ts';
import { UsageError } from '../errors.ts';
import type { GivenInput } from './executable.ts';

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');

/** Inputs that the program does not have (initializers, values that nothing reads) are left out. */
export function inputsFor(program: Program, given: readonly GivenInput[]): readonly GivenInput[] {
  const byName = new Map(given.map((input) => [input.name, input] as const));
  const missing = program.inputs.map(({ name }) => name).filter((name) => !byName.has(name));
  if (missing.length > 0) {
    throw new UsageError(
      `No value is given for ${missing.length === 1 ? 'input' : 'inputs'} ${quoted(missing)}. Give it: --input NAME=FILE.`,
    );
  }
  const sizes = new Map<Expr, number>();
  return program.inputs.map((port) => {
    const input = byName.get(port.name)!;
    checkInput(port, input, sizes);
    return input;
  });
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
