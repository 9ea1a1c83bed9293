// Element types that no target computes with, found before any of them is printed: all of them at once.

import { dtypes } from '../ir/dtype.ts';
import type { Buffer } from '../ir/kernel.ts';
import type { Program, Step } from '../ir/program.ts';
import { ModelError } from './errors.ts';

export function refuseTypes(program: Pick<Program, 'inputs' | 'outputs' | 'body'>): void {
  const ports = [...program.inputs, ...program.outputs].map(({ name, buffer }) => ({ name, buffer }));
  const inside = [...new Set(argumentsOf(program.body))].map((buffer) => ({ name: buffer.name, buffer }));
  const wrong = [...ports, ...inside].filter(({ buffer }) =>
    ['string', 'complex'].includes(dtypes[buffer.dtype].class),
  );
  if (wrong.length === 0) return;
  const names = new Map(wrong.map(({ name, buffer }) => [buffer, name]));
  throw new ModelError(
    [...names].slice(0, 10).map(([{ dtype }, name]) => ({
      where: `value ${JSON.stringify(name)}`,
      what: `has element type ${dtype}, which no target computes with.`,
    })),
  );
}

function argumentsOf(steps: readonly Step[]): readonly Buffer[] {
  return steps.flatMap((step): readonly Buffer[] => {
    switch (step.kind) {
      case 'call':
        return step.arguments;
      case 'if':
        return [...argumentsOf(step.then), ...argumentsOf(step.otherwise)];
      case 'loop':
        return argumentsOf(step.body);
      case 'let':
      case 'check':
        return [];
    }
  });
}
