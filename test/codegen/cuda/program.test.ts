// Whole programs as CUDA: executables and callers, in the emulation where there is no GPU.

import { deepEqual, equal, match } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { targets } from '../../../codegen/index.ts';
import type { Expr } from '../../../ir/expr.ts';
import { add, float, indexVar, int, load, lt } from '../../../ir/expr-make.ts';
import type { Buffer } from '../../../ir/kernel.ts';
import { block, store } from '../../../ir/kernel-walk.ts';
import type { Place, Program, Step } from '../../../ir/program.ts';
import type { GenerateOptions, OutputFile } from '../../../ir/target.ts';
import { readNpy } from '../../../src/npy.ts';
import { scheduleGrid } from '../../../src/schedule/grid.ts';
import { type BuildOptions, buildC } from '../../../src/toolchain/build-c.ts';
import { findCompiler } from '../../../src/toolchain/compiler.ts';
import { type CudaCompiler, findCudaCompiler, findNvcc } from '../../../src/toolchain/cuda-compiler.ts';
import { runTool } from '../../../src/toolchain/run-tool.ts';
import { strictFlags } from '../c/run-kernels.ts';
import { argument, example, expectOutputs, kernel, runExample } from '../example-program.ts';

const target = targets['cuda-sm80']!;
const plain: GenerateOptions = { name: 'net', weights: 'embed', threads: false, math: 'strict' };

function scheduled(program: Program): Program {
  const walk = (steps: readonly Step[]): readonly Step[] =>
    steps.map((step): Step => {
      if (step.kind === 'call') return { ...step, kernel: scheduleGrid(step.kernel) };
      if (step.kind === 'if') return { ...step, then: walk(step.then), otherwise: walk(step.otherwise) };
      return step.kind === 'loop' ? { ...step, body: walk(step.body) } : step;
    });
  return { ...program, body: walk(program.body) };
}

const gridExample = (): Program => scheduled(example(target));

/** Adds 2 while the sum is below 9, as far as a flag on the device says; then 100, if another flag says so. */
function untilEnough(): Program {
  const scalar = (name: string, dtype: Buffer['dtype'] = 'float32'): Buffer => argument(name, dtype, []);
  const [sum, goesOn, y] = [scalar('sum'), scalar('goesOn', 'bool'), scalar('y')];
  const call = (name: string, buffers: readonly Buffer[], value: Expr): Step => {
    const test = lt(load(sum, []), float(9));
    const body = block([store(buffers[0]!, [], value), ...(buffers.includes(goesOn) ? [store(goesOn, [], test)] : [])]);
    return { kind: 'call', kernel: kernel(name, buffers, [], body), arguments: buffers, dims: [] };
  };
  const finish = (name: string, more: number): Step => call(name, [y, sum], add(load(sum, []), float(more)));
  return {
    name: 'until enough',
    inputs: [],
    outputs: [{ name: 'y', buffer: y }],
    dims: [],
    computedDims: [],
    body: [
      call('begin', [sum, goesOn], float(0)),
      {
        kind: 'loop',
        index: indexVar('turn', int(1000)),
        count: int(1000),
        condition: load(goesOn, []),
        body: [call('more', [sum, goesOn], add(load(sum, []), float(2)))],
      },
      {
        kind: 'if',
        condition: load(goesOn, []),
        then: [finish('wrong', 0)],
        otherwise: [finish('right', 100)],
      },
    ],
    weights: new Uint8Array(0),
    places: new Map<Buffer, Place>([
      [sum, { kind: 'arena', offset: int(0) }],
      [goesOn, { kind: 'arena', offset: int(64) }],
      [y, { kind: 'output', index: 0, offset: int(0) }],
    ]),
    arenaBytes: int(128),
    arenaLowerBound: int(0),
  };
}

describe('programs as CUDA', function () {
  this.timeout(120_000);
  let cuda: CudaCompiler | undefined;
  let folder = '';
  before(async function () {
    cuda = await findCudaCompiler().catch(() => undefined);
    if (!cuda) {
      console.warn('      SKIPPED: no C++ compiler (g++, c++ or clang++) was found');
      this.skip();
    }
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lapidary-program-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function build(
    program: Program,
    options: Partial<GenerateOptions> = {},
    settings: Partial<BuildOptions> = {},
  ): Promise<{ readonly executable: string; readonly files: readonly OutputFile[] }> {
    const files = await target.generate(program, { ...plain, ...options });
    const executable = join(folder, 'net');
    const what = {
      files,
      folder,
      name: 'net',
      target,
      math: 'strict',
      emit: 'executable',
      output: executable,
    } as const;
    await buildC({ ...what, ...settings });
    return { executable, files };
  }

  it('runs as an executable, which knows nothing of the device', async () => {
    const { executable } = await build(gridExample());
    const result = await runExample([executable], folder, [4n, 0n, 2n]);
    equal(result.stderr, '');
    equal(result.exitCode, 0);
    expectOutputs(folder);
  });

  it('takes weights from a file, and runs clean under sanitizers', async () => {
    const { executable } = await build(gridExample(), { weights: 'external' }, { sanitize: true });
    const result = await runExample([executable], folder, [4n, 0n, 2n], ['--weights', `${folder}/net_weights.bin`]);
    // The sanitizer says that it knows fibers only in part.
    equal(result.exitCode, 0, result.stderr);
    expectOutputs(folder);
  });

  it('takes large weights from the assembler', async () => {
    const program = gridExample();
    const weights = new Uint8Array(3 << 20);
    weights.set(program.weights);
    const { executable, files } = await build({ ...program, weights });
    deepEqual(
      files.map(({ path }) => path),
      ['net.h', 'net.cu', 'net_weights.bin', 'net_weights.S'],
    );
    equal((await runExample([executable], folder, [4n, 0n, 2n])).stderr, '');
    expectOutputs(folder);
  });

  it('reports an index that is out of range', async () => {
    const { executable } = await build(gridExample());
    const result = await runExample([executable], folder, [4n, 5n, 2n]);
    match(result.stderr, /LAP_E_INDEX/);
    equal(result.exitCode, 4);
  });

  it('reads conditions back from the device', async () => {
    const { executable } = await build(untilEnough());
    const { stderr } = await execa(executable, ['--output-dir', folder]);
    equal(stderr, '');
    const { bytes } = readNpy(readFileSync(join(folder, 'y.npy')), 'y');
    equal(new Float32Array(Uint8Array.from(bytes).buffer)[0], 110);
  });

  it('has a header for C, and a run over the memory of the host', async () => {
    const caller = `#include <stdio.h>
#include "net.h"
int main(void) {
  float y = 0;
  net_io io;
  io.y = &y;
  const int status = net_run_host(&io);
  printf("%d %g %d\\n", status, (double)y, net_describe()->output_count);
  return 0;
}
`;
    const files = await target.generate(untilEnough(), plain);
    const library = join(folder, 'libnet.so');
    await buildC({ files, folder, name: 'net', target, math: 'strict', emit: 'shared', output: library });
    writeFileSync(join(folder, 'main.c'), caller);
    const compiler = await findCompiler(target);
    const flags = ['-std=c99', ...strictFlags, 'main.c', 'libnet.so', '-o', 'main', `-Wl,-rpath,${folder}`];
    await runTool(compiler.command, [...compiler.leading, ...flags], folder);
    equal((await execa(join(folder, 'main'))).stdout, '0 110 1');
  });

  it('gives the same files again', async () => {
    deepEqual(await target.generate(gridExample(), plain), await target.generate(gridExample(), plain));
  });

  for (const name of ['cuda-sm80', 'cuda-sm90a']) {
    it(`compiles with nvcc for ${name}`, async function () {
      const nvcc = await findNvcc();
      if (!nvcc) {
        console.warn('      SKIPPED: nvcc was not found');
        return this.skip();
      }
      const own = targets[name]!;
      for (const program of [gridExample(), untilEnough()]) {
        for (const { path, bytes } of await own.generate(program, plain)) writeFileSync(join(folder, path), bytes);
        const flags = nvcc.compileFlags({ target: own, math: 'strict', sanitizers: [], shared: false });
        const all = [...nvcc.leading, ...flags, '-Werror', 'all-warnings', '-c', 'net.cu', '-o', 'net.o'];
        await runTool(nvcc.command, all, folder);
      }
    });
  }
});
