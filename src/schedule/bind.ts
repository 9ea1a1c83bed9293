// Spreads the outer loops of a nest over the threads of a CUDA grid.
//   for i < m { for j < n { body } }
//     →   block b < ceil(m * n / 256) { thread t < 256 { if b * 256 + t < m * n { body((b * 256 + t) / n, … % n) } } }
// The loops are one perfect nest with independent iterations, outermost first.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, ceilDiv, constantOf, div, int, lt, mod, mul, product } from '../../ir/expr-make.ts';
import { ifThen } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { requireIndependent } from './independent.ts';
import { aroundBody, instantiate, makeLoop, onLoops, perfectNest, ScheduleError, type Step } from './step.ts';

export const bind =
  (names: readonly string[], threads: number): Step =>
  (kernel) =>
    onLoops(kernel, names[0]!, (outermost) => {
      const nest = perfectNest(outermost);
      const bound = nest.loops.slice(0, names.length);
      if (bound.length < names.length || bound.some((loop, i) => loop.index.name !== names[i])) {
        throw new ScheduleError(`loops ${names.join(', ')} are not one perfect nest`);
      }
      const body = aroundBody(nest.loops.slice(names.length), nest.body);
      requireIndependent(bound, body);
      const total = simplify(product(bound.map(({ extent }) => extent)));
      return makeLoop(
        'block',
        simplify(ceilDiv(total, int(threads))),
        (block) =>
          makeLoop(
            'thread',
            int(threads),
            (thread) => {
              const flat = add(mul(block, int(threads)), thread);
              const values = new Map<Var, Expr>();
              let inner: Expr = int(1);
              for (const { index, extent } of [...bound].reverse()) {
                const quotient = div(flat, inner);
                values.set(index, index === bound[0]!.index ? quotient : mod(quotient, extent));
                inner = mul(inner, extent);
              }
              const inside = instantiate(body, values);
              const whole = constantOf(total);
              return whole !== undefined && whole % threads === 0 ? inside : ifThen(lt(flat, total), inside);
            },
            'thread',
          ),
        'block',
      );
    });
