// What the steps of a program make use of, so that only that is declared.

import type { Expr, Var } from '../../ir/expr.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { store } from '../../ir/kernel-walk.ts';
import type { Program, Step } from '../../ir/program.ts';
import type { CallTable } from './calls.ts';
import type { Interface } from './interface.ts';
import { addresses, usesOf } from './uses.ts';

/** The variables that the run reads; others are not declared. */
export function usedBy(program: Program, model: Interface, calls: CallTable): ReadonlySet<Var> {
  const used = new Set<Var>();
  const places = addresses();
  const see = (expr: Expr): void => {
    const probe: Buffer = { name: 'probe', dtype: expr.dtype, shape: [], memory: 'argument' };
    const { variables, loaded } = usesOf(store(probe, [], expr), places);
    for (const variable of variables) used.add(variable);
    for (const buffer of loaded) seePlace(buffer);
  };
  const seePlace = (buffer: Buffer): void => {
    const place = program.places.get(buffer);
    if (place && place.kind !== 'constant') see(place.offset);
  };
  const walk = (steps: readonly Step[]): void => {
    for (const step of steps) {
      switch (step.kind) {
        case 'call': {
          const { params, dims } = calls.functionOf(step);
          for (const position of params) seePlace(step.arguments[position]!);
          for (const position of dims) see(step.dims[position]!);
          break;
        }
        case 'let':
          see(step.value);
          break;
        case 'check':
          see(step.condition);
          break;
        case 'if':
          see(step.condition);
          walk(step.then);
          walk(step.otherwise);
          break;
        case 'loop':
          if (step.count) see(step.count);
          if (step.condition) see(step.condition);
          walk(step.body);
          break;
      }
    }
  };
  walk(program.body);
  for (const { kind, value } of model.dimensions) if (kind !== 'given') see(value);
  return used;
}

/** Every variable that a step binds. */
export const letsIn = (steps: readonly Step[]): readonly Var[] =>
  steps.flatMap((step): readonly Var[] => {
    if (step.kind === 'let') return [step.variable];
    if (step.kind === 'if') return letsIn([...step.then, ...step.otherwise]);
    return step.kind === 'loop' ? letsIn(step.body) : [];
  });

/** Whether an expression of a step, outside of kernels, can record an error. */
export function programCanFail(steps: readonly Step[]): boolean {
  const places = addresses();
  const probe: Buffer = { name: 'probe', dtype: 'bool', shape: [], memory: 'argument' };
  const fails = (expr: Expr | undefined): boolean =>
    expr !== undefined && usesOf(store({ ...probe, dtype: expr.dtype }, [], expr), places).fails;
  return steps.some((step) => {
    switch (step.kind) {
      case 'call':
        return step.dims.some(fails);
      case 'let':
        return fails(step.value);
      case 'check':
        return fails(step.condition);
      case 'if':
        return fails(step.condition) || programCanFail(step.then) || programCanFail(step.otherwise);
      case 'loop':
        return fails(step.count) || fails(step.condition) || programCanFail(step.body);
    }
  });
}
