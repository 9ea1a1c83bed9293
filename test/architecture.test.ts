// Guards the house rules that a reviewer would otherwise have to remember: who may import whom, and how long a file is.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const parts = ['ir', 'src', 'codegen'];

function filesUnder(folder: string, extension: RegExp): readonly string[] {
  return fs.readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = path.relative(root, path.join(entry.parentPath, entry.name));
    return entry.isFile() && extension.test(file) && !file.includes('generated') ? [file] : [];
  });
}

const sources = parts.flatMap((part) => filesUnder(part, /\.ts$/));
const textOf = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** Relative imports; an import of types only is erased and makes no cycle. */
function importsOf(file: string): readonly Import[] {
  const pattern = /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+['"](\.[^'"]+)['"]/gm;
  return [...textOf(file).matchAll(pattern)].map(([, type, target]) => ({
    from: file,
    to: path.normalize(path.join(path.dirname(file), target!)),
    typeOnly: type !== undefined,
  }));
}

const imports = sources.flatMap(importsOf);
const inside = (file: string, ...folders: readonly string[]): boolean =>
  folders.some((folder) => file === folder || file.startsWith(`${folder}/`));
const show = ({ from, to }: Import): string => `${from} imports ${to}`;

describe('the architecture', () => {
  it('keeps ir/ free of imports from outside', () => {
    assert.deepEqual(imports.filter(({ from, to }) => inside(from, 'ir') && !inside(to, 'ir')).map(show), []);
  });

  it('lets codegen/ import ir/ only', () => {
    const bad = imports.filter(({ from, to }) => inside(from, 'codegen') && !inside(to, 'ir', 'codegen'));
    assert.deepEqual(bad.map(show), []);
  });

  it('keeps targets from importing each other', () => {
    const target = (file: string): string => file.split('/')[1] ?? '';
    const folders = ['codegen/c', 'codegen/wasm', 'codegen/cuda'];
    const own = imports.filter(({ from, to }) => inside(from, ...folders, 'codegen/clike') && inside(to, ...folders));
    assert.deepEqual(own.filter(({ from, to }) => target(from) !== target(to)).map(show), []);
  });

  it('lets only the command line, the API and the tools see the table of targets', () => {
    const seers = imports
      .filter(({ from, to }) => inside(to, 'codegen') && !inside(from, 'codegen'))
      .map(({ from }) => from);
    const allowed = [
      'src/cli',
      'src/index.ts',
      'src/compile.ts',
      'src/test-runner',
      'src/toolchain',
      'src/report',
      'src/execute',
    ];
    assert.deepEqual(
      seers.filter((file) => !inside(file, ...allowed)),
      [],
    );
  });

  it('keeps operators free of passes, schedules and targets', () => {
    const bad = imports.filter(
      ({ from, to }) => inside(from, 'src/ops') && !inside(to, 'src/ops', 'ir', 'src/errors.ts'),
    );
    assert.deepEqual(bad.map(show), []);
  });

  it('keeps schedules free of operators', () => {
    const bad = imports.filter(
      ({ from, to }) => inside(from, 'src/schedule') && !inside(to, 'src/schedule', 'ir', 'src/errors.ts'),
    );
    assert.deepEqual(bad.map(show), []);
  });

  it('has no cycle of imports', () => {
    const next = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      if (done.has(file) || trail.includes(file)) return;
      for (const to of next.get(file) ?? []) visit(to, [...trail, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    assert.deepEqual(cycles, []);
  });

  it('keeps every file within 500 lines', () => {
    const files = [...sources, ...filesUnder('runtime-c', /\.[ch]$/), ...filesUnder('test', /\.ts$/)];
    const long = files
      .map((file) => ({ file, lines: textOf(file).split('\n').length }))
      .filter(({ lines }) => lines > 500);
    assert.deepEqual(long, []);
  });

  it('opens every source file with a comment that says what it is for', () => {
    assert.deepEqual(
      sources.filter((file) => !/^(#!.*\n)?(\/\/|\/\*)/.test(textOf(file))),
      [],
    );
  });

  it('names no operator inside a printer or a schedule', () => {
    const operators = /['"](Conv|MatMul|Gemm|Relu|Softmax|MaxPool|AveragePool|LSTM|Resize|Concat|Pad)['"]/;
    const bad = sources.filter((file) => inside(file, 'codegen', 'src/schedule', 'ir') && operators.test(textOf(file)));
    assert.deepEqual(bad, []);
  });
});
