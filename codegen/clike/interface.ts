// What a generated model looks like from outside: the names of its inputs, outputs and sizes.

import { boundsOf } from '../../ir/bounds.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { constantOf } from '../../ir/expr-make.ts';
import { freeVars } from '../../ir/expr-walk.ts';
import type { Port, Program } from '../../ir/program.ts';
import { cIdentifiers } from './identifiers.ts';

export interface PortField {
  readonly port: Port;
  readonly field: string;
}

/** A size that callers see: given by them, found by the run, or computed from the others. */
export interface Dimension {
  readonly field: string;
  /** The symbolic size itself, or what it is computed by. */
  readonly value: Expr;
  readonly kind: 'given' | 'found' | 'derived';
  readonly min: number;
  readonly max: number;
}

export interface Interface {
  readonly name: string;
  readonly inputs: readonly PortField[];
  readonly outputs: readonly PortField[];
  /** Given ones first. */
  readonly dimensions: readonly Dimension[];
  /** The position in `dimensions` of a size that is not constant. */
  position(extent: Expr): number;
}

/** What an unbounded symbolic size may be: keeps every address far from overflow. */
const unbounded = 2 ** 31 - 1;

export function interfaceOf(program: Program, name: string): Interface {
  const ports = [...program.inputs, ...program.outputs];
  const fields = cIdentifiers(
    ports.map((port) => port.name),
    ['dims', 'weights', 'parallel'],
  );
  const withFields = ports.map((port, index) => ({ port, field: fields[index]! }));
  const outputs = withFields.slice(program.inputs.length);
  const symbols = [...program.dims, ...program.computedDims];
  const derived = derivedSizes(withFields, new Set(symbols));
  const names = cIdentifiers([...symbols.map((symbol) => symbol.name), ...derived.map(({ wanted }) => wanted)]);
  const dimensions = [
    ...symbols.map((symbol, index): Dimension => {
      const kind = index < program.dims.length ? 'given' : 'found';
      return { field: names[index]!, value: symbol, kind, ...limitsOf(symbol) };
    }),
    ...derived.map(
      ({ value }, index): Dimension => ({
        field: names[symbols.length + index]!,
        value,
        kind: 'derived',
        ...limitsOf(value),
      }),
    ),
  ];
  const positions = new Map(dimensions.map(({ value }, index) => [exprKey(value), index]));
  return {
    name,
    inputs: withFields.slice(0, program.inputs.length),
    outputs,
    dimensions,
    position: (extent) => positions.get(exprKey(extent))!,
  };
}

function limitsOf(value: Expr): { readonly min: number; readonly max: number } {
  const { min, max } = boundsOf(value);
  return { min: Math.max(0, min), max: Number.isSafeInteger(max) ? max : unbounded };
}

/** Sizes of ports that are neither constant nor a symbol of their own, each once. */
function derivedSizes(ports: readonly PortField[], symbols: ReadonlySet<Expr>) {
  const found = new Map<string, { readonly value: Expr; readonly wanted: string }>();
  for (const { port, field } of ports) {
    for (const [axis, extent] of port.buffer.shape.entries()) {
      if (constantOf(extent) !== undefined || symbols.has(extent)) continue;
      const key = exprKey(extent);
      if (!found.has(key)) found.set(key, { value: extent, wanted: `${field}_dim${axis}` });
    }
  }
  return [...found.values()];
}

/** Whether a size can be computed before a run. */
export const isKnownBefore = (value: Expr, given: ReadonlySet<Var>): boolean =>
  [...freeVars(value)].every((variable) => given.has(variable));
