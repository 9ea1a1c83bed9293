// The pool of threads: each iteration runs exactly once, and sanitizers stay silent.

import { deepEqual, equal } from 'node:assert/strict';
import { join } from 'node:path';
import {
  build,
  makeFolder,
  needCompiler,
  removeFolder,
  runProgram,
  runtimeFolder,
  sanitizers,
  testFolder,
} from './toolchain.ts';

describe('the parallel-for', function () {
  this.timeout(120_000);
  let folder = '';
  let compiler = '';
  before(function () {
    compiler = needCompiler(this);
    folder = makeFolder();
  });
  after(() => removeFolder(folder));

  const variants: Readonly<Record<string, readonly string[]>> = {
    'as compiled for use': ['-O2'],
    'under the thread sanitizer': ['-g', '-O1', '-fsanitize=thread'],
    'under the address and undefined behaviour sanitizers': ['-O1', ...sanitizers],
    'with C11 atomics': ['-O2', '-std=c11', '-Wno-pedantic', '-DLAP_C11_ATOMICS'],
  };
  for (const [name, flags] of Object.entries(variants))
    it(`runs each iteration exactly once ${name}`, () => {
      const sources = [join(testFolder, 'parallel-check.c'), join(runtimeFolder, 'parallel.c')];
      build(compiler, [...flags, '-pthread', ...sources, '-o', 'check'], folder);
      const { status, stdout, stderr } = runProgram(join(folder, 'check'), [], folder);
      deepEqual([stdout, stderr], ['', '']);
      equal(status, 0);
    });
});
