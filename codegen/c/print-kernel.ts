// A kernel as static C functions.

import type { Kernel } from '../../ir/kernel.ts';
import type { KernelFunction } from '../clike/calls.ts';
import { legalizeKernel } from '../clike/legalize.ts';
import type { PrintOptions } from '../clike/parameters.ts';
import { printFunction } from '../clike/print-function.ts';
import { addresses, dropUnusedLets } from '../clike/uses.ts';
import { parallelParts } from '../parallel-parts.ts';
import { printParts } from './print-parts.ts';

export function printKernel(kernel: Kernel, options: PrintOptions): KernelFunction {
  const places = addresses();
  const legal = legalizeKernel(kernel);
  const whole = { ...legal, body: dropUnusedLets(legal.body, places) };
  const loops = options.threads ? parallelParts(whole.body) : undefined;
  const printed = loops ? printParts(whole, loops, options, places) : printFunction(whole, options, places);
  const before = loops ? ['io->parallel'] : [];
  return { ...printed, name: options.name, returnsCode: printed.canFail, before, after: [] };
}
