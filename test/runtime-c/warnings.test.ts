// Every C file compiles alone and without a warning, with every compiler at hand; the ABI header also as C++.

import { join } from 'node:path';
import {
  build,
  compilers,
  makeFolder,
  needCompiler,
  removeFolder,
  runProgram,
  runtimeFolder,
  runtimeSources,
  writeFiles,
} from './toolchain.ts';

describe('the C runtime', function () {
  this.timeout(60_000);
  let folder = '';
  before(function () {
    needCompiler(this);
    folder = makeFolder();
  });
  after(() => removeFolder(folder));

  for (const compiler of compilers) {
    it(`compiles without warnings with ${compiler}`, () => {
      const sources = runtimeSources.map((name) => join(runtimeFolder, name));
      build(compiler, ['-O1', '-c', ...sources], folder);
    });

    it(`has an ABI header that is C++ too, and may be included twice, with ${compiler}`, function () {
      writeFiles(folder, { 'empty.cc': Buffer.alloc(0) });
      const plain = runProgram(compiler, ['-fsyntax-only', 'empty.cc'], folder);
      if (plain.status !== 0) this.skip(); // a C compiler alone
      writeFiles(folder, {
        'twice.cc': Buffer.from('#include "lapidary.h"\n#include "lapidary.h"\nint x = LAP_OK;\n'),
      });
      build(compiler, ['-x', 'c++', '-std=c++11', '-fsyntax-only', 'twice.cc'], folder);
    });
  }
});
