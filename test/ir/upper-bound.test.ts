import * as assert from 'node:assert/strict';
import { add, cast, div, eq, indexVar, int, max, mul, select, sub, variable } from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import { upperBound } from '../../ir/upper-bound.ts';

const given = variable('T', 'index', { min: 0 });
/** At most 9. */
const found = indexVar('found', 10);

describe('the upper bound of a size', () => {
  it('keeps what the caller gives', () => {
    assert.equal(printExpr(upperBound(add(given, int(3)))), 'T + 3');
  });

  it('puts a size that a run finds out at its greatest', () => {
    assert.equal(printExpr(upperBound(mul(found, given))), 'T * 9');
  });

  it('puts it at its least where it is taken away', () => {
    assert.equal(printExpr(upperBound(sub(int(20), found))), '20');
    assert.equal(printExpr(upperBound(max(sub(given, found), int(0)))), 'T');
  });

  it('takes the greater of two cases', () => {
    assert.equal(printExpr(upperBound(select(eq(found, int(0)), int(4), div(found, int(2))))), '4');
  });

  it('follows a bound that depends on another size', () => {
    const inner = indexVar('inner', add(found, int(1)));
    assert.equal(printExpr(upperBound(cast(cast(inner, 'int64'), 'index'))), '9');
  });
});
