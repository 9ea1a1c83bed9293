// Where names of sub-expressions are placed.

import assert from 'node:assert/strict';
import { planNames } from '../../codegen/clike/share.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, constant, eq, failure, int, load, lt, mul, select, variable } from '../../ir/expr-make.ts';
import { children } from '../../ir/expr-walk.ts';
import type { Buffer } from '../../ir/kernel.ts';

const i = variable('i', 'index');
const X: Buffer = { name: 'X', dtype: 'int32', shape: [int(8)], memory: 'argument' };

describe('names of sub-expressions', () => {
  it('stand once for what both branches of a Select compute, however long the chain', () => {
    // Each link uses the one before in both branches, and the first may fail.
    const checked: Expr = select(eq(i, int(3)), load(X, [i]), failure('index', 'int32'));
    let value = checked;
    for (let link = 0; link < 60; link++) {
      const n = constant(link, 'int32');
      value = select(lt(value, n), add(mul(value, value), n), value);
    }
    const { root, namedIn } = planNames([value], children, () => false);
    assert.ok(namedIn(root).includes(checked));
    assert.ok(namedIn(root).length <= 4 * 60, `${namedIn(root).length}`);
  });
});
