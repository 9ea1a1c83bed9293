// What can be proved about sizes that are not known.

import assert from 'node:assert/strict';
import { add, div, int, mul, sub, variable } from '../../ir/expr-make.ts';
import { provablyNonNegative, toPolynomial } from '../../ir/polynomial.ts';

const width = variable('width', 'index', { min: 0 });
const height = variable('height', 'index', { min: 0 });

describe('sums of products', () => {
  it('are not negative where a size is less than it was before rounding', () => {
    const half = div(width, int(2));
    for (const difference of [
      sub(width, mul(div(width, int(4)), int(4))),
      sub(half, mul(div(width, int(8)), int(4))),
      mul(height, sub(half, mul(div(width, int(8)), int(4)))),
      sub(add(width, int(1)), mul(div(add(width, int(1)), int(4)), int(4))),
    ]) {
      assert(provablyNonNegative(toPolynomial(difference)));
    }
  });

  it('may be negative where more is taken away than rounding leaves', () => {
    const half = div(width, int(2));
    for (const difference of [
      sub(width, mul(div(width, int(4)), int(5))),
      sub(half, mul(div(width, int(8)), int(5))),
      sub(half, mul(div(width, int(3)), int(2))),
      sub(width, mul(div(add(width, int(1)), int(4)), int(4))),
      sub(half, mul(div(height, int(8)), int(4))),
    ]) {
      assert(!provablyNonNegative(toPolynomial(difference)));
    }
  });
});
