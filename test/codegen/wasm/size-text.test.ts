// Sizes in JavaScript: each part is written once, however often it stands in others.

import assert from 'node:assert/strict';
import { sizeWriter } from '../../../codegen/wasm/size-text.ts';
import type { Expr } from '../../../ir/expr.ts';
import { add, int, max, mul, variable } from '../../../ir/expr-make.ts';

describe('sizes in JavaScript', () => {
  const n = variable('n', 'index', { min: 0 });

  it('name what stands in several places', () => {
    const twice = mul(n, int(2));
    const { text, lines } = sizeWriter([max(twice, add(twice, int(1))), n], () => 'd0');
    assert.equal(text(max(mul(n, int(2)), add(twice, int(1)))), 'Math.max(s0, (s0 + 1))');
    assert.deepEqual(lines, ['const s0 = (d0 * 2);']);
  });

  it('grow with the number of parts, not with the number of paths', () => {
    let size: Expr = n;
    for (let i = 0; i < 64; i++) size = add(max(size, int(i)), mul(size, int(2)));
    const { text, lines } = sizeWriter([size], () => 'd0');
    text(size);
    assert.ok(lines.length < 70 && lines.join('').length < 5000);
  });
});
