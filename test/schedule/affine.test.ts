import assert from 'node:assert/strict';
import { add, div, indexVar, int, max, mul, sub, variable } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { isInjective } from '../../src/schedule/affine.ts';

const atLeastZero = (name: string) => variable(name, 'index', { min: 0 });

describe('addresses of loops', () => {
  it('differ where each step covers the span of the smaller ones, whatever the sizes are', () => {
    const [batch, samples] = [atLeastZero('batch'), atLeastZero('samples')];
    const frames = simplify(max(div(sub(samples, int(352)), int(160)), int(0)));
    const [n, row, column] = [indexVar('n', batch), indexVar('row', frames), indexVar('column', int(257))];
    const address = add(add(mul(mul(frames, n), int(257)), mul(row, int(257))), column);
    assert.equal(isInjective(address, [n, row, column]), true);
    assert.equal(isInjective(sub(address, column), [n, row, column]), false);
  });

  it('differ in whole tiles, and in what is left of them', () => {
    const size = atLeastZero('size');
    const border = mul(div(size, int(4)), int(4));
    const [n, whole, rest] = [indexVar('n', int(3)), indexVar('i', border), indexVar('i', simplify(sub(size, border)))];
    const address = (index: typeof whole, start: typeof border) => simplify(add(mul(n, size), add(start, index)));
    assert.equal(isInjective(address(whole, int(0)), [n, whole]), true);
    assert.equal(isInjective(address(rest, border), [n, rest]), true);
    assert.equal(isInjective(simplify(add(n, whole)), [n, whole]), false);
  });
});
