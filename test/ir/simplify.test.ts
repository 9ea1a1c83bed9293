import assert from 'node:assert/strict';
import { exprKey } from '../../ir/expr-key.ts';
import { cast, int, variable } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';

describe('simplified sizes', () => {
  it('are the same after casts through integers', () => {
    const size = variable('size', 'index', { min: 0 });
    const there = cast(cast(cast(size, 'int64'), 'int32'), 'int64');
    assert.equal(exprKey(simplify(cast(there, 'index'))), exprKey(size));
    assert.equal(exprKey(simplify(cast(cast(int(7), 'int64'), 'index'))), exprKey(int(7)));
  });
});
