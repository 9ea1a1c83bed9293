// A kernel as static C functions.

import type { Kernel } from '../../ir/kernel.ts';
import { legalizeKernel } from './legalize.ts';
import type { PrintOptions } from './parameters.ts';
import { printFunction, type Signature } from './print-function.ts';
import { parallelParts, printParts } from './print-parts.ts';
import { addresses, dropUnusedLets } from './uses.ts';

export interface KernelFunction extends Signature {
  readonly name: string;
  /** Whether it takes a lap_parallel * before everything else. */
  readonly parallel: boolean;
}

export function printKernel(kernel: Kernel, options: PrintOptions): KernelFunction {
  const places = addresses();
  const legal = legalizeKernel(kernel);
  const whole = { ...legal, body: dropUnusedLets(legal.body, places) };
  const loops = options.threads ? parallelParts(whole.body) : undefined;
  const printed = loops ? printParts(whole, loops, options, places) : printFunction(whole, options, places);
  return { ...printed, name: options.name, parallel: loops !== undefined };
}
