// What the steps of a program make use of, so that only that is declared.

import type { Expr, Var } from '../../ir/expr.ts';
import { contains } from '../../ir/expr-walk.ts';
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

/** The expressions that the run itself evaluates, those of nested steps included. */
export const exprsOf = (steps: readonly Step[]): readonly Expr[] =>
  steps.flatMap((step): readonly Expr[] => {
    switch (step.kind) {
      case 'call':
        return step.dims;
      case 'let':
        return [step.value];
      case 'check':
        return [step.condition];
      case 'if':
        return [step.condition, ...exprsOf([...step.then, ...step.otherwise])];
      case 'loop':
        return [...[step.count, step.condition].filter((expr) => expr !== undefined), ...exprsOf(step.body)];
    }
  });

/** Whether evaluating an expression can record an error. */
export const exprCanFail = (expr: Expr): boolean =>
  contains(expr, (node) => node.kind === 'call' && node.callee === 'fail');
