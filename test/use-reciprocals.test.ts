// Divisions by constants, where arithmetic need not be strict.

import assert from 'node:assert/strict';
import type { Expr } from '../ir/expr.ts';
import { add, div, float, indexVar, int, load, unary } from '../ir/expr-make.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import { printKernel } from '../ir/kernel-print.ts';
import { allocate, block, loop, loops, store } from '../ir/kernel-walk.ts';
import { useReciprocals } from '../src/use-reciprocals.ts';

const tensor = (name: string, memory: Buffer['memory'] = 'argument'): Buffer => ({
  name,
  dtype: 'float32',
  shape: memory === 'argument' ? [int(8)] : [],
  memory,
});
const [x, y] = [tensor('x'), tensor('y')];
const i = indexVar('i', 8);
const kernelOf = (value: Expr): Kernel => ({
  name: 'k',
  params: [x, y],
  dims: [],
  body: loops([i], store(y, [i], value)),
});
const text = (value: Expr): string => printKernel(useReciprocals(kernelOf(value)));

describe('divisions by constants', () => {
  it('become products', () => {
    assert.match(text(div(div(load(x, [i]), float(8)), float(4))), /x\[i\] \* 0\.125 \* 0\.25/);
    assert.match(text(div(float(1), load(x, [i]))), /1\.0 \/ x\[i\]/);
    assert.match(text(div(load(x, [i]), float(0))), /x\[i\] \/ 0\.0/);
  });

  it('stay where their result is rounded, unless it is a sum', () => {
    const rounded = (value: Expr): Expr => unary('rint', div(value, float(8)));
    assert.match(text(rounded(load(x, [i]))), /x\[i\] \/ 8\.0/);
    const acc = tensor('acc', 'register');
    const k = indexVar('k', 8);
    const sum = loop(k, store(acc, [], add(load(acc, []), load(x, [k]))));
    const body = allocate(acc, block([store(acc, [], float(0)), sum, store(y, [i], rounded(load(acc, [])))]));
    assert.match(
      printKernel(useReciprocals({ ...kernelOf(float(0)), body: loops([i], body) })),
      /acc(\[\])? \* 0\.125/,
    );
  });
});
