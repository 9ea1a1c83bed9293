// Whole programs as C: what a caller sees, in executables and through the header.

import { deepEqual, equal, match } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { targets } from '../../../codegen/index.ts';
import type { Expr, Var } from '../../../ir/expr.ts';
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
} from '../../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../../ir/kernel.ts';
import { allocate, block, loop, store } from '../../../ir/kernel-walk.ts';
import type { Place, Program } from '../../../ir/program.ts';
import type { Target } from '../../../ir/target.ts';
import { readNpy } from '../../../src/npy.ts';
import { type BuildOptions, buildC } from '../../../src/toolchain/build-c.ts';
import { type Compiler, emulatorFor, findCompiler, installedCompilers } from '../../../src/toolchain/compiler.ts';
import { strictFlags } from './run-kernels.ts';

const argument = (name: string, dtype: Buffer['dtype'], shape: readonly Expr[]): Buffer => ({
  name,
  dtype,
  shape,
  memory: 'argument',
});
const kernel = (name: string, params: readonly Buffer[], dims: readonly Var[], body: Stmt): Kernel => ({
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
function example(target: Target): Program {
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

describe('programs as C', function () {
  this.timeout(120_000);
  let compilers: readonly Compiler[] = [];
  let folder = '';
  before(async function () {
    compilers = await installedCompilers();
    if (compilers.length === 0) {
      console.warn('      SKIPPED: no C compiler (gcc, cc or clang) was found');
      this.skip();
    }
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lapidary-program-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const x = Float32Array.from({ length: 5 * 32 }, (_, at) => (at % 7) - 3);

  async function build(target: Target, settings: Partial<BuildOptions> & { threads?: boolean; weights?: 'external' }) {
    const { threads = false, weights = 'embed', ...others } = settings;
    const program = example(target);
    const files = await target.generate(program, { name: 'net', weights, threads, math: 'strict' });
    const executable = join(folder, 'net');
    await buildC({
      files,
      folder,
      name: 'net',
      target,
      math: 'strict',
      emit: 'executable',
      output: executable,
      ...others,
    });
    return executable;
  }

  async function run(command: readonly string[], indices: readonly bigint[], texts: readonly string[] = []) {
    writeFileSync(join(folder, 'x.npy'), npy('<f4', [5, 32], x));
    writeFileSync(join(folder, 'index.npy'), npy('<i8', [3], BigInt64Array.from(indices)));
    const inputs = ['--input', `x=${folder}/x.npy`, '--input', `in/dex=${folder}/index.npy`];
    const [program, ...leading] = command;
    return execa(program!, [...leading, ...inputs, '--output-dir', folder, ...texts], { reject: false, cwd: folder });
  }

  function expectOutputs() {
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

  for (const name of ['host', 'c', 'x86-64-v3', 'x86-64-v2']) {
    it(`runs as an executable for ${name}`, async function () {
      if (name.startsWith('x86') && process.arch !== 'x64') this.skip();
      const target = targets[name]!;
      const executable = await build(target, name === 'c' ? { flags: strictFlags } : {});
      const result = await run([executable], [4n, 0n, 2n]);
      equal(result.stderr, '');
      equal(result.exitCode, 0);
      expectOutputs();
    });
  }

  it('runs under sanitizers with threads, and with weights from a file', async () => {
    for (const compiler of compilers) {
      const executable = await build(targets.host!, { compiler, sanitize: true, threads: true, weights: 'external' });
      const texts = ['--threads', '3', '--weights', join(folder, 'net_weights.bin')];
      const result = await run([executable], [4n, 0n, 2n], texts);
      equal(result.stderr, '');
      expectOutputs();
    }
  });

  it('reports an index that is out of range', async () => {
    const executable = await build(targets.host!, { sanitize: true });
    const result = await run([executable], [4n, 5n, 2n]);
    match(result.stderr, /index/);
    equal(result.exitCode === 0, false);
  });

  it('runs on aarch64 in an emulator', async function () {
    const target = targets.aarch64!;
    const [emulator] = emulatorFor(target);
    const compiler = await findCompiler(target).catch(() => undefined);
    const works = emulator !== undefined && (await execa(emulator, ['--version'], { reject: false })).exitCode === 0;
    if (!compiler || !works) this.skip();
    const executable = await build(target, {});
    const result = await run([...emulatorFor(target), executable], [4n, 0n, 2n]);
    equal(result.stderr, '');
    expectOutputs();
  });

  it('brings large weights in through the assembler', async () => {
    const program = example(targets.host!);
    const weights = new Uint8Array(3 << 20);
    weights.set(program.weights);
    const files = await targets.host!.generate(
      { ...program, weights },
      { name: 'net', weights: 'embed', threads: false, math: 'fast' },
    );
    deepEqual(
      files.map(({ path }) => path),
      ['net.h', 'net.c', 'net_weights.bin', 'net_weights.S'],
    );
    const executable = join(folder, 'net');
    const target = targets.host!;
    await buildC({ files, folder, name: 'net', target, math: 'fast', emit: 'executable', output: executable });
    equal((await run([executable], [4n, 0n, 2n])).stderr, '');
    expectOutputs();
  });

  it('gives the same files again', async () => {
    const options = { name: 'net', weights: 'embed', threads: true, math: 'fast' } as const;
    const [first, second] = [
      await targets.host!.generate(example(targets.host!), options),
      await targets.host!.generate(example(targets.host!), options),
    ];
    deepEqual(first, second);
  });

  it('lets no text of the model into the code but through the escaper', async () => {
    const program = example(targets.c!);
    const evil = '*/ int evil; /* \\\n"??/ %s \u202e \0 #define';
    const named = { ...program, name: evil, inputs: program.inputs.map((port) => ({ ...port, name: evil })) };
    const files = await targets.c!.generate(named, { name: 'net', weights: 'embed', threads: false, math: 'fast' });
    const target = targets.c!;
    const output = join(folder, 'libnet.a');
    await buildC({ files, folder, name: 'net', target, math: 'fast', emit: 'static', output, flags: strictFlags });
    const text = files.map(({ bytes }) => new TextDecoder().decode(bytes)).join('');
    equal(/\*\/ int evil|\?\?|\u202e/.test(text), false);
  });

  it('has a header that C and C++ callers can include, with the arena of a static model', async () => {
    const y = argument('y', 'float32', [int(2)]);
    const i = indexVar('i', int(2));
    const body = loop(i, store(y, [i], cast(i, 'float32')));
    const program: Program = {
      ...example(targets.c!),
      name: 'tiny',
      inputs: [],
      outputs: [{ name: 'class', buffer: y }],
      dims: [],
      computedDims: [],
      body: [{ kind: 'call', kernel: kernel('main', [y], [], body), arguments: [y], dims: [] }],
      weights: new Uint8Array(0),
      places: new Map([[y, output(0)]]),
      arenaBytes: int(0),
    };
    const files = await targets.c!.generate(program, { name: 'tiny', weights: 'embed', threads: false, math: 'fast' });
    const target = targets.c!;
    const library = join(folder, 'libtiny.a');
    await buildC({ files, folder, name: 'tiny', target, math: 'fast', emit: 'static', output: library });
    const main = `#include "tiny.h"
#include <stdio.h>
int main(void) {
  static unsigned char arena[TINY_ARENA_BYTES + 16];
  float scores[2];
  tiny_io io;
  io.class_2 = scores;
  if (tiny_run(&io, arena) != LAP_OK) return 1;
  return printf("%g %g\\n", (double)scores[0], (double)scores[1]) < 0;
}
`;
    for (const suffix of ['c', 'cpp']) {
      writeFileSync(join(folder, `main.${suffix}`), main);
      const { command } = compilers[0]!;
      const executable = join(folder, suffix);
      await execa(command, [
        `-I${folder}`,
        join(folder, `main.${suffix}`),
        library,
        '-o',
        executable,
        '-Wall',
        '-Werror',
      ]);
      equal((await execa(executable)).stdout, '0 1');
    }
  });
});
