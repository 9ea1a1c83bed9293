// Inputs that are given, against those that a program has.

import * as assert from 'node:assert/strict';
import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { int, variable } from '../../ir/expr-make.ts';
import type { Program } from '../../ir/program.ts';
import { inputsFor } from '../../src/execute/match-inputs.ts';

const n = variable('n', 'index', { min: 1, max: 8 });
const port = (name: string, ...shape: readonly Expr[]) => ({
  name,
  buffer: { name, dtype: 'float32' as DType, shape, memory: 'argument' as const },
});
const program: Program = {
  name: 'test',
  inputs: [port('a', n, int(2)), port('b', n)],
  outputs: [],
  dims: [n],
  computedDims: [],
  body: [],
  weights: new Uint8Array(0),
  places: new Map(),
  arenaBytes: int(0),
  arenaLowerBound: int(0),
};
const given = (name: string, ...dims: readonly number[]) => ({
  name,
  file: '',
  tensor: { dtype: 'float32' as DType, dims, bytes: new Uint8Array(0) },
});

describe('given inputs', () => {
  it('come in the order of the program, without those that it does not have', () => {
    const inputs = inputsFor(program, [given('c'), given('b', 3), given('a', 3, 2)]);
    assert.deepEqual(
      inputs.map(({ name }) => name),
      ['a', 'b'],
    );
  });

  it('must all be there', () => {
    assert.throws(() => inputsFor(program, []), {
      message: 'No value is given for inputs "a", "b". Give it: --input NAME=FILE.',
    });
  });

  it('must have the sizes of the model', () => {
    assert.throws(() => inputsFor(program, [given('a', 3, 1), given('b', 3)]), {
      message: 'input "a" is float32[3, 1], expected float32[n, 2] with n = 3.',
    });
  });

  it('must agree on open sizes, within their bounds', () => {
    assert.throws(() => inputsFor(program, [given('a', 3, 2), given('b', 4)]), {
      message: 'input "b" is float32[4], expected float32[n] with n = 3.',
    });
    assert.throws(() => inputsFor(program, [given('a', 9, 2), given('b', 9)]), /input "a" is float32\[9, 2\]/);
  });
});
