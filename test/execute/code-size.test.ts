// Sizes of code, from executables and modules.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { nativeCodeBytes, wasmCodeBytes } from '../../src/execute/code-size.ts';
import { functionSymbols } from '../../src/execute/elf-symbols.ts';
import { makeFolder, removeFolder } from '../cli/lapidary.ts';

const source = `
static __attribute__((noinline)) int twice(int x) { volatile int y = x; return y + y; }
int net_run(int x) { return twice(x) + 1; }
int main(int count, char **texts) { (void)texts; return net_run(count) == 3 ? 0 : 1; }
`;

describe('sizes of code', function () {
  this.timeout(60_000);
  let folder = '';
  before(() => {
    folder = makeFolder();
  });
  after(() => removeFolder(folder));

  it('are those of the functions of the model in an executable', function () {
    if (process.platform !== 'linux' || spawnSync('cc', ['--version']).status !== 0) return this.skip();
    const file = path.join(folder, 'net.c');
    fs.writeFileSync(file, source);
    const program = path.join(folder, 'program');
    assert.equal(spawnSync('cc', ['-O0', file, '-o', program]).status, 0);
    const symbols = functionSymbols(fs.readFileSync(program));
    const bytesOf = (name: string): number => symbols.find((symbol) => symbol.name === name)!.bytes;
    assert.equal(symbols.find(({ name }) => name === 'twice')?.file, 'net.c');
    assert.equal(nativeCodeBytes(program, 'net'), bytesOf('twice') + bytesOf('net_run'));
  });

  it('are unknown in what is no executable', () => {
    const file = path.join(folder, 'text');
    fs.writeFileSync(file, 'hello');
    assert.equal(nativeCodeBytes(file, 'net'), null);
  });

  it('are those of the code section in a module', () => {
    // (module (func (result i32) i32.const 7))
    const module = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 10, 6, 1, 4, 0, 65, 7, 11];
    assert.ok(WebAssembly.validate(Uint8Array.from(module)));
    assert.equal(wasmCodeBytes(Uint8Array.from(module)), 6);
    assert.equal(wasmCodeBytes(Uint8Array.from(module.slice(0, 8))), 0);
  });
});
