// The rules of lowered programs, checked between passes: calls fit their kernels, sizes and buffers are there before they
// are used, and every kernel is well formed. A kernel is looked at once, however many passes leave it as it is.

import type { Expr, Var } from '../ir/expr.ts';
import { freeVars, loadsOf } from '../ir/expr-walk.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import { verifyKernel } from '../ir/kernel-verify.ts';
import { writtenBuffers } from '../ir/kernel-walk.ts';
import { storageOf as codesOf } from '../ir/legalize/representation.ts';
import type { Call, Step } from '../ir/program.ts';
import { type Lowered, storageOf } from './lower/lowered.ts';

interface Check {
  readonly lowered: Lowered;
  readonly problems: string[];
  /** Storage that holds something. */
  readonly filled: Set<Buffer>;
  readonly sizes: Set<Var>;
}

export function verifyLowered(lowered: Lowered): string[] {
  const { inputs, constants, dims, views } = lowered;
  const filled = new Set([...inputs.map(({ buffer }) => storageOf(buffer, views)), ...constants.keys()]);
  const check: Check = { lowered, problems: [], filled, sizes: new Set(dims) };
  for (const step of lowered.body) verifyStep(step, check);
  return check.problems;
}

function verifyStep(step: Step, check: Check): void {
  switch (step.kind) {
    case 'call':
      verifyCall(step, check);
      return;
    case 'let':
      verifySize(step.value, `let ${step.variable.name}`, check);
      check.sizes.add(step.variable);
      return;
    case 'check':
      verifySize(step.condition, 'check', check);
      return;
    case 'if':
      verifySize(step.condition, 'if', check);
      for (const inner of [...step.then, ...step.otherwise]) verifyStep(inner, check);
      return;
    case 'loop':
      check.sizes.add(step.index);
      if (step.count) verifySize(step.count, `for ${step.index.name}`, check);
      for (const inner of step.body) verifyStep(inner, check);
      // The condition is read again after each turn, so it may read what the body makes.
      if (step.condition) verifySize(step.condition, `for ${step.index.name}`, check);
  }
}

function verifySize(size: Expr, where: string, { sizes, filled, problems, lowered }: Check): void {
  for (const used of freeVars(size))
    if (!sizes.has(used)) problems.push(`${where}: the size ${used.name} is not known`);
  for (const { buffer } of loadsOf(size)) {
    if (!filled.has(storageOf(buffer, lowered.views))) problems.push(`${where}: nothing has written ${buffer.name}`);
  }
}

const verified = new WeakMap<Kernel, readonly string[]>();

function verifyCall(call: Call, check: Check): void {
  const { kernel } = call;
  const { problems, filled, lowered } = check;
  const report = (problem: string): void => void problems.push(`${kernel.name}: ${problem}`);
  const known = verified.get(kernel) ?? verifyKernel(kernel, { noReduce: true });
  verified.set(kernel, known);
  known.forEach(report);
  if (call.arguments.length !== kernel.params.length || call.dims.length !== kernel.dims.length) {
    report(
      `takes ${kernel.params.length} buffers and ${kernel.dims.length} sizes, got ${call.arguments.length} and ${call.dims.length}`,
    );
    return;
  }
  for (const size of call.dims) {
    if (size.dtype !== 'index') report(`a size of type ${size.dtype}`);
    verifySize(size, kernel.name, check);
  }
  const written = writtenBuffers(kernel);
  for (const [i, buffer] of call.arguments.entries()) {
    const param = kernel.params[i]!;
    const fits = param.dtype === buffer.dtype || param.dtype === codesOf(buffer.dtype);
    if (!fits) report(`${buffer.name} is ${buffer.dtype}, ${param.name} is ${param.dtype}`);
    const storage = storageOf(buffer, lowered.views);
    if (!written.has(param) && !filled.has(storage)) report(`reads ${buffer.name}, which nothing has written`);
  }
  for (const [i, buffer] of call.arguments.entries()) {
    if (written.has(kernel.params[i]!)) filled.add(storageOf(buffer, lowered.views));
  }
}
