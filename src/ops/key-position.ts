// Numbers looked up among constants, one after another.

import { isFloat } from '../../ir/dtype.ts';
import { and, cast, eq, indexVar, lt, ne, or, reduce, select } from '../../ir/expr-make.ts';
import { intAttribute } from './attributes.ts';
import { op } from './define.ts';
import { checked } from './run-time-operands.ts';
import { numericTypes, tensorOf, typeSet } from './types.ts';

/** The first of `keys` that equals an element of X (NaN equals NaN here). Where none does: their number, or an error. */
export const KeyPosition = op('KeyPosition', {
  domain: 'lapidary',
  inputs: ['X', 'keys'],
  attributes: { strict: intAttribute(0, [0, 1]) },
  types: { X: typeSet('T', numericTypes), keys: typeSet('T', numericTypes) },
  type: ({ X }) => tensorOf('int64', X.shape),
  compute: ({ X, keys }, { strict }, index) => {
    const count = keys.shape[0]!;
    const at = indexVar('key', count);
    const [x, key] = [X.at(...index), keys.at(at)];
    const same = isFloat(x.dtype) ? or(eq(key, x), and(ne(key, key), ne(x, x))) : eq(key, x);
    const found = reduce('min', [at], select(same, at, count));
    return cast(strict === 1 ? checked(lt(found, count), found) : found, 'int64');
  },
});
