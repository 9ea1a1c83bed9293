// Recognizes a 3×3 convolution of stride 1 in a lowered kernel, whatever the order and layout of its loops: a sum over
// two taps and the channels of data at (y + ky, x + kx, c) times a weight.

import type { Expr, Load, Var } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Loop, Stmt } from '../../ir/kernel.ts';
import { isLoop, visitStmt } from '../../ir/kernel-walk.ts';
import { readUpdate } from './accumulate-over-lanes.ts';
import { linearIn, uses } from './affine.ts';
import { accumulationOf, extentOf, hasLoops, statementsInside } from './nest.ts';
import { blockOf } from './step.ts';

export interface Convolution3 {
  /** Loops that are neither positions nor channels: the batch. */
  readonly outer: readonly Loop[];
  readonly y: Loop;
  readonly x: Loop;
  /** Output channels. */
  readonly n: Loop;
  readonly ky: Var;
  readonly kx: Var;
  readonly c: Loop;
  readonly data: Load;
  readonly weight: Load;
  /** Elements from one row, and one column, of the data to the next. */
  readonly rowStride: Expr;
  readonly columnStride: Expr;
  readonly accumulator: Buffer;
  /** What follows the sum; reads the accumulator. */
  readonly after: Stmt;
}

/** Whether it has as many loops, two of them over three taps: most kernels need no closer look. */
export function mayBeConvolution(kernel: Kernel): boolean {
  const extents: (number | undefined)[] = [];
  visitStmt(kernel.body, (stmt) => {
    if (isLoop(stmt)) extents.push(extentOf(stmt));
  });
  return extents.length >= 6 && extents.filter((extent) => extent === 3).length >= 2;
}

/** The kernel has flat buffers and loops of different names. */
export function matchConvolution(kernel: Kernel, isConstant: (buffer: Buffer) => boolean): Convolution3 | undefined {
  const accumulation = accumulationOf(kernel.body);
  if (accumulation?.updates.length !== 1) return undefined;
  const { outer, body, reduction, updates } = accumulation;
  const update = readUpdate(updates[0]!);
  const after = afterSum(body);
  if (update?.op !== 'add' || !after || update.value.kind !== 'binary' || update.value.op !== 'mul') return undefined;
  const { left, right } = update.value;
  if (left.kind !== 'load' || right.kind !== 'load') return undefined;
  const [data, weight] = isConstant(right.buffer) ? [left, right] : [right, left];
  if (!isConstant(weight.buffer) || isConstant(data.buffer) || data.dtype !== 'float32') return undefined;
  const roles = rolesOf(outer, reduction, data, weight);
  if (!roles) return undefined;
  return { ...roles, data, weight, accumulator: updates[0]!.buffer, after };
}

/** The statements behind `acc = 0; for … { acc = acc + … }`. */
function afterSum(body: Stmt): Stmt | undefined {
  if (body.kind !== 'alloc' || body.body.kind !== 'block') return undefined;
  const [first, sum, ...rest] = body.body.body;
  const zero = first?.kind === 'store' && first.buffer === body.buffer && constantOf(first.value) === 0;
  if (!zero || sum?.kind !== 'loop' || rest.length === 0) return undefined;
  const after = blockOf(rest);
  return hasLoops(after) || statementsInside(after).some((stmt) => stmt.kind !== 'store') ? undefined : after;
}

type Roles = Pick<Convolution3, 'outer' | 'y' | 'x' | 'n' | 'ky' | 'kx' | 'c' | 'rowStride' | 'columnStride'>;

function rolesOf(outer: readonly Loop[], reduction: readonly Loop[], data: Load, weight: Load): Roles | undefined {
  const address = data.indices[0]!;
  const stride = (loop: Loop): Expr | undefined => linearIn(address, loop.index)?.coefficient;
  const known = (loop: Loop): number | undefined => {
    const step = stride(loop);
    return step && constantOf(step);
  };
  const c = reduction.find((loop) => known(loop) === 1);
  const taps = reduction.filter((loop) => loop !== c && extentOf(loop) === 3);
  const n = outer.find((loop) => known(loop) === 0 && weight.indices.some((at) => uses(at, loop.index)));
  if (!c || !n || taps.length !== 2 || reduction.length !== 3) return undefined;
  // A tap and the position that it is added to move through the data in equal steps.
  const positions = taps.map((tap) => outer.find((loop) => loop !== n && known(loop) === known(tap) && known(tap)));
  const [first, second] = positions;
  if (!first || !second || first === second) return undefined;
  const [near, far] = known(first)! < known(second)! ? [0, 1] : [1, 0];
  const rest = outer.filter((loop) => loop !== n && !positions.includes(loop));
  const allowed = new Set<Var>([n.index, ...reduction.map(({ index }) => index)]);
  const loops = [...outer, ...reduction].map(({ index }) => index);
  if (weight.indices.some((at) => loops.some((index) => !allowed.has(index) && uses(at, index)))) return undefined;
  return {
    outer: rest,
    y: positions[far]!,
    x: positions[near]!,
    n,
    ky: taps[far]!.index,
    kx: taps[near]!.index,
    c,
    rowStride: stride(positions[far]!)!,
    columnStride: stride(positions[near]!)!,
  };
}
