// Whole programs as C: what a caller sees, in executables and through the header.

import { deepEqual, equal, match } from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { targets } from '../../../codegen/index.ts';
import { cast, indexVar, int } from '../../../ir/expr-make.ts';
import { loop, store } from '../../../ir/kernel-walk.ts';
import type { Program } from '../../../ir/program.ts';
import type { Target } from '../../../ir/target.ts';
import { type BuildOptions, buildC } from '../../../src/toolchain/build-c.ts';
import { type Compiler, emulatorFor, findCompiler, installedCompilers } from '../../../src/toolchain/compiler.ts';
import { argument, example, expectOutputs, kernel, runExample } from '../example-program.ts';
import { strictFlags } from './run-kernels.ts';

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

  for (const name of ['host', 'c', 'x86-64-v3', 'x86-64-v2']) {
    it(`runs as an executable for ${name}`, async function () {
      if (name.startsWith('x86') && process.arch !== 'x64') this.skip();
      const target = targets[name]!;
      const executable = await build(target, name === 'c' ? { flags: strictFlags } : {});
      const result = await runExample([executable], folder, [4n, 0n, 2n]);
      equal(result.stderr, '');
      equal(result.exitCode, 0);
      expectOutputs(folder);
    });
  }

  it('runs under sanitizers with threads, and with weights from a file', async () => {
    for (const compiler of compilers) {
      const executable = await build(targets.host!, { compiler, sanitize: true, threads: true, weights: 'external' });
      const texts = ['--threads', '3', '--weights', join(folder, 'net_weights.bin')];
      const result = await runExample([executable], folder, [4n, 0n, 2n], texts);
      equal(result.stderr, '');
      expectOutputs(folder);
    }
  });

  it('reports an index that is out of range', async () => {
    const executable = await build(targets.host!, { sanitize: true });
    const result = await runExample([executable], folder, [4n, 5n, 2n]);
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
    const result = await runExample([...emulatorFor(target), executable], folder, [4n, 0n, 2n]);
    equal(result.stderr, '');
    expectOutputs(folder);
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
    equal((await runExample([executable], folder, [4n, 0n, 2n])).stderr, '');
    expectOutputs(folder);
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
      places: new Map([[y, { kind: 'output', index: 0, offset: int(0) }]]),
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
