// Work of a program: of its calls, and of all of them together.

import { countOperations, type OperationCounts } from '../../ir/count.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { add, int, mul } from '../../ir/expr-make.ts';
import { substitute } from '../../ir/expr-walk.ts';
import type { Kernel } from '../../ir/kernel.ts';
import type { Call, Program, Step } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';

const kinds = ['multiplyAdds', 'floatOperations', 'bytesLoaded', 'bytesStored'] as const;

const mapKinds = (make: (kind: (typeof kinds)[number]) => Expr): OperationCounts => ({
  multiplyAdds: make('multiplyAdds'),
  floatOperations: make('floatOperations'),
  bytesLoaded: make('bytesLoaded'),
  bytesStored: make('bytesStored'),
});

/** Counts a kernel once, however often it is called. */
export function createCounter(): (call: Call) => OperationCounts {
  const counted = new Map<Kernel, OperationCounts>();
  return ({ kernel, dims }) => {
    const counts = counted.get(kernel) ?? countOperations(kernel);
    counted.set(kernel, counts);
    const values = new Map<Var, Expr>(kernel.dims.map((dim, position) => [dim, dims[position]!]));
    return mapKinds((kind) => simplify(substitute(counts[kind], values)));
  };
}

/** Both branches of an If count, and a loop whose number of turns is not known counts one turn. */
export function workOf(program: Program): OperationCounts {
  const count = createCounter();
  const total = (steps: readonly Step[]): OperationCounts =>
    steps.map(ofStep).reduce(
      (a, b) => mapKinds((kind) => add(a[kind], b[kind])),
      mapKinds(() => int(0)),
    );
  const ofStep = (step: Step): OperationCounts => {
    switch (step.kind) {
      case 'call':
        return count(step);
      case 'if':
        return total([...step.then, ...step.otherwise]);
      case 'loop': {
        const turn = total(step.body);
        const turns = step.count?.kind === 'const' ? step.count : int(1);
        return mapKinds((kind) => mul(turn[kind], turns));
      }
      case 'let':
      case 'check':
        return total([]);
    }
  };
  const work = total(program.body);
  return mapKinds((kind) => simplify(work[kind]));
}
