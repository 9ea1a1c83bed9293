// Programs as text for people and --trace: ports, sizes, where buffers live, the steps, and then each kernel once.

import { printBuffer, printExpr, printVar } from './expr-print.ts';
import type { Buffer, Kernel } from './kernel.ts';
import { printKernel } from './kernel-print.ts';
import type { Call, Place, Program, Step } from './program.ts';

function printPlace(place: Place): string {
  switch (place.kind) {
    case 'input':
    case 'output': {
      const offset = printExpr(place.offset);
      return `${place.kind} ${place.index}${offset === '0' ? '' : ` + ${offset}`}`;
    }
    case 'constant':
      return `weights + ${place.offset}`;
    case 'arena':
      return `arena + ${printExpr(place.offset)}`;
  }
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

function linesOf(step: Step): readonly string[] {
  switch (step.kind) {
    case 'call': {
      const buffers = step.arguments.map((buffer) => buffer.name).join(', ');
      const dims = step.dims.map((dim, i) => `${step.kernel.dims[i]?.name ?? '?'} = ${printExpr(dim)}`).join(', ');
      return [`${step.kernel.name}(${buffers}${dims ? `; ${dims}` : ''})`];
    }
    case 'let':
      return [`let ${step.variable.name} = ${printExpr(step.value)}`];
    case 'check':
      return [`check ${printExpr(step.condition)} else ${step.code}`];
    case 'if': {
      const otherwise = step.otherwise.length > 0 ? ['else', ...indent(step.otherwise.flatMap(linesOf))] : [];
      return [`if ${printExpr(step.condition)}`, ...indent(step.then.flatMap(linesOf)), ...otherwise];
    }
    case 'loop': {
      const count = step.count ? ` < ${printExpr(step.count)}` : '';
      const condition = step.condition ? ` while ${printExpr(step.condition)}` : '';
      return [`for ${step.index.name}${count}${condition}`, ...indent(step.body.flatMap(linesOf))];
    }
  }
}

/** One line a step, what is inside indented. */
export const printSteps = (steps: readonly Step[]): readonly string[] => steps.flatMap(linesOf);

/** Every call of the program, those of both branches and of loop bodies too, in order. */
export const callsOf = (steps: readonly Step[]): readonly Call[] => steps.flatMap(callsOfStep);

function callsOfStep(step: Step): readonly Call[] {
  switch (step.kind) {
    case 'call':
      return [step];
    case 'if':
      return [...callsOf(step.then), ...callsOf(step.otherwise)];
    case 'loop':
      return callsOf(step.body);
    case 'let':
    case 'check':
      return [];
  }
}

/** `kernels: false` leaves out the bodies of the kernels. */
export function printProgram(program: Program, options: { readonly kernels?: boolean } = {}): string {
  const kernels = new Set<Kernel>(callsOf(program.body).map((call) => call.kernel));
  const placed = (buffer: Buffer): string => {
    const place = program.places.get(buffer);
    return `${printBuffer(buffer)} at ${place ? printPlace(place) : 'no place'}`;
  };
  const others = [...program.places.keys()].filter(
    (buffer) => ![...program.inputs, ...program.outputs].some((port) => port.buffer === buffer),
  );
  const lines = [
    `program ${program.name}`,
    ...program.inputs.map((port) => `  input ${JSON.stringify(port.name)} ${placed(port.buffer)}`),
    ...program.outputs.map((port) => `  output ${JSON.stringify(port.name)} ${placed(port.buffer)}`),
    ...program.dims.map((dim) => `  dim ${printVar(dim)}`),
    ...program.computedDims.map((dim) => `  computed dim ${printVar(dim)}`),
    ...others.map((buffer) => `  buffer ${placed(buffer)}`),
    `  weights ${program.weights.length} bytes`,
    `  arena ${printExpr(program.arenaBytes)} bytes, at least ${printExpr(program.arenaLowerBound)}`,
    ...indent(printSteps(program.body)),
  ];
  const bodies = options.kernels === false ? [] : [...kernels].map(printKernel);
  return [lines.join('\n'), ...bodies].join('\n\n');
}
