// What is claimed of all values of an expression, against the values that random expressions take.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { boundsOf } from '../../ir/bounds.ts';
import { dtypes, isInteger } from '../../ir/dtype.ts';
import { makeArray, type TypedArrayLike } from '../../ir/eval-arrays.ts';
import type { Expr } from '../../ir/expr.ts';
import { binary, cast, constant, eq, int, load, unary, variable } from '../../ir/expr-make.ts';
import { loadsOf } from '../../ir/expr-walk.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { evaluateKernel } from '../../ir/kernel-eval.ts';
import { printExpr } from '../../ir/kernel-print.ts';
import { store } from '../../ir/kernel-walk.ts';
import { allBitsOf, differInBits, knownBits } from '../../ir/known-bits.ts';
import { contents, expression, sources, storedTypes } from './random-kernels.ts';

function evaluated(expr: Expr, arrays: readonly TypedArrayLike[]): bigint {
  const out: Buffer = { name: 'out', dtype: expr.dtype, shape: [int(1)], memory: 'argument' };
  const used = [...new Set(loadsOf(expr).map(({ buffer }) => buffer))];
  const inputs = used.map((buffer) => arrays[storedTypes.findIndex((dtype) => sources.get(dtype) === buffer)]!);
  const result = makeArray(expr.dtype, 1);
  const kernel = { name: 'expr', params: [...used, out], dims: [], body: store(out, [int(0)], expr) };
  evaluateKernel(kernel, [...inputs, result]);
  return BigInt(result[0]!);
}

const x = variable('x', 'int16');
const narrow = variable('b', 'int8');
const five = constant(5, 'int16');

describe('known bits', () => {
  for (const dtype of storedTypes.filter((type) => isInteger(type))) {
    it(`and bounds hold for every value of random ${dtype} expressions`, () => {
      const property = fc.property(expression(dtype, 1, 4, { fails: false }), contents, (expr, arrays) => {
        const value = evaluated(expr, arrays);
        const bits = BigInt.asUintN(dtypes[dtype].bits, value);
        const { zeros, ones } = knownBits(expr);
        assert.equal(bits & zeros, 0n, `zeros of ${printExpr(expr, new Map())}`);
        assert.equal(bits & ones, ones, `ones of ${printExpr(expr, new Map())}`);
        const { min, max } = boundsOf(expr);
        assert.ok(min <= Number(value) && Number(value) <= max, `bounds of ${printExpr(expr, new Map())}`);
      });
      fc.assert(property, { numRuns: 150 });
    });
  }

  it('tell a masked value from what the mask excludes', () => {
    const masked = binary('and', x, constant(1, 'int16'));
    assert.equal(differInBits(masked, five), true);
    assert.equal(differInBits(masked, constant(1, 'int16')), false);
  });

  it('go through shifts, widening and complements', () => {
    const shifted = binary('shl', cast(binary('and', narrow, constant(6, 'int8')), 'int32'), constant(4, 'int32'));
    assert.deepEqual(knownBits(shifted), { zeros: 0xffffff9fn, ones: 0n });
    assert.deepEqual(knownBits(unary('not', shifted)), { zeros: 0n, ones: 0xffffff9fn });
  });

  it('make constants of what has all its bits known', () => {
    const masked = binary('and', cast(load(sources.get('uint8')!, [int(0)]), 'int32'), constant(0x100, 'int32'));
    assert.equal(allBitsOf(masked), 0n);
    assert.equal(allBitsOf(cast(eq(x, five), 'int32')), undefined);
  });
});
