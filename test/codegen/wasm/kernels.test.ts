// Statements and loop nests: invariant values leave loops, pointers move along, locals serve again. Each must give what
// the evaluator gives.

import assert from 'node:assert/strict';
import { newModule } from '../../../codegen/wasm/binaryen.ts';
import { printKernel } from '../../../codegen/wasm/print-kernel.ts';
import { makeArray, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import type { Expr, Var } from '../../../ir/expr.ts';
import {
  add,
  and,
  cast,
  constant,
  div,
  eq,
  failure,
  float,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  min,
  mod,
  mul,
  ramp,
  select,
  splat,
  sub,
  variable,
} from '../../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../../ir/kernel.ts';
import { allocate, block, check, ifThen, letIn, loop, loops, store, whileLoop } from '../../../ir/kernel-walk.ts';
import { type Case, compareWithEvaluator } from './run-kernels.ts';

type Shape = readonly (Expr | number)[];
const tensor = (name: string, dtype: Buffer['dtype'], shape: Shape, memory: Buffer['memory'] = 'argument'): Buffer => ({
  name,
  dtype,
  shape: shape.map((size) => (typeof size === 'number' ? int(size) : size)),
  memory,
});

function noise(dtype: Buffer['dtype'], length: number): TypedArrayLike {
  const made = makeArray(dtype, length);
  for (let i = 0; i < length; i++) {
    const value = ((i * 2654435761) % 1000) - 300;
    made[i] = dtype === 'int64' ? BigInt(value) : dtype.startsWith('float') ? value / 8 : value;
  }
  return made;
}

/** A matrix product of 4 x 8 tiles in registers, with sizes of run time and exact tails by rows of one. */
function matrixProduct(): Case {
  const [M, N, K] = ['M', 'N', 'K'].map((name) => variable(name, 'index', { min: 0, max: 4096 })) as [Var, Var, Var];
  const A = tensor('A', 'float32', [M, K]);
  const B = tensor('B', 'float32', [div(N, int(8)), K, 8]);
  const C = tensor('C', 'float32', [M, N]);
  const tile = (row: Expr, rows: number, column: Var): Stmt => {
    const sums: Buffer = { ...tensor('sums', 'float32', [rows, 2], 'register'), lanes: 4 };
    const k = indexVar('k', K);
    const each = (body: (r: number, v: number) => Stmt): Stmt =>
      block(Array.from({ length: rows * 2 }, (_, at) => body(Math.floor(at / 2), at % 2)));
    const turn = each((r, v) => {
      const a = splat(load(A, [add(row, int(r)), k]), 4);
      const b = load(B, [column, k, ramp(int(v * 4), 1, 4)]);
      return store(sums, [int(r), int(v)], add(load(sums, [int(r), int(v)]), mul(a, b)));
    });
    const out = each((r, v) =>
      store(
        C,
        [add(row, int(r)), ramp(add(mul(column, int(8)), int(v * 4)), 1, 4)],
        max(load(sums, [int(r), int(v)]), splat(float(0), 4)),
      ),
    );
    return allocate(
      sums,
      block([each((r, v) => store(sums, [int(r), int(v)], splat(float(0.5), 4))), loop(k, turn), out]),
    );
  };
  const j = indexVar('j', div(N, int(8)));
  const i = indexVar('i', div(M, int(4)));
  const rest = indexVar('rest', mod(M, int(4)));
  const body = loop(
    j,
    block([loop(i, tile(mul(i, int(4)), 4, j)), loop(rest, tile(add(mul(div(M, int(4)), int(4)), rest), 1, j))]),
  );
  const [m, n, kk] = [11, 24, 7];
  return {
    name: 'matrix product',
    kernel: { name: 'gemm', params: [A, B, C], dims: [M, N, K], body },
    buffers: [noise('float32', m * kk), noise('float32', n * kk), makeArray('float32', m * n)],
    dims: [m, n, kk],
  };
}

/** A padded window of 3 x 3 over height, width and channels, read through conditions. */
function window(): Case {
  const [H, W, C] = [5, 6, 8];
  const x = tensor('x', 'float32', [H, W, C]);
  const w = tensor('w', 'float32', [3, 3, C]);
  const y = tensor('y', 'float32', [H, W, C]);
  const [h, v, c] = [indexVar('h', H), indexVar('v', W), indexVar('c', C / 4)];
  const [kh, kw] = [indexVar('kh', 3), indexVar('kw', 3)];
  const sum: Buffer = { ...tensor('sum', 'float32', [], 'register'), lanes: 4 };
  const [row, column] = [variable('row'), variable('column')];
  const lane = ramp(mul(c, int(4)), 1, 4);
  const inside = and(and(le(int(0), row), lt(row, int(H))), and(le(int(0), column), lt(column, int(W))));
  const value = select(inside, load(x, [row, column, lane]), splat(float(0), 4));
  const step = store(sum, [], add(load(sum, []), mul(value, load(w, [kh, kw, lane]))));
  const taps = loop(kh, letIn(row, sub(add(h, kh), int(1)), loop(kw, letIn(column, sub(add(v, kw), int(1)), step))));
  const body = loops(
    [h, v, c],
    allocate(sum, block([store(sum, [], splat(float(0), 4)), taps, store(y, [h, v, lane], load(sum, []))])),
  );
  return {
    name: 'window',
    kernel: { name: 'window', params: [x, w, y], dims: [], body },
    buffers: [noise('float32', H * W * C), noise('float32', 9 * C), makeArray('float32', H * W * C)],
  };
}

/** Running sums through a local array, read backwards. */
function stackBuffer(): Case {
  const size = 400;
  const x = tensor('x', 'int32', [3, size]);
  const y = tensor('y', 'int32', [3, size]);
  const sums = tensor('sums', 'int32', [size + 1], 'stack');
  const [r, i, k] = [indexVar('r', 3), indexVar('i', size), indexVar('k', size)];
  const body = loop(
    r,
    allocate(
      sums,
      block([
        store(sums, [int(0)], constant(0, 'int32')),
        loop(i, store(sums, [add(i, int(1))], add(load(sums, [i]), load(x, [r, i])))),
        loop(k, store(y, [r, k], load(sums, [sub(int(size), k)]))),
      ]),
    ),
  );
  return {
    name: 'stack',
    kernel: { name: 'stack', params: [x, y], dims: [], body },
    buffers: [noise('int32', 3 * size), makeArray('int32', 3 * size)],
  };
}

/** Collatz lengths: a while loop over registers. */
function repeated(): Case {
  const y = tensor('y', 'int64', [30]);
  const value = tensor('value', 'int64', [], 'register');
  const steps = tensor('steps', 'int64', [], 'register');
  const i = indexVar('i', 30);
  const big = (n: number): Expr => constant(BigInt(n), 'int64');
  const now = load(value, []);
  const body = loop(
    i,
    allocate(
      value,
      allocate(
        steps,
        block([
          store(value, [], add(cast(i, 'int64'), big(1))),
          store(steps, [], big(0)),
          whileLoop(
            lt(big(1), now),
            block([
              ifThen(
                eq(mod(now, big(2)), big(0)),
                store(value, [], div(now, big(2))),
                store(value, [], add(mul(now, big(3)), big(1))),
              ),
              store(steps, [], add(load(steps, []), big(1))),
            ]),
          ),
          store(y, [i], load(steps, [])),
        ]),
      ),
    ),
  );
  return { name: 'while', kernel: { name: 'collatz', params: [y], dims: [], body }, buffers: [makeArray('int64', 30)] };
}

/** Rows picked by indices from the data; a bad one fails by `fail` or leaves by `check`. */
function gather(how: 'fail' | 'check', indices: readonly bigint[]): Case {
  const [rows, width] = [6, 4];
  const x = tensor('x', 'float32', [rows, width]);
  const at = tensor('at', 'int64', [indices.length]);
  const y = tensor('y', 'float32', [indices.length, width]);
  const [i, k] = [indexVar('i', indices.length), indexVar('k', width)];
  const row = cast(load(at, [i]), 'index');
  const fromEnd = select(lt(row, int(0)), add(row, int(rows)), row);
  const inside = and(le(int(0), fromEnd), lt(fromEnd, int(rows)));
  const body =
    how === 'fail'
      ? loops([i, k], store(y, [i, k], select(inside, load(x, [fromEnd, k]), failure('index', 'float32'))))
      : loop(i, block([check(inside, 'index'), loop(k, store(y, [i, k], load(x, [fromEnd, k])))]));
  const given = makeArray('int64', indices.length);
  for (const [position, index] of indices.entries()) given[position] = index;
  return {
    name: `gather by ${how} of ${indices}`,
    kernel: { name: 'gather', params: [x, at, y], dims: [], body },
    buffers: [noise('float32', rows * width), given, makeArray('float32', indices.length * width)],
  };
}

/** A generator of pseudo-random numbers below a bound. */
function dice(seed: number): (bound: number) => number {
  let state = seed * 7919 + 17;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

interface Known {
  readonly value: Expr;
  /** Greatest value; the least is zero. */
  readonly most: number;
}

/** A nest of loops around statements whose indices are sums over everything in scope. */
function randomNest(seed: number): Case {
  const roll = dice(seed);
  const dims: Var[] = [];
  const sizes: number[] = [];
  const size = 5000;
  const x = tensor('x', 'int32', [size]);
  const y = tensor('y', 'int32', [size]);
  const local = tensor('local', 'int32', [size], 'stack');
  const extent = (): Known => {
    const most = 1 + roll(4);
    if (roll(3) > 0) return { value: int(most), most };
    const known = roll(dims.length + 1);
    if (known < dims.length) return { value: dims[known]!, most: sizes[known]! };
    dims.push(variable(`d${dims.length}`, 'index', roll(2) === 0 ? { min: 0, max: 4 } : {}));
    sizes.push(most);
    return { value: dims.at(-1)!, most };
  };
  const index = (known: readonly Known[], limit: number): Known => {
    let value: Expr = int(0);
    let most = 0;
    for (const one of known) {
      const factor = [0, 1, 1, 2, 3, 5, 64, 300][roll(8)]!;
      const other = roll(4) === 0 ? known[roll(known.length)]! : undefined;
      const grown = most + factor * one.most * (other ? other.most : 1);
      if (factor === 0 || grown >= limit) continue;
      most = grown;
      const product = mul(one.value, int(factor));
      value = add(value, other ? mul(product, other.value) : product);
    }
    const offset = roll(3) === 0 ? 0 : roll(limit - most);
    value = add(value, int(offset));
    most += offset;
    if (roll(5) === 0) return { value: sub(int(limit - 1), value), most: limit - 1 };
    if (roll(6) === 0) return { value: mod(value, int(37)), most: Math.min(most, 36) };
    return { value, most };
  };
  const source = (known: readonly Known[]): Expr => load(roll(4) === 0 ? local : x, [index(known, size).value]);
  const statement = (known: readonly Known[], depth: number): Stmt => {
    const choice = depth === 0 ? 0 : roll(10);
    if (choice < 3) {
      const target = roll(4) === 0 ? local : y;
      const at = index(known, size).value;
      const chosen = select(lt(index(known, 200).value, int(50)), source(known), source(known));
      const invariant = cast(mul(index(known, 50).value, index(known, 50).value), 'int32');
      return store(target, [at], add(mul(load(target, [at]), constant(3, 'int32')), add(chosen, invariant)));
    }
    if (choice < 7) {
      const { value, most } = extent();
      const i = indexVar('i', value);
      const inner = [...known, { value: i, most: Math.max(0, most - 1) }];
      return loop(i, sequence(inner, depth - 1));
    }
    if (choice < 9) {
      const found = index(known, 60);
      const named = variable('named', 'index', roll(2) === 0 ? { min: 0, max: found.most } : {});
      return letIn(named, found.value, sequence([...known, { value: named, most: found.most }], depth - 1));
    }
    const test = lt(index(known, 100).value, index(known, 100).value);
    return ifThen(test, sequence(known, depth - 1), roll(2) === 0 ? sequence(known, depth - 1) : undefined);
  };
  const sequence = (known: readonly Known[], depth: number): Stmt =>
    block(Array.from({ length: 1 + roll(3) }, () => statement(known, depth)));
  const p = indexVar('p', size);
  const nest = Array.from({ length: 3 }, () => statement([], 5));
  const body = allocate(local, block([loop(p, store(local, [p], constant(7, 'int32'))), ...nest]));
  const kernel: Kernel = { name: 'nest', params: [x, y], dims, body };
  return { name: `nest ${seed}`, kernel, buffers: [noise('int32', size), noise('int32', size)], dims: sizes };
}

describe('kernels in WebAssembly', () => {
  before(async function () {
    this.timeout(60_000);
    await newModule({ simd: true, relaxed: false });
  });

  it('agree with the evaluator where written by hand', async () => {
    const module = await compareWithEvaluator([
      matrixProduct(),
      window(),
      stackBuffer(),
      repeated(),
      gather('fail', [0n, 5n, -1n, 3n]),
      gather('check', [0n, -6n, 2n]),
      gather('fail', [0n, 6n]),
      gather('check', [0n, -7n, 1n]),
      // What does not fit 32 bits must not look like an index in range.
      gather('fail', [2n ** 32n]),
      gather('check', [-(2n ** 40n)]),
    ]);
    assert(module.bytes.length < 6000);
  });

  it('agree with the evaluator as random loop nests', async function () {
    this.timeout(60_000);
    const seeds = Array.from({ length: 60 }, (_, seed) => seed);
    await compareWithEvaluator(seeds.map(randomNest));
  });

  it('load each value of a tile once a turn', async () => {
    const module = await newModule({ simd: true, relaxed: false });
    printKernel(module, matrixProduct().kernel, 'gemm', { contract: false, stackBase: 1024 });
    const text = module.text();
    // A tile of four rows and one of a single row, two vectors wide.
    assert.equal(text.match(/v128\.load32_splat/g)?.length, 4 + 1);
    assert.equal(text.match(/v128\.load /g)?.length, 2 + 2);
  });

  it('compute a minimum that keeps NaN of either side', async () => {
    const x = tensor('x', 'float32', [4]);
    const y = tensor('y', 'float32', [4]);
    const at = [ramp(int(0), 1, 4)];
    const body = store(y, at, min(load(x, at), load(y, at)));
    const [a, b] = [makeArray('float32', 4), makeArray('float32', 4)];
    a.set([Number.NaN, 1, Number.NaN, 2] as never);
    b.set([1, Number.NaN, Number.NaN, 3] as never);
    await compareWithEvaluator([
      { name: 'min', kernel: { name: 'min', params: [x, y], dims: [], body }, buffers: [a, b] },
    ]);
  });
});
