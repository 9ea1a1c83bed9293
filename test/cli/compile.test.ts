// lapidary compile: what it writes, and that it writes all of it or nothing.

import * as assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { digits, filesIn, lapidary, lapidaryWith, makeFolder, removeFolder } from './lapidary.ts';
import { writeModel } from './models.ts';

const hasCompiler = ['cc', 'gcc', 'clang'].some((name) => spawnSync(name, ['--version']).status === 0);

/** What is open at the end, or was closed out of turn. */
function unclosedTags(page: string): readonly string[] {
  const open: string[] = [];
  for (const [, closes, name, alone] of page.matchAll(/<(\/?)([a-z]\w*)\b[^>]*?(\/?)>/g)) {
    if (alone || name === 'meta') continue;
    if (!closes) open.push(name!);
    else if (open.pop() !== name) return [...open, name!];
  }
  return open;
}

describe('lapidary compile', function () {
  this.timeout(120_000);
  let folder = '';
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));
  const out = (): string => path.join(folder, 'out');

  it('writes a .c/.h pair', () => {
    const { code, stdout, stderr } = lapidary('compile', digits, '-o', out(), '--target', 'c');
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.deepEqual(filesIn(out()), ['digits.c', 'digits.h']);
    assert.match(stderr, /digits\.c .*\n.*digits\.h .*\narena .*, weights .*; .* s\n$/s);
  });

  it('writes a WebAssembly module with its JavaScript and types', () => {
    const { code, stderr } = lapidary('compile', digits, '-o', out(), '--target', 'wasm', '--name', 'net');
    assert.equal(code, 0, stderr);
    assert.deepEqual(filesIn(out()), ['net.d.ts', 'net.js', 'net.wasm']);
    assert.ok(fs.statSync(path.join(out(), 'net.js')).size < 8192);
  });

  it('writes a single JavaScript file where the module is embedded', () => {
    const { code, stderr } = lapidary('compile', digits, '-o', out(), '--target', 'wasm', '--wasm', 'embed');
    assert.equal(code, 0, stderr);
    assert.deepEqual(filesIn(out()), ['digits.d.ts', 'digits.js']);
  });

  it('builds an executable and a library for this machine', function () {
    if (!hasCompiler) return this.skip();
    const { code, stderr } = lapidary('compile', digits, '-o', out(), '--emit', 'exe,lib');
    assert.equal(code, 0, stderr);
    const library = process.platform === 'darwin' ? 'libdigits.dylib' : 'libdigits.so';
    assert.deepEqual(filesIn(out()), ['digits', 'digits.h', library]);
    const run = spawnSync(path.join(out(), 'digits'), ['--describe'], { encoding: 'utf8' });
    assert.equal(JSON.parse(run.stdout).name, 'digits');
  });

  it('says in JSON what it wrote', () => {
    const { code, stdout } = lapidary('compile', digits, '-o', out(), '--target', 'c', '--json');
    assert.equal(code, 0);
    const { target, files, arenaBytes, arenaLowerBoundBytes } = JSON.parse(stdout);
    assert.equal(target, 'c');
    assert.deepEqual(
      files.map((file: { path: string }) => file.path),
      ['digits.c', 'digits.h'],
    );
    assert.ok(arenaBytes >= arenaLowerBoundBytes && arenaLowerBoundBytes > 0);
  });

  it('adds a report whose page needs nothing else', () => {
    const { code, stderr } = lapidary('compile', digits, '-o', out(), '--target', 'c', '--report');
    assert.equal(code, 0, stderr);
    assert.deepEqual(filesIn(out()), ['digits.c', 'digits.h', 'report.html', 'report.json']);
    const report = JSON.parse(fs.readFileSync(path.join(out(), 'report.json'), 'utf8'));
    assert.equal(report.version, 1);
    assert.equal(report.target, 'c');
    assert.ok(report.totals.multiplyAdds > 280_000 && report.totals.multiplyAdds < 400_000);
    for (const { offset, bytes } of report.arena.buffers) assert.ok(offset + bytes <= report.arena.bytes);
    const page = fs.readFileSync(path.join(out(), 'report.html'), 'utf8');
    assert.match(page, /<svg /);
    assert.doesNotMatch(page, /<script|https?:|src=|href=/);
    assert.deepEqual(unclosedTags(page), []);
  });

  it('prints the model after a pass', () => {
    const { code, stdout } = lapidary('compile', digits, '-o', out(), '--target', 'c', '--trace', 'fold-constants');
    assert.equal(code, 0);
    assert.match(stdout, /^# after fold-constants\ngraph "digits"\n {2}%0 = input "image": float32\[1, 1, 28, 28\]\n/);
    const wrong = lapidary(
      'compile',
      digits,
      '-o',
      path.join(folder, 'no'),
      '--target',
      'c',
      '--trace',
      'fold-constant',
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /there is no pass "fold-constant"\. Did you mean "fold-constants"\?/);
    assert.equal(fs.existsSync(path.join(folder, 'no')), false);
  });

  it('prints the program after each pass that --help lists', () => {
    const { stdout: help } = lapidary('compile', '--help');
    const listed = help.slice(help.indexOf('What --trace can name')).match(/[a-z]+-[a-z]+|lower|schedule|parallelize/g);
    const { stdout } = lapidary('compile', digits, '-o', out(), '--target', 'c', '--threads', '--trace', 'all');
    const traced = [...stdout.matchAll(/^# after (.*)$/gm)].map(([, name]) => name);
    assert.deepEqual(traced, listed);
    assert.match(stdout, /^# after lower\nlowered digits\n {2}input "image" image: float32/m);
  });

  it('gives the same bytes in other folders, time zones and languages', () => {
    const first = lapidaryWith({ TZ: 'UTC', LC_ALL: 'C' }, 'compile', digits, '-o', out(), '--target', 'c', '--report');
    const copy = path.join(folder, 'elsewhere');
    fs.mkdirSync(copy);
    fs.copyFileSync(digits, path.join(copy, 'digits.onnx'));
    const other = path.join(copy, 'out');
    const second = lapidaryWith(
      { TZ: 'Asia/Tokyo', LC_ALL: 'de_DE.UTF-8' },
      ...['compile', path.join(copy, 'digits.onnx'), '-o', other, '--target', 'c', '--report'],
    );
    assert.equal(first.code, 0, first.stderr);
    assert.equal(second.code, 0, second.stderr);
    for (const name of filesIn(out()))
      assert.ok(fs.readFileSync(path.join(out(), name)).equals(fs.readFileSync(path.join(other, name))), name);
  });

  it('replaces its own files and leaves others alone', () => {
    fs.mkdirSync(out());
    fs.writeFileSync(path.join(out(), 'digits.c'), 'old');
    fs.writeFileSync(path.join(out(), 'notes.txt'), 'mine');
    const { code, stderr } = lapidary('compile', digits, '-o', out(), '--target', 'c');
    assert.equal(code, 0, stderr);
    assert.deepEqual(filesIn(out()), ['digits.c', 'digits.h', 'notes.txt']);
    assert.notEqual(fs.readFileSync(path.join(out(), 'digits.c'), 'utf8'), 'old');
    assert.equal(fs.readFileSync(path.join(out(), 'notes.txt'), 'utf8'), 'mine');
  });

  it('fixes open sizes, and knows which there are', () => {
    const model = writeModel(folder, { shape: ['batch', 'length'] });
    const args = ['compile', model, '-o', out(), '--target', 'c'];
    assert.equal(lapidary(...args, '--dim', 'batch=2', '--max', 'length=9').code, 0);
    const wrong = lapidary(...args, '--dim', 'bach=2');
    assert.equal(wrong.code, 2);
    assert.equal(wrong.stderr, 'error: --dim: the model has no symbolic dimension "bach". Did you mean "batch"?\n');
  });
});

describe('lapidary compile writes nothing', function () {
  this.timeout(120_000);
  let folder = '';
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(() => removeFolder(folder));

  it('where the output folder is a file', () => {
    const file = path.join(folder, 'taken');
    fs.writeFileSync(file, '');
    const { code, stderr } = lapidary('compile', digits, '-o', file, '--target', 'c');
    assert.equal(code, 2);
    assert.equal(
      stderr,
      `error: The folder ${file} cannot be written: part of its path is a file. Choose another with -o.\n`,
    );
    assert.deepEqual(filesIn(folder), ['taken']);
  });

  it('where the output folder lies below a file', () => {
    fs.writeFileSync(path.join(folder, 'taken'), '');
    const { code } = lapidary('compile', digits, '-o', path.join(folder, 'taken', 'deep', 'out'), '--target', 'c');
    assert.equal(code, 2);
    assert.deepEqual(filesIn(folder), ['taken']);
  });

  it('where a folder has the name of a file', () => {
    fs.mkdirSync(path.join(folder, 'digits.h'));
    const { code, stderr } = lapidary('compile', digits, '-o', folder, '--target', 'c');
    assert.equal(code, 2);
    assert.match(stderr, /digits\.h is a folder; a file must be written there/);
    assert.deepEqual(filesIn(folder), ['digits.h']);
  });

  it('where the C compiler is missing, and says how to get one', () => {
    const empty = makeFolder();
    const out = path.join(folder, 'out');
    const { code, stderr } = lapidaryWith({ PATH: empty, CC: '' }, 'compile', digits, '-o', out, '--emit', 'exe');
    removeFolder(empty);
    assert.equal(code, 3);
    assert.match(stderr, /^error: .*C compiler.*not found.*[Ii]nstall/s);
    assert.deepEqual(filesIn(folder), []);
  });

  it('where the C compiler fails', () => {
    const out = path.join(folder, 'out');
    const { code } = lapidaryWith({ CC: 'false' }, 'compile', digits, '-o', out, '--emit', 'exe');
    assert.equal(code, 3);
    assert.deepEqual(filesIn(folder), []);
  });

  it('where the model has an unknown operator', () => {
    const model = writeModel(folder, { op: 'Frobnicate' });
    const { code, stdout, stderr } = lapidary('compile', model, '-o', path.join(folder, 'out'), '--target', 'c');
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: Frobnicate "only": .*not supported\.\n$/);
    assert.deepEqual(filesIn(folder), ['model.onnx']);
  });

  it('where the model is no model, or is not there', () => {
    const model = path.join(folder, 'model.onnx');
    fs.writeFileSync(model, 'hello');
    const out = path.join(folder, 'out');
    const broken = lapidary('compile', model, '-o', out, '--target', 'c');
    assert.equal(broken.code, 1);
    assert.equal(broken.stderr.split('\n').length, 2, broken.stderr);
    const missing = lapidary('compile', `${model}x`, '-o', out, '--target', 'c');
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^error: file .*model\.onnxx: There is no such file\.\n$/);
    assert.deepEqual(filesIn(folder), ['model.onnx']);
  });

  it('where target and form do not go together', () => {
    const { code, stderr } = lapidary(
      'compile',
      digits,
      '-o',
      path.join(folder, 'out'),
      '--target',
      'wasm',
      '--emit',
      'exe',
    );
    assert.equal(code, 2);
    assert.equal(stderr, 'error: --emit exe does not go with target wasm, which gives wasm.\n');
    const evaluator = lapidary('compile', digits, '-o', path.join(folder, 'out'), '--target', 'js');
    assert.equal(evaluator.code, 2);
    assert.match(evaluator.stderr, /Target js only runs models inside of Lapidary/);
  });

  it('where the name is no name for functions', () => {
    for (const name of ['', '1st', 'int', 'a-b', 'x'.repeat(49), 'm\n']) {
      const { code, stderr } = lapidary(
        'compile',
        digits,
        '-o',
        path.join(folder, 'out'),
        '--target',
        'c',
        '--name',
        name,
      );
      assert.equal(code, 2, JSON.stringify(name));
      assert.match(stderr, /is not a name for functions/);
    }
  });
});
