// The executable around a model table: arguments, symbolic sizes, outputs, external weights, timings, errors.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  build,
  floats,
  longs,
  makeFolder,
  needCompiler,
  npy,
  type Outcome,
  readNpy,
  removeFolder,
  runProgram,
  runtimeFolder,
  sanitizers,
  testFolder,
  writeFiles,
} from './toolchain.ts';

describe('the executable', function () {
  this.timeout(120_000);
  let folder = '';
  const run = (line: string): Outcome => runProgram(join(folder, 'example'), line.split(' '), folder);
  const inputs = '--input x=x.npy --input scale=scale.npy --input pick=pick.npy';

  before(function () {
    const compiler = needCompiler(this);
    folder = makeFolder();
    const sources = [join(testFolder, 'example-model.c'), join(runtimeFolder, 'executable.c')];
    build(compiler, [...sanitizers, '-O1', '-pthread', ...sources, '-o', 'example'], folder);
    build(compiler, [...sanitizers, '-DEXTERNAL_WEIGHTS', '-pthread', ...sources, '-o', 'external'], folder);
    writeFiles(folder, {
      'x.npy': npy('<f4', [2, 3], floats(1, 2, 3, -1, -2, -3)),
      'scale.npy': npy('<f4', [], floats(2)),
      'pick.npy': npy('<i8', [], longs(1)),
      'pick-0.npy': npy('<i8', [], longs(0)),
      'pick-5.npy': npy('<i8', [], longs(5)),
      'x-rank.npy': npy('<f4', [6], floats(1, 2, 3, 4, 5, 6)),
      'x-columns.npy': npy('<f4', [3, 2], floats(1, 2, 3, 4, 5, 6)),
      'x-large.npy': npy('<f4', [1001, 3], Buffer.alloc(1001 * 12)),
      'x-empty.npy': npy('<f4', [0, 3], Buffer.alloc(0)),
      'x-wide.npy': npy('<f8', [2, 3], Buffer.alloc(48)),
    });
  });
  after(() => removeFolder(folder));

  const fails = (line: string, status: number, message: string): void => {
    const result = run(line);
    equal(result.stderr, `error: ${message}\n`);
    equal(result.status, status);
    equal(result.stdout, '');
  };

  it('takes inputs by position too', () => {
    const result = run('--input-at 0=x.npy --input-at 1=scale.npy --input-at 2=pick.npy --output-dir by-position');
    equal(result.stderr, '');
    equal(result.status, 0);
    for (const wrong of ['3=x.npy', '=x.npy', 'x=x.npy', '-1=x.npy', '99999999999=x.npy'])
      fails(`--input-at ${wrong}`, 2, `--input-at ${wrong}: expected POSITION=FILE, POSITION below 3`);
    fails('--input-at 0=x.npy --input x=x.npy', 2, '--input x=x.npy: input "x" is given twice');
  });

  it('writes every output, sized by what the run found, and says which file holds which', () => {
    const result = run(`${inputs} --output-dir out`);
    equal(result.stderr, '');
    equal(result.status, 0);
    deepEqual(
      result.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { output: 'y', file: 'out/y.npy', dtype: 'float32', shape: [2, 3] },
        { output: 'picked/row', file: 'out/output_1.npy', dtype: 'float32', shape: [3] },
        { output: 'positives', file: 'out/positives.npy', dtype: 'float32', shape: [3] },
      ],
    );
    const y = readNpy(join(folder, 'out/y.npy'));
    equal(y.header, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    deepEqual(y.data, floats(3, 5, 7, -1, -3, -5));
    deepEqual(readNpy(join(folder, 'out/output_1.npy')).data, floats(-1, -3, -5));
    const positives = readNpy(join(folder, 'out/positives.npy'));
    equal(positives.header, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }");
    deepEqual(positives.data, floats(3, 5, 7));
    equal(readdirSync(join(folder, 'out')).length, 3);
  });

  it('takes --option=value as well, and gives the same with threads', () => {
    const result = run(
      '--input=x=x.npy --input=scale=scale.npy --input=pick=pick.npy --threads=3 --output-dir=threads',
    );
    equal(result.status, 0);
    deepEqual(readNpy(join(folder, 'threads/y.npy')).data, floats(3, 5, 7, -1, -3, -5));
  });

  it('describes the model as JSON', () => {
    const result = run('--describe');
    equal(result.status, 0);
    deepEqual(JSON.parse(result.stdout), {
      name: 'example',
      inputs: [
        { name: 'x', dtype: 'float32', shape: ['batch', 3] },
        { name: 'scale', dtype: 'float32', shape: [] },
        { name: 'pick', dtype: 'int64', shape: [] },
      ],
      outputs: [
        { name: 'y', dtype: 'float32', shape: ['batch', 3] },
        { name: 'picked/row', dtype: 'float32', shape: [3] },
        { name: 'positives', dtype: 'float32', shape: ['found'] },
      ],
      dims: [
        { name: 'batch', min: 1, max: 1000, given: true },
        { name: 'found', min: 0, max: 3000, given: false },
      ],
      arenaAlignment: 64,
      arenaBytes: null,
      weightsBytes: 4,
      weightsFile: null,
      threaded: true,
    });
  });

  it('helps', () => {
    const result = run('--help');
    equal(result.status, 0);
    match(result.stdout, /--input NAME=FILE/);
    match(result.stdout, /\{"name":"x","dtype":"float32","shape":\["batch",3\]\}/);
  });

  it('times runs with the inputs given', () => {
    const result = run(`${inputs} --bench 7`);
    equal(result.stderr, '');
    const timings = JSON.parse(result.stdout);
    deepEqual(Object.keys(timings), ['medianUs', 'minUs', 'p90Us', 'runs', 'threads', 'arenaBytes', 'weightsBytes']);
    deepEqual([timings.runs, timings.threads, timings.arenaBytes, timings.weightsBytes], [7, 1, 24, 4]);
    ok(timings.minUs <= timings.medianUs && timings.medianUs <= timings.p90Us);
    ok(!existsSync(join(folder, 'y.npy')));
  });

  it('times runs with inputs made up, the same ones each time', () => {
    const line = '--bench 3 --dim batch=500 --threads 2 --input pick=pick.npy --output-dir';
    const timings = JSON.parse(run(`${line} first`).stdout.split('\n')[0] ?? '');
    deepEqual([timings.arenaBytes, timings.threads], [6000, 2]);
    run(`${line} second`);
    const { data } = readNpy(join(folder, 'first/y.npy'));
    deepEqual(data, readNpy(join(folder, 'second/y.npy')).data);
    ok(new Set(new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + 6000))).size > 1000);
  });

  it('picks the number of runs itself, and a size that nothing tells', () => {
    const result = run('--bench auto --input pick=pick-0.npy');
    equal(result.stderr, 'note: dimension "batch" is taken to be 1; --dim NAME=SIZE sets it\n');
    equal(result.status, 0);
    ok(JSON.parse(result.stdout).runs >= 5);
  });

  it('reports an error of the run with its name, and saves nothing', () => {
    const message = 'the run failed with code 1, LAP_E_INDEX: an index taken from the data is out of range';
    const line = '--input x=x.npy --input scale=scale.npy --input pick=pick-5.npy';
    fails(`${line} --output-dir never`, 4, message);
    fails(`${line} --bench 3`, 4, message);
    ok(!existsSync(join(folder, 'never')));
  });

  it('rejects inputs that do not fit the model', () => {
    const rest = '--input scale=scale.npy --input pick=pick.npy';
    fails(`--input x=absent.npy ${rest}`, 2, 'cannot open "absent.npy": No such file or directory');
    fails(`--input x=. ${rest}`, 2, 'cannot read ".": it must be a regular file');
    fails(`--input x=x-rank.npy ${rest}`, 2, 'input "x": "x-rank.npy" has 1 dimensions, expected 2');
    fails(`--input x=x-columns.npy ${rest}`, 2, 'input "x": dimension 1 of "x-columns.npy" is 2, expected 3');
    fails(`--input x=x-large.npy ${rest}`, 2, 'dimension "batch" is 1001, expected 1 to 1000');
    fails(`--input x=x-empty.npy ${rest}`, 2, 'dimension "batch" is 0, expected 1 to 1000');
    fails(`--input x=x-wide.npy ${rest}`, 2, `"x-wide.npy" holds elements 'f8', expected 'f4' (float32)`);
    fails(`${inputs} --dim batch=3`, 2, 'input "x": dimension 0 of "x.npy" is 2, expected 3 = batch');
  });

  it('rejects command lines that it does not understand', () => {
    fails('--input x=x.npy --input pick=pick.npy', 2, 'input "scale" is missing: give --input NAME=FILE (see --help)');
    fails('x.npy', 2, 'unknown argument "x.npy" (see --help)');
    fails('--fast', 2, 'unknown argument "--fast" (see --help)');
    fails('--input', 2, '--input needs a value (see --help)');
    fails('--input z=x.npy', 2, '--input z=x.npy: expected NAME=FILE, NAME an input (see --help)');
    fails('--input x=x.npy --input x=x.npy', 2, '--input x=x.npy: input "x" is given twice');
    fails('--dim found=3', 2, '--dim found=3: expected NAME=SIZE, NAME a symbolic dimension');
    fails('--dim batch=3x', 2, '--dim batch=3x: "3x" is not a size');
    fails('--dim batch=9223372036854775808', 2, '--dim batch=9223372036854775808: "9223372036854775808" is not a size');
    fails('--threads 0', 2, '--threads 0: expected a number from 1 to 1024');
    fails('--bench -1', 2, '--bench -1: expected a number from 0 to 1000000');
  });

  it('does not let names and paths steer the terminal', () => {
    const result = runProgram(join(folder, 'example'), ['--input', 'x=a\u001b[31m\n.npy'], folder);
    equal(result.stderr, 'error: cannot open "a?[31m?.npy": No such file or directory\n');
  });

  it('maps external weights from beside the executable or from where it is told', () => {
    const external = (line: string): Outcome => runProgram(join(folder, 'external'), line.split(' '), folder);
    match(
      external(inputs).stderr,
      /^error: cannot open the weights "\/.*\/example\.weights": .* \(--weights FILE\)\n$/,
    );
    writeFiles(folder, { 'example.weights': floats(10), 'other.weights': floats(20), 'long.weights': floats(1, 2) });
    equal(external(`${inputs} --output-dir beside`).status, 0);
    deepEqual(readNpy(join(folder, 'beside/output_1.npy')).data, floats(8, 6, 4));
    equal(external(`${inputs} --weights other.weights --output-dir other`).status, 0);
    deepEqual(readNpy(join(folder, 'other/output_1.npy')).data, floats(18, 16, 14));
    const long = external(`${inputs} --weights long.weights`);
    equal(long.stderr, 'error: "long.weights" does not hold the weights of this model: expected 4 bytes\n');
    equal(long.status, 2);
  });
});
