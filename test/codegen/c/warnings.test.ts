// The C of target `c` compiles without a warning, with every compiler at hand: a case of every operator that random tests
// know, and random graphs, so that each statement and expression that is printed occurs.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import fc from 'fast-check';
import { targets } from '../../../codegen/index.ts';
import type { OutputFile } from '../../../ir/target.ts';
import { importBytes, toProgram } from '../../../src/compile.ts';
import { ModelError } from '../../../src/errors.ts';
import type { FuzzCase } from '../../fuzz/case.ts';
import { drawn } from '../../fuzz/draw.ts';
import { encodeCase } from '../../fuzz/encode.ts';
import { randomGraph } from '../../fuzz/graphs/graph.ts';
import { generators } from '../../fuzz/operators/index.ts';
import { compilers, makeFolder, needCompiler, removeFolder, runProgram } from '../../runtime-c/toolchain.ts';

const strictFlags = '-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wvla -Werror'.split(' ');
const seed = 1;
const filesAtOnce = 30;

const cases: readonly FuzzCase[] = [
  ...Object.values(generators).flatMap((make) => fc.sample(drawn(make), { seed, numRuns: 1 })),
  ...fc.sample(drawn(randomGraph), { seed, numRuns: 30 }),
];

/** Nothing where the shapes of a case have to be declared. */
async function generate(fuzzCase: FuzzCase, position: number): Promise<readonly OutputFile[]> {
  const target = targets.c!;
  const [name, math, threads] = [`net${position}`, position % 2 === 0 ? 'fast' : 'strict', position % 4 < 2] as const;
  try {
    const program = toProgram(importBytes(encodeCase(fuzzCase)), target, { math });
    return await target.generate(program, { name, math, threads, weights: 'embed' });
  } catch (error) {
    if (error instanceof ModelError) return [];
    throw error;
  }
}

describe('portable C', function () {
  this.timeout(300_000);
  let folder = '';
  const sources: string[] = [];
  before(async function () {
    needCompiler(this);
    folder = makeFolder();
    for (const [position, fuzzCase] of cases.entries()) {
      const files = await generate(fuzzCase, position);
      for (const { path: name, bytes } of files) fs.writeFileSync(path.join(folder, name), bytes);
      sources.push(...files.map((file) => file.path).filter((name) => name.endsWith('.c')));
    }
    assert.ok(sources.length > cases.length * 0.8, `${sources.length} of ${cases.length}`);
  });
  after(() => removeFolder(folder));

  for (const compiler of compilers) {
    it(`compiles without a warning with ${compiler}`, () => {
      // Some warnings come from what the optimizer of gcc finds out.
      const level = compiler.startsWith('clang') ? ['-fsyntax-only'] : ['-O1', '-c'];
      for (let start = 0; start < sources.length; start += filesAtOnce) {
        const files = sources.slice(start, start + filesAtOnce);
        const { status, stderr } = runProgram(compiler, [...strictFlags, ...level, ...files], folder);
        assert.equal(status, 0, stderr.slice(0, 2000));
      }
    });
  }
});
