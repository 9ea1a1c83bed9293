// Random expressions of every type: shared parts, guarded divisions and loads, failures, scalars and vectors.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { newModule } from '../../../codegen/wasm/binaryen.ts';
import { makeArray } from '../../../ir/eval-arrays.ts';
import type { Expr } from '../../../ir/expr.ts';
import { add, float, IrError, indexVar, int, load, lt, mul, ramp, select, splat } from '../../../ir/expr-make.ts';
import { visitExpr } from '../../../ir/expr-walk.ts';
import type { Buffer, Kernel } from '../../../ir/kernel.ts';
import { loop, store } from '../../../ir/kernel-walk.ts';
import { contents, expression, sources, storedTypes } from '../../ir/random-kernels.ts';
import { type Case, compareWithEvaluator, moduleOf } from './run-kernels.ts';

const seed = 20240611;

/** Stores the value in a loop of three turns, so that what the loop does not change is moved out of it. */
function caseOf(name: string, value: Expr, buffers: Case['buffers']): Case {
  const result: Buffer = { name: 'y', dtype: value.dtype, shape: [int(3 * value.lanes)], memory: 'argument' };
  const i = indexVar('i', 3);
  const at = ramp(
    { kind: 'binary', op: 'mul', dtype: 'index', lanes: 1, left: i, right: int(value.lanes) },
    1,
    value.lanes,
  );
  const body = loop(i, store(result, [at], value));
  const kernel: Kernel = { name: 'expression', params: [...sources.values(), result], dims: [], body };
  return { name, kernel, buffers: [...buffers, makeArray(value.dtype, 3 * value.lanes)] };
}

/** Every vector inside has a type that is at most 128 bits wide in so many lanes. */
function isPrintable(value: Expr): boolean {
  let fits = true;
  visitExpr(value, (part) => {
    if (part.lanes > 4 && (part.dtype === 'float32' || part.dtype === 'index')) fits = false;
    if (part.lanes > 2 && ['float64', 'int64', 'uint64'].includes(part.dtype)) fits = false;
    if (part.kind === 'ramp') return false;
    return true;
  });
  return fits;
}

function sample(lanes: number, depth: number, count: number): readonly Case[] {
  const cases: Case[] = [];
  for (const dtype of storedTypes) {
    if (lanes > 2 && ['float64', 'int64', 'uint64'].includes(dtype)) continue;
    const values = fc.sample(fc.tuple(expression(dtype, lanes, depth, { fails: true }), contents), {
      seed,
      numRuns: count,
    });
    for (const [position, [value, buffers]] of values.entries()) {
      if (isPrintable(value)) cases.push(caseOf(`${dtype} x${lanes} #${position}`, value, buffers));
    }
  }
  return cases;
}

describe('random expressions in WebAssembly', () => {
  before(async function () {
    this.timeout(60_000);
    await newModule({ simd: true, relaxed: false });
  });

  it('agree with the evaluator as scalars', async function () {
    this.timeout(60_000);
    await compareWithEvaluator(sample(1, 4, 120));
  });

  it('agree with the evaluator as vectors', async function () {
    this.timeout(60_000);
    let cases = 0;
    for (const lanes of [2, 4, 8]) {
      const printable: Case[] = [];
      for (const one of sample(lanes, 3, 25)) {
        try {
          await moduleOf([one]);
          printable.push(one);
        } catch (error) {
          // Random vectors may fail under vector conditions, which schedules never make.
          if (!(error instanceof IrError)) throw error;
        }
      }
      cases += printable.length;
      await compareWithEvaluator(printable);
    }
    assert(cases > 40);
  });

  it('stay small where every part is used twice', async () => {
    const source = sources.get('float32')!;
    const chains = [1, 4].map((lanes): Expr => {
      const read = (place: number): Expr => load(source, [ramp(int(place), 1, lanes)]);
      let value = read(0);
      for (let link = 0; link < 40; link++) {
        const other = read(link % 4);
        const test = lanes === 1 ? lt(value, other) : lt(load(source, [int(link % 8)]), float(1));
        const chosen = select(test, mul(value, other), add(value, read(1)));
        const masked = select(lt(value, splat(float(2), lanes)), value, chosen);
        value = add(mul(chosen, splat(float(0.5), lanes)), select(test, masked, other));
      }
      return value;
    });
    const [buffers] = fc.sample(contents, { seed, numRuns: 1 });
    const module = await compareWithEvaluator(chains.map((chain, at) => caseOf(`chain ${at}`, chain, buffers!)));
    assert(module.bytes.length < 20_000, `${module.bytes.length} bytes`);
  });

  it('give the same bytes every time', async () => {
    const first = await moduleOf(sample(1, 4, 10));
    const again = await moduleOf(sample(1, 4, 10));
    assert.deepEqual(first.bytes, again.bytes);
  });
});
