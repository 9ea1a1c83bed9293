// Divisions by powers of two.

import assert from 'node:assert/strict';
import type { Expr } from '../ir/expr.ts';
import { div, float, indexVar, int, load } from '../ir/expr-make.ts';
import type { Buffer } from '../ir/kernel.ts';
import { printKernel } from '../ir/kernel-print.ts';
import { loops, store } from '../ir/kernel-walk.ts';
import { useReciprocals } from '../src/use-reciprocals.ts';

const tensor = (name: string): Buffer => ({ name, dtype: 'float32', shape: [int(8)], memory: 'argument' });
const [x, y] = [tensor('x'), tensor('y')];
const i = indexVar('i', 8);
const text = (value: Expr): string =>
  printKernel(useReciprocals({ name: 'k', params: [x, y], dims: [], body: loops([i], store(y, [i], value)) }));

describe('divisions by constants', () => {
  it('become products where that gives the same bits', () => {
    assert.match(text(div(div(load(x, [i]), float(8)), float(-0.25))), /x\[i\] \* 0\.125 \* -4/);
  });

  it('stay where it may not', () => {
    assert.match(text(div(load(x, [i]), float(41))), /x\[i\] \/ 41/);
    assert.match(text(div(float(1), load(x, [i]))), /1\.0 \/ x\[i\]/);
    assert.match(text(div(load(x, [i]), float(0))), /x\[i\] \/ 0\.0/);
  });
});
