// Programs whose loops several threads share: the same results as on one thread, run after run.

import assert from 'node:assert/strict';
import { targets } from '../../../codegen/index.ts';
import { newModule } from '../../../codegen/wasm/binaryen.ts';
import type { Expr, Var } from '../../../ir/expr.ts';
import { add, indexVar, int, load, mod, mul, sub, variable } from '../../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../../ir/kernel.ts';
import { allocate, block, loop, loops, store } from '../../../ir/kernel-walk.ts';
import type { Program } from '../../../ir/program.ts';
import { loadWasm, type WasmModel } from '../../../src/toolchain/run-wasm.ts';

const width = 32;
const tensor = (name: string, shape: readonly Expr[], memory: Buffer['memory'] = 'argument'): Buffer => ({
  name,
  dtype: 'float32',
  shape,
  memory,
});

/** to[r, j] = sum over k < 32 of twice from[n - 1 - r, (j + k) % 32], by way of a local array. */
function kernelFor(n: Var): Kernel {
  const [from, to] = [tensor('from', [n, int(width)]), tensor('to', [n, int(width)])];
  const twice = tensor('twice', [int(width)], 'stack');
  const [r, i, j, k] = [indexVar('r', n), indexVar('i', width), indexVar('j', width), indexVar('k', width)];
  const row = sub(sub(n, int(1)), r);
  const filled = loop(i, store(twice, [i], add(load(from, [row, i]), load(from, [row, i]))));
  const summed = store(to, [r, j], add(load(to, [r, j]), load(twice, [mod(add(j, k), int(width))])));
  const cleared = loop(i, store(to, [r, i], sub(load(from, [row, i]), load(from, [row, i]))));
  const body = allocate(twice, block([filled, cleared, loops([j, k], summed)]));
  return { name: 'sums', params: [from, to], dims: [n], body: loop(r, body, 'parallel') };
}

/** Two such kernels, one after the other: each row of the second needs what another thread may have made. */
function program(): Program {
  const n = variable('n', 'index', { min: 0, max: 4096 });
  const [x, t, y] = ['x', 't', 'y'].map((name) => tensor(name, [n, int(width)])) as [Buffer, Buffer, Buffer];
  const kernel = kernelFor(variable('rows', 'index', { min: 0, max: 4096 }));
  return {
    name: 'net',
    inputs: [{ name: 'x', buffer: x }],
    outputs: [{ name: 'y', buffer: y }],
    dims: [n],
    computedDims: [],
    body: [
      { kind: 'call', kernel, arguments: [x, t], dims: [n] },
      { kind: 'call', kernel, arguments: [t, y], dims: [n] },
    ],
    weights: new Uint8Array(0),
    places: new Map([
      [x, { kind: 'input', index: 0, offset: int(0) }],
      [y, { kind: 'output', index: 0, offset: int(0) }],
      [t, { kind: 'arena', offset: int(0) }],
    ]),
    arenaBytes: mul(n, int(4 * width)),
    arenaLowerBound: mul(n, int(4 * width)),
  };
}

const inputOf = (rows: number): Float32Array => new Float32Array(rows * width).map((_, i) => ((i * 7) % 23) - 11);

function runOf(model: WasmModel, rows: number): Float32Array {
  const bytes = new Uint8Array(inputOf(rows).buffer);
  const [output] = model.run([{ name: 'x', dtype: 'float32', dims: [rows, width], bytes }]);
  return new Float32Array(output!.bytes.buffer);
}

/** Each sum takes in the whole row, so all of a row are equal, and two reversals cancel. */
const expectedOf = (rows: number): Float32Array => {
  const x = inputOf(rows);
  return new Float32Array(rows * width).map((_, i) => {
    const row = Math.floor(i / width);
    return x.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b) * 2 * 2 * width;
  });
};

describe('threads in WebAssembly', () => {
  before(async function () {
    this.timeout(60_000);
    await newModule({ simd: true, relaxed: false });
  });

  const load = async (threads: number): Promise<WasmModel> => {
    const options = { name: 'net', weights: 'embed', threads: true, math: 'fast' } as const;
    return loadWasm(await targets.wasm!.generate(program(), options), 'net', threads);
  };

  it('give what one thread gives, run after run and size after size', async () => {
    const model = await load(3);
    try {
      assert.equal(model.threads, 3);
      for (let turn = 0; turn < 60; turn++) {
        const rows = [700, 0, 1, 1500][turn % 4]!;
        assert.deepEqual(runOf(model, rows), expectedOf(rows));
      }
    } finally {
      model.close();
    }
  });

  it('wake up after they have slept', async () => {
    const model = await load(2);
    try {
      for (const pause of [1, 20, 5]) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        assert.deepEqual(runOf(model, 700), expectedOf(700));
      }
    } finally {
      model.close();
    }
  });

  it('may be one, and may end', async () => {
    const model = await load(1);
    assert.equal(model.threads, 1);
    assert.deepEqual(runOf(model, 700), expectedOf(700));
    const ended = await load(2);
    ended.close();
    assert.deepEqual(runOf(ended, 700), expectedOf(700));
  });
});
