// What holds only in one of two cases. Not in the table: no model can name it.

import { constant, eq, failure, int, select } from '../../ir/expr-make.ts';
import { intAttribute } from './attributes.ts';
import { op } from './define.ts';
import { allTypes, typeSet } from './types.ts';

/** X, while the run reports that shapes do not fit unless the condition is the expected one. */
export const Assuming = op('Assuming', {
  domain: 'lapidary',
  inputs: ['X', 'condition'],
  attributes: { expected: intAttribute(1, [0, 1]) },
  types: { X: typeSet('T', allTypes), condition: typeSet('B', ['bool']) },
  type: ({ X }) => X.value.type,
  compute: ({ X, condition }, { expected }, index) => {
    const holds = condition.at(...condition.shape.map(() => int(0)));
    return select(eq(holds, constant(expected, 'bool')), X.at(...index), failure('shape', X.dtype));
  },
});
