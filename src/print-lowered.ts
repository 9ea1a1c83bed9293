// A lowered program as text, for --trace and for reports of our mistakes.

import { printBuffer, printExpr, printVar } from '../ir/expr-print.ts';
import { printKernel } from '../ir/kernel-print.ts';
import { callsOf, printSteps } from '../ir/program-print.ts';
import type { Lowered } from './lower/lowered.ts';

export function printLowered(lowered: Lowered): string {
  const kernels = new Set(callsOf(lowered.body).map(({ kernel }) => kernel));
  const lines = [
    `lowered ${lowered.name}`,
    ...lowered.inputs.map(({ name, buffer }) => `  input ${JSON.stringify(name)} ${printBuffer(buffer)}`),
    ...lowered.outputs.map(({ name, buffer }) => `  output ${JSON.stringify(name)} ${printBuffer(buffer)}`),
    ...lowered.dims.map((dim) => `  dim ${printVar(dim)}`),
    ...[...lowered.views].map(
      ([view, { base, offset }]) => `  ${printBuffer(view)} is ${base.name} + ${printExpr(offset)}`,
    ),
    ...printSteps(lowered.body).map((line) => `  ${line}`),
  ];
  return [lines.join('\n'), ...[...kernels].map(printKernel)].join('\n\n');
}
