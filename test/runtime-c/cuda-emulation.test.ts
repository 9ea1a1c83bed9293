// The emulation of CUDA: blocks, barriers, shuffles, the guard around device memory. The checks are C++, see there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  makeFolder,
  type Outcome,
  removeFolder,
  runProgram,
  runtimeFolder,
  sanitizers,
  testFolder,
} from './toolchain.ts';

const compilers = [
  ['g++', 'c++'],
  ['clang++', 'clang++-19', 'clang++-18', 'clang++-17'],
]
  .map((names) => names.find((name) => spawnSync(name, ['--version']).status === 0))
  .filter((name) => name !== undefined);

describe('the emulation of CUDA', function () {
  this.timeout(60_000);
  let folder = '';
  before(function () {
    if (compilers.length === 0) {
      console.warn('      SKIPPED: no C++ compiler (g++, c++ or clang++) was found');
      this.skip();
    }
    folder = makeFolder();
  });
  after(() => removeFolder(folder));

  function run(compiler: string, flags: readonly string[], texts: readonly string[] = []): Outcome {
    const source = join(testFolder, 'cuda-emulation-check.cc');
    const strict = ['-std=gnu++14', '-Wall', '-Wextra', '-Werror', `-I${runtimeFolder}`];
    const built = runProgram(compiler, [...strict, ...flags, source, '-o', 'check'], folder);
    if (built.status !== 0) throw new Error(`${compiler}\n${built.stderr}`);
    return runProgram(join(folder, 'check'), texts, folder);
  }

  for (const compiler of compilers) {
    for (const flags of [['-O2'], ['-O0', '-DLAP_EMULATION_GUARD'], sanitizers]) {
      it(`lets threads meet, with ${compiler} ${flags.join(' ')}`, () => {
        const { status, stdout } = run(compiler, flags);
        assert.deepEqual({ status, stdout }, { status: 0, stdout: '' });
      });
    }
  }

  it('says that threads wait for each other in vain', () => {
    const { status, stderr } = run(compilers[0]!, ['-O1'], ['stuck']);
    assert.equal(stderr, 'cuda-emulation: the threads of a block wait for each other at different barriers\n');
    assert.notEqual(status, 0);
  });

  it('ends a host that reads device memory, where there is a guard', () => {
    assert.notEqual(run(compilers[0]!, ['-O1', '-DLAP_EMULATION_GUARD'], ['touch', 'device']).status, 0);
  });
});
