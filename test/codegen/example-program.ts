// A program that uses most of what programs have, for the tests of printers: symbolic sizes, a size that the run finds
// out, the arena, buffers in place, weights, an index from data, a branch.

import { deepEqual } from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Expr, Var } from '../../ir/expr.ts';
import {
  add,
  and,
  cast,
  failure,
  float,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  mul,
  ramp,
  select,
  splat,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { allocate, block, loop, store } from '../../ir/kernel-walk.ts';
import type { Place, Program } from '../../ir/program.ts';
import type { Target } from '../../ir/target.ts';
import { readNpy } from '../../src/npy.ts';

export const argument = (name: string, dtype: Buffer['dtype'], shape: readonly Expr[]): Buffer => ({
  name,
  dtype,
  shape,
  memory: 'argument',
});
export const kernel = (name: string, params: readonly Buffer[], dims: readonly Var[], body: Stmt): Kernel => ({
  name,
  params,
  dims,
  body,
});
const input = (index: number): Place => ({ kind: 'input', index, offset: int(0) });
const output = (index: number): Place => ({ kind: 'output', index, offset: int(0) });

/**
 * picked[i] = (weights * relu(x))[index[i]], positives = how many of x are above zero. The product lies in the arena,
 * computed in place of relu(x).
 */
export function example(target: Target): Program {
  const lanes = target.lanes.float32 ?? 1;
  const n = variable('batch', 'index', { min: 1, max: 1000 });
  const columns = 32;
  const x = argument('x', 'float32', [n, int(columns)]);
  const index = argument('index', 'int64', [int(3)]);
  const weights = argument('weights', 'float32', [int(columns)]);
  const hidden = argument('hidden', 'float32', [n, int(columns)]);
  const scaled = argument('scaled', 'float32', [n, int(columns)]);
  const picked = argument('picked', 'float32', [int(3), int(columns)]);
  const positives = argument('positives', 'int64', []);
  const found = variable('found', 'index', { extent: add(mul(n, int(columns)), int(1)) });
  const list = argument('list', 'float32', [found]);
  const size = argument('size', 'int64', []);

  const i = indexVar('i', n);
  const j = indexVar('j', int(columns / lanes));
  const at = ramp(mul(j, int(lanes)), 1, lanes);
  const relu = loop(i, loop(j, store(hidden, [i, at], max(load(x, [i, at]), splat(float(0), lanes)))), 'parallel');
  const i2 = indexVar('i', n);
  const j2 = indexVar('j', int(columns / lanes));
  const at2 = ramp(mul(j2, int(lanes)), 1, lanes);
  const product = mul(load(hidden, [i2, at2]), load(weights, [at2]));
  const scale = loop(i2, loop(j2, store(scaled, [i2, at2], product)));
  const row = indexVar('row', int(3));
  const column = indexVar('column', int(columns));
  const wanted = cast(load(index, [row]), 'index');
  const inside = and(le(int(0), wanted), lt(wanted, n));
  const value = select(inside, load(scaled, [wanted, column]), failure('index', 'float32'));
  const pick = loop(row, loop(column, store(picked, [row, column], value)));
  const count: Buffer = { name: 'count', dtype: 'index', shape: [], memory: 'register' };
  const k = indexVar('k', mul(n, int(columns)));
  const flat: Buffer = { ...argument('x', 'float32', [mul(n, int(columns))]) };
  const element = load(flat, [k]);
  const collect = allocate(
    count,
    block([
      store(count, [], int(0)),
      loop(k, {
        kind: 'if',
        condition: lt(float(0), element),
        then: block([store(list, [load(count, [])], element), store(count, [], add(load(count, []), int(1)))]),
      }),
      store(size, [], cast(load(count, []), 'int64')),
    ]),
  );
  const bytes = new Uint8Array(Float32Array.from({ length: columns }, (_, at) => at + 1).buffer);
  return {
    name: 'ex"ample',
    inputs: [
      { name: 'x', buffer: x },
      { name: 'in/dex', buffer: index },
    ],
    outputs: [
      { name: 'picked', buffer: picked },
      { name: 'int', buffer: positives },
      { name: 'list', buffer: list },
    ],
    dims: [n],
    computedDims: [found],
    body: [
      { kind: 'call', kernel: kernel('relu', [x, hidden], [n], relu), arguments: [x, hidden], dims: [n] },
      {
        kind: 'call',
        kernel: kernel('scale', [hidden, weights, scaled], [n], scale),
        arguments: [hidden, weights, scaled],
        dims: [n],
      },
      {
        kind: 'call',
        kernel: kernel('gather', [index, scaled, picked], [n], pick),
        arguments: [index, scaled, picked],
        dims: [n],
      },
      {
        kind: 'call',
        kernel: kernel('collect', [flat, list, size], [n], collect),
        arguments: [flat, list, size],
        dims: [n],
      },
      { kind: 'let', variable: found, value: cast(load(size, []), 'index') },
      {
        kind: 'if',
        condition: lt(int(0), found),
        then: [
          {
            kind: 'call',
            kernel: kernel('copy', [size, positives], [], store(positives, [], load(size, []))),
            arguments: [size, positives],
            dims: [],
          },
        ],
        otherwise: [],
      },
    ],
    weights: bytes,
    places: new Map<Buffer, Place>([
      [x, input(0)],
      [flat, input(0)],
      [index, input(1)],
      [picked, output(0)],
      [positives, output(1)],
      [list, output(2)],
      [weights, { kind: 'constant', offset: 0 }],
      [hidden, { kind: 'arena', offset: int(0) }],
      [scaled, { kind: 'arena', offset: int(0) }],
      [size, { kind: 'arena', offset: mul(n, int(columns * 4)) }],
    ]),
    arenaBytes: add(mul(n, int(columns * 4)), int(64)),
    arenaLowerBound: int(0),
  };
}

function npy(descriptor: string, shape: readonly number[], data: NodeJS.ArrayBufferView): Uint8Array {
  const dict = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const header = `${dict.padEnd(117)}\n`;
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([
    prefix,
    Buffer.from(header, 'latin1'),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}

const x = Float32Array.from({ length: 5 * 32 }, (_, at) => (at % 7) - 3);

/** Runs the executable of the example on five rows, of which it picks three. */
export async function runExample(
  command: readonly string[],
  folder: string,
  indices: readonly bigint[],
  texts: readonly string[] = [],
) {
  writeFileSync(join(folder, 'x.npy'), npy('<f4', [5, 32], x));
  writeFileSync(join(folder, 'index.npy'), npy('<i8', [3], BigInt64Array.from(indices)));
  const inputs = ['--input', `x=${folder}/x.npy`, '--input', `in/dex=${folder}/index.npy`];
  const [program, ...leading] = command;
  return execa(program!, [...leading, ...inputs, '--output-dir', folder, ...texts], { reject: false, cwd: folder });
}

/** What `runExample` leaves in the folder for the indices 4, 0 and 2. */
export function expectOutputs(folder: string): void {
  const expected = [4, 0, 2].flatMap((row) =>
    Array.from({ length: 32 }, (_, column) => Math.max(0, x[row * 32 + column]!) * (column + 1)),
  );
  const positive = [...x].filter((value) => value > 0);
  const read = (name: string) => readNpy(readFileSync(join(folder, `${name}.npy`)), name);
  const floats = (name: string): number[] => {
    const { bytes } = read(name);
    return [...new Float32Array(Uint8Array.from(bytes).buffer)];
  };
  deepEqual(floats('picked'), expected);
  deepEqual(floats('list'), positive);
  deepEqual(read('list').dims, [positive.length]);
}
