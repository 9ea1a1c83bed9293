// Kernels without reductions: dense loops joined to long ones, vectors along the axis in which stores are contiguous,
// exact tails. Where loads run across the stores (transposes), loops are tiled so that both stay within few cache lines.
//   for i { for j { y[i, j] = f(x[i, j]) } }
//     →   for ij.o < n / 16 { y[ij.o * 16 + ramp] = f(x[ij.o * 16 + ramp]) }; for the rest { y[ij] = f(x[ij]) }

import type { Load } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { strideOf } from './affine.ts';
import { flatten } from './flatten.ts';
import { accessesOf } from './independent.ts';
import { dtypesAlong, extentOf, isContiguousAlong, mergeNests } from './nest.ts';
import { reorder } from './reorder.ts';
import { split } from './split.ts';
import { applySteps, perfectNest, type Step } from './step.ts';
import { vectorize } from './vectorize.ts';
import { widthsFor } from './widths.ts';

export function schedulePointwise(kernel: Kernel, target: Target): Kernel {
  const merged = mergeNests(simplifyKernel(flatten(kernel)));
  const { loops, body } = perfectNest(merged.body);
  const along = [...loops].reverse().find((loop) => isContiguousAlong(body, loop.index));
  const extent = along && extentOf(along);
  const widths = along ? widthsFor(target, dtypesAlong(body, along.index)) : [];
  const fitting = widths.filter((width) => extent === undefined || width <= extent);
  const steps = along && fitting.length > 0 ? vectorSteps(loops, along, fitting) : transposeSteps(loops, body);
  return applySteps(merged, steps);
}

function vectorSteps(loops: readonly Loop[], along: Loop, widths: readonly number[]): readonly Step[] {
  const name = along.index.name;
  const others = loops.filter((loop) => loop !== along).map((loop) => loop.index.name);
  const inward = loops.at(-1) === along ? [] : [reorder(...others, name)];
  return [...inward, split(name, [...widths, 1]), vectorize(`${name}.i`)];
}

/** Elements of a square that is copied at once: a cache line each way. */
const square = 16;

/** Tiles of two loops where one array runs along the one and another array along the other. */
function transposeSteps(loops: readonly Loop[], body: Stmt): readonly Step[] {
  const inner = loops.at(-1);
  if (!inner || isShort(inner)) return [];
  const { loads } = accessesOf(body);
  const crossing = loops
    .slice(0, -1)
    .findLast((loop) => !isShort(loop) && loads.some((access) => runsAlong(access, loop) && !runsAlong(access, inner)));
  if (!crossing) return [];
  const [outer, last] = [crossing.index.name, inner.index.name];
  const between = loops.slice(loops.indexOf(crossing) + 1, -1).map((loop) => loop.index.name);
  return [reorder(last, outer), split(last, square), reorder(...between, outer, `${last}.i`), split(outer, square)];
}

const isShort = (loop: Loop): boolean => (extentOf(loop) ?? square) < square;
const runsAlong = (access: Load, loop: Loop): boolean => {
  const stride = strideOf(access, loop.index);
  return stride !== undefined && constantOf(stride) === 1;
};
