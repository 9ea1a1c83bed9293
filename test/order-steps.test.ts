// The order of kernels, and the places of what they make.

import assert from 'node:assert/strict';
import { add, float, indexVar, int, load } from '../ir/expr-make.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import { loops, store } from '../ir/kernel-walk.ts';
import type { Step } from '../ir/program.ts';
import { arrangeBuffers, liveAtOnce } from '../src/arrange-buffers.ts';
import type { Lowered } from '../src/lower/lowered.ts';
import { orderSteps } from '../src/order-steps.ts';
import { planMemory } from '../src/plan-memory.ts';

const buffer = (name: string, size: number): Buffer => ({
  name,
  dtype: 'float32',
  shape: [int(size)],
  memory: 'argument',
});

/** Writes `to` from the first elements of the others. */
function kernel(to: Buffer, ...from: readonly Buffer[]): Step {
  const i = indexVar('i', to.shape[0]!);
  const value = from.map((source) => load(source, [int(0)])).reduce(add, float(1));
  const made: Kernel = { name: to.name, params: [...from, to], dims: [], body: loops([i], store(to, [i], value)) };
  return { kind: 'call', kernel: made, arguments: made.params, dims: [] };
}

const input = buffer('x', 4);
const output = buffer('y', 4);
const lowered = (...body: readonly Step[]): Lowered => ({
  name: 'test',
  inputs: [{ name: 'x', buffer: input }],
  outputs: [{ name: 'y', buffer: output }],
  dims: [],
  computedDims: [],
  body,
  constants: new Map(),
  views: new Map(),
});
const names = ({ body }: Lowered): readonly string[] =>
  body.map((step) => (step.kind === 'call' ? step.kernel.name : step.kind));

describe('the order of kernels', () => {
  const [a, b] = [buffer('a', 1000), buffer('b', 1000)];
  const [smallA, smallB] = [buffer('smallA', 10), buffer('smallB', 10)];

  it('finishes one branch before the next begins where that saves memory', () => {
    const given = lowered(
      kernel(a, input),
      kernel(b, input),
      kernel(smallA, a),
      kernel(smallB, b),
      kernel(output, smallA, smallB),
    );
    assert.deepEqual(names(orderSteps(given)), ['a', 'smallA', 'b', 'smallB', 'y']);
    assert.deepEqual(planMemory(given).arenaBytes, int(8128));
    assert.deepEqual(planMemory(orderSteps(given)).arenaBytes, int(4160));
  });

  it('stays where no other order needs less', () => {
    const given = lowered(kernel(a, input), kernel(smallA, a), kernel(smallB, smallA), kernel(output, smallB));
    assert.deepEqual(orderSteps(given), given);
  });

  it('writes a buffer again only after its readers', () => {
    const given = lowered(
      kernel(a, input),
      kernel(b, input),
      kernel(smallA, a),
      kernel(a, smallA),
      kernel(smallB, a, b),
      kernel(output, smallB),
    );
    const order = names(orderSteps(given));
    assert.deepEqual(
      order.filter((name) => name === 'a' || name === 'smallA' || name === 'smallB'),
      ['a', 'smallA', 'a', 'smallB'],
    );
  });
});

describe('the places of buffers', () => {
  it('reach the bound where long-lived buffers begin one after the other between short ones', () => {
    const long = [0, 3, 6, 9, 12].map((first) => ({ size: 8, first, last: first + 8 }));
    const short = Array.from({ length: 10 }, (_, i) => ({ size: i % 2 === 0 ? 9 : 8, first: 2 * i, last: 2 * i + 2 }));
    const extents = [...long, ...short];
    const offsets = arrangeBuffers(extents);
    assert.equal(Math.max(...extents.map(({ size }, i) => offsets[i]! + size)), liveAtOnce(extents));
  });
});
