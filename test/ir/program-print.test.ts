import assert from 'node:assert/strict';
import { float, indexVar, int, load, lt, mul, variable } from '../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { loop, store } from '../../ir/kernel-walk.ts';
import type { Program } from '../../ir/program.ts';
import { callsOf, printProgram } from '../../ir/program-print.ts';

describe('printing of programs', () => {
  const n = variable('n', 'index', { min: 1, max: 64 });
  const size = variable('size');
  const i = indexVar('i', size);
  const x: Buffer = { name: 'x', dtype: 'float32', shape: [size], memory: 'argument' };
  const y: Buffer = { ...x, name: 'y' };
  const double: Kernel = {
    name: 'double',
    params: [x, y],
    dims: [size],
    body: loop(i, store(y, [i], mul(load(x, [i]), float(2)))),
  };
  const [input, middle, output] = ['input', 'middle', 'output'].map((name): Buffer => ({ ...x, name, shape: [n] }));
  const call = (from: Buffer, to: Buffer) =>
    ({ kind: 'call', kernel: double, arguments: [from, to], dims: [n] }) as const;
  const turn = variable('turn');
  const program: Program = {
    name: 'net',
    inputs: [{ name: 'image', buffer: input! }],
    outputs: [{ name: 'scores', buffer: output! }],
    dims: [n],
    computedDims: [],
    body: [
      { kind: 'check', condition: lt(n, int(64)), code: 'shape' },
      call(input!, middle!),
      {
        kind: 'if',
        condition: lt(int(1), n),
        then: [{ kind: 'loop', index: turn, count: int(3), body: [call(middle!, output!)] }],
        otherwise: [{ kind: 'let', variable: variable('m'), value: mul(n, int(2)) }],
      },
    ],
    weights: new Uint8Array(0),
    places: new Map([
      [input!, { kind: 'input', index: 0, offset: int(0) }],
      [middle!, { kind: 'arena', offset: int(64) }],
      [output!, { kind: 'output', index: 0, offset: int(0) }],
    ]),
    arenaBytes: mul(n, int(4)),
    arenaLowerBound: mul(n, int(4)),
  };

  it('prints ports, places, steps and every kernel once', () => {
    assert.equal(
      printProgram(program),
      [
        'program net',
        '  input "image" input: float32[n] at input 0',
        '  output "scores" output: float32[n] at output 0',
        '  dim n: index from 1 to 64',
        '  buffer middle: float32[n] at arena + 64',
        '  weights 0 bytes',
        '  arena n * 4 bytes, at least n * 4',
        '  check n < 64 else shape',
        '  double(input, middle; size = n)',
        '  if 1 < n',
        '    for turn < 3',
        '      double(middle, output; size = n)',
        '  else',
        '    let m = n * 2',
        '',
        'kernel double(x: float32[size], y: float32[size]; size: index)',
        '  for i < size',
        '    y[i] = x[i] * 2.0',
      ].join('\n'),
    );
  });

  it('finds the calls in branches and loops', () => {
    assert.deepEqual(
      callsOf(program.body).map((step) => step.arguments[1]),
      [middle, output],
    );
  });
});
