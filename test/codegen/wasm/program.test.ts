// Whole programs through the JavaScript that users import: fixed and symbolic sizes, weights, errors, names that are no
// identifiers, and steps that branch and repeat.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { targets } from '../../../codegen/index.ts';
import { newModule } from '../../../codegen/wasm/binaryen.ts';
import type { Expr, Var } from '../../../ir/expr.ts';
import {
  add,
  cast,
  constant,
  float,
  ge,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  mul,
  ramp,
  splat,
  variable,
} from '../../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../../ir/kernel.ts';
import { check, loop, loops, store } from '../../../ir/kernel-walk.ts';
import type { Place, Program, Step } from '../../../ir/program.ts';
import type { GenerateOptions, OutputFile } from '../../../ir/target.ts';
import { loadWasm, runErrorCode } from '../../../src/toolchain/run-wasm.ts';

const tensor = (name: string, dtype: Buffer['dtype'], shape: readonly (Expr | number)[]): Buffer => ({
  name,
  dtype,
  shape: shape.map((size) => (typeof size === 'number' ? int(size) : size)),
  memory: 'argument',
});

interface Parts {
  readonly inputs: readonly (readonly [name: string, buffer: Buffer])[];
  readonly outputs: readonly (readonly [name: string, buffer: Buffer])[];
  readonly dims?: readonly Var[];
  readonly computedDims?: readonly Var[];
  readonly body: readonly Step[];
  readonly weights?: Uint8Array;
  readonly places?: readonly (readonly [Buffer, Place])[];
  readonly arenaBytes?: Expr;
}

function programOf({
  inputs,
  outputs,
  dims = [],
  computedDims = [],
  body,
  weights,
  places = [],
  arenaBytes,
}: Parts): Program {
  return {
    name: 'net',
    inputs: inputs.map(([name, buffer]) => ({ name, buffer })),
    outputs: outputs.map(([name, buffer]) => ({ name, buffer })),
    dims,
    computedDims,
    body,
    weights: weights ?? new Uint8Array(0),
    places: new Map([
      ...inputs.map(([, buffer], index) => [buffer, { kind: 'input', index, offset: int(0) }] as const),
      ...outputs.map(([, buffer], index) => [buffer, { kind: 'output', index, offset: int(0) }] as const),
      ...places,
    ]),
    arenaBytes: arenaBytes ?? int(0),
    arenaLowerBound: arenaBytes ?? int(0),
  };
}

const generate = async (program: Program, options: Partial<GenerateOptions> = {}) =>
  targets.wasm!.generate(program, { name: 'net', weights: 'embed', threads: false, math: 'fast', ...options });

interface Loaded {
  readonly describe: { readonly inputs: readonly { readonly key: string; readonly name: string }[] };
  readonly inputs: Record<string, Float32Array>;
  readonly outputs: Record<string, unknown>;
  resize(dims: Record<string, number>): Record<string, Float32Array>;
  run(inputs?: unknown): Record<string, Float32Array & { readonly data: Float32Array; readonly shape: number[] }>;
}

const fileOf = (files: readonly OutputFile[], path: string): OutputFile => files.find((file) => file.path === path)!;

interface Generated {
  load(options?: unknown): Promise<Loaded>;
}

/** The JavaScript alone, with nothing beside it. */
function importScript(files: readonly OutputFile[]): Promise<Generated> {
  const text = Buffer.from(fileOf(files, 'net.js').bytes).toString('base64');
  return import(`data:text/javascript;base64,${text}`);
}

async function loadModel(files: readonly OutputFile[]): Promise<Loaded> {
  const bytesOf = (path: string): Uint8Array | undefined => files.find((file) => file.path === path)?.bytes;
  const { load } = await importScript(files);
  return load({ wasm: bytesOf('net.wasm'), weights: bytesOf('net.bin') });
}

/** y = x * scale + w, by way of the arena. */
function scaled(size: number): Program {
  const x = tensor('x', 'float32', [size]);
  const w = tensor('w', 'float32', [size]);
  const t = tensor('t', 'float32', [size]);
  const y = tensor('y', 'float32', [size]);
  const i = indexVar('i', size / 4);
  const at = [ramp(mul(i, int(4)), 1, 4)];
  const first: Kernel = {
    name: 'twice',
    params: [x, t],
    dims: [],
    body: loop(i, store(t, at, mul(load(x, at), splat(float(2), 4)))),
  };
  const second: Kernel = {
    name: 'plus',
    params: [t, w, y],
    dims: [],
    body: loop(i, store(y, at, add(load(t, at), load(w, at)))),
  };
  return programOf({
    inputs: [['an input', x]],
    outputs: [['constructor', y]],
    body: [
      { kind: 'call', kernel: first, arguments: [x, t], dims: [] },
      { kind: 'call', kernel: second, arguments: [t, w, y], dims: [] },
    ],
    weights: new Uint8Array(new Float32Array(size).map((_, n) => n).buffer),
    places: [
      [t, { kind: 'arena', offset: int(0) }],
      [w, { kind: 'constant', offset: 0 }],
    ],
    arenaBytes: int(4 * size),
  });
}

/** y[b, j] = x[b, j] + 1, b symbolic. */
function symbolic(): Program {
  const batch = variable('batch "b"', 'index', { min: 1, max: 1000 });
  const x = tensor('x', 'float32', [batch, 3]);
  const y = tensor('y', 'float32', [batch, 3]);
  const t = tensor('t', 'float32', [batch, 3]);
  const n = variable('n', 'index', { min: 0 });
  const from = tensor('from', 'float32', [n, 3]);
  const to = tensor('to', 'float32', [n, 3]);
  const [i, j] = [indexVar('i', n), indexVar('j', 3)];
  const kernel: Kernel = {
    name: 'inc',
    params: [from, to],
    dims: [n],
    body: loops([i, j], store(to, [i, j], add(load(from, [i, j]), float(1)))),
  };
  return programOf({
    inputs: [['x', x]],
    outputs: [['y', y]],
    dims: [batch],
    body: [
      { kind: 'call', kernel, arguments: [x, t], dims: [batch] },
      { kind: 'call', kernel, arguments: [t, y], dims: [batch] },
    ],
    places: [[t, { kind: 'arena', offset: mul(batch, int(64)) }]],
    arenaBytes: mul(batch, int(128)),
  });
}

describe('programs in WebAssembly', () => {
  before(async function () {
    this.timeout(60_000);
    await newModule({ simd: true, relaxed: false });
  });

  it('run with embedded weights, under safe names', async () => {
    const files = await generate(scaled(8));
    assert.deepEqual(
      files.map(({ path }) => path),
      ['net.wasm', 'net.js', 'net.d.ts'],
    );
    assert(WebAssembly.validate(Buffer.from(fileOf(files, 'net.wasm').bytes)));
    const model = await loadModel(files);
    assert.deepEqual(
      model.describe.inputs.map(({ key, name }) => [key, name]),
      [['an_input', 'an input']],
    );
    const { constructor_2: result } = model.run({ an_input: new Float32Array(8).fill(3) });
    assert.deepEqual([...result!], [6, 7, 8, 9, 10, 11, 12, 13]);
    model.inputs.an_input!.fill(1);
    assert.equal(model.run().constructor_2![7], 9);
  });

  it('load weights from a file beside where they are large or asked for', async () => {
    const files = await generate(scaled(8), { weights: 'external' });
    assert.deepEqual(
      files.map(({ path }) => path),
      ['net.wasm', 'net.js', 'net.d.ts', 'net.bin'],
    );
    const model = await loadModel(files);
    assert.equal(model.run({ an_input: new Float32Array(8) }).constructor_2![5], 5);
    const large = await generate(scaled(65536));
    assert(large.some(({ path }) => path === 'net.bin'));
  });

  it('find their files beside the JavaScript', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'beside-'));
    try {
      for (const file of await generate(scaled(8), { weights: 'external' })) {
        fs.writeFileSync(path.join(folder, file.path), file.bytes);
      }
      const generated: Generated = await import(pathToFileURL(path.join(folder, 'net.js')).href);
      const model = await generated.load();
      assert.equal(model.run({ an_input: new Float32Array(8) }).constructor_2![5], 5);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('load from bytes, a module, a Response of any type, or a promise of one', async () => {
    const files = await generate(scaled(8));
    const bytes = Buffer.from(fileOf(files, 'net.wasm').bytes);
    const { load } = await importScript(files);
    const response = (type: string): Response => new Response(bytes, { headers: { 'Content-Type': type } });
    const sources = [
      bytes,
      await WebAssembly.compile(bytes),
      response('application/wasm'),
      Promise.resolve(response('text/plain')),
      new Blob([bytes]),
    ];
    for (const wasm of sources) {
      const model = await load({ wasm });
      assert.equal(model.run({ an_input: new Float32Array(8) }).constructor_2![5], 5);
    }
    await assert.rejects(load({ wasm: new Response('', { status: 404 }) }), /^Error: net: : HTTP status 404$/);
    await assert.rejects(load({ wasm: new Uint8Array(8) }), /may lack WebAssembly SIMD/);
  });

  it('are one JavaScript file where that is asked for, weights included', async () => {
    const files = await generate(scaled(65536), { wasm: 'embed' });
    assert.deepEqual(
      files.map(({ path }) => path),
      ['net.js', 'net.d.ts'],
    );
    const { load } = await importScript(files);
    assert.equal((await load()).run({ an_input: new Float32Array(65536) }).constructor_2![65535], 65535);
  });

  it('say what is wrong with inputs', async () => {
    const model = await loadModel(await generate(scaled(8)));
    const message = (values: unknown): string => {
      try {
        model.run(values);
        return 'nothing';
      } catch (error) {
        return error instanceof Error ? error.message : '';
      }
    };
    assert.equal(message({}), 'net: input "an input" must be a Float32Array of length 8, got nothing');
    assert.equal(message({ an_input: [1] }), 'net: input "an input" must be a Float32Array of length 8, got Array');
    assert.equal(
      message({ an_input: new Float64Array(8) }),
      'net: input "an input" must be a Float32Array of length 8, got Float64Array',
    );
    assert.equal(message({ an_input: new Float32Array(7) }), 'net: input "an input" must have length 8, got 7');
    assert.equal(message({ x: 1, an_input: new Float32Array(8) }), 'net: there is no input "x"; inputs are an_input');
    assert.equal(
      message({ an_input: { data: new Float32Array(8), shape: [2, 4] } }),
      'net: input "an input" has shape [2,4], expected [8]',
    );
  });

  it('take symbolic sizes from the inputs and grow', async () => {
    const model = await loadModel(await generate(symbolic()));
    for (const batch of [2, 1000, 5]) {
      const data = new Float32Array(batch * 3).map((_, n) => n);
      const inferred = model.run({ x: data }).y!;
      assert.deepEqual(inferred.shape, [batch, 3]);
      assert.deepEqual(
        inferred.data,
        data.map((value) => value + 2),
      );
      assert.deepEqual(
        model.run({ x: { data, shape: [batch, 3] } }).y!.data,
        data.map((value) => value + 2),
      );
    }
    assert.throws(() => model.run({ x: { data: new Float32Array(3003), shape: [1001, 3] } }), {
      message: 'net: batch "b" must be from 1 to 1000, got 1001',
    });
    assert.throws(() => model.run({ x: { data: new Float32Array(4), shape: [2, 2] } }), {
      message: 'net: input "x" has shape [2,2], expected [2,3]',
    });
    assert.throws(() => model.run({ x: new Float32Array(4) }), /the size of batch "b" is unknown/);
    model.resize({ batch_b: 1 }).x!.set([1, 2, 3]);
    assert.deepEqual([...model.run().y!.data], [3, 4, 5]);
  });

  it('find sizes while they run, branch and repeat', async () => {
    const x = tensor('x', 'int64', [4]);
    const count = variable('count', 'index', { extent: int(5) });
    const y = tensor('y', 'int64', [count]);
    const turn = variable('turn', 'index', { extent: int(4) });
    const n = variable('n', 'index', { min: 0 });
    const from = tensor('from', 'int64', [4]);
    const to = tensor('to', 'int64', [n]);
    const i = indexVar('i', n);
    const kernel: Kernel = {
      name: 'accumulate',
      params: [from, to],
      dims: [n],
      body: loop(i, store(to, [i], add(load(to, [i]), mul(load(from, [i]), constant(10n, 'int64'))))),
    };
    const clear: Kernel = {
      name: 'clear',
      params: [to],
      dims: [n],
      body: loop(i, store(to, [i], constant(0n, 'int64'))),
    };
    const program = programOf({
      inputs: [['x', x]],
      outputs: [['y', y]],
      computedDims: [count],
      body: [
        { kind: 'let', variable: count, value: cast(load(x, [int(0)]), 'index') },
        { kind: 'check', condition: le(count, int(4)), code: 'shape' },
        { kind: 'call', kernel: clear, arguments: [y], dims: [count] },
        {
          kind: 'if',
          condition: ge(count, int(2)),
          then: [
            {
              kind: 'loop',
              index: turn,
              count: int(3),
              body: [{ kind: 'call', kernel, arguments: [x, y], dims: [count] }],
            },
          ],
          otherwise: [
            {
              kind: 'loop',
              index: turn,
              condition: lt(turn, int(2)),
              body: [{ kind: 'call', kernel, arguments: [x, y], dims: [count] }],
            },
          ],
        },
      ],
    });
    const wasm = await loadWasm(await generate(program), 'net');
    const run = (values: readonly bigint[]) => {
      const [output] = wasm.run([
        { name: 'x', dtype: 'int64', dims: [4], bytes: new Uint8Array(new BigInt64Array(values).buffer) },
      ]);
      return { dims: output!.dims, values: [...new BigInt64Array(output!.bytes.buffer)] };
    };
    assert.deepEqual(run([3n, 1n, 2n, 9n]), { dims: [3], values: [90n, 30n, 60n] });
    assert.deepEqual(run([1n, 1n, 2n, 9n]), { dims: [1], values: [20n] });
    assert.throws(
      () => run([5n, 1n, 2n, 9n]),
      (error) => runErrorCode(error) === 'shape',
    );
  });

  it('report errors of kernels by their code, and run again', async () => {
    const x = tensor('x', 'int32', [1]);
    const y = tensor('y', 'int32', [1]);
    const value = load(x, [int(0)]);
    const kernel: Kernel = {
      name: 'positive',
      params: [x, y],
      dims: [],
      body: {
        kind: 'block',
        body: [check(lt(constant(0, 'int32'), value), 'divide'), store(y, [int(0)], max(value, constant(5, 'int32')))],
      },
    };
    const program = programOf({
      inputs: [['x', x]],
      outputs: [['y', y]],
      body: [{ kind: 'call', kernel, arguments: [x, y], dims: [] }],
    });
    const model = await loadModel(await generate(program));
    assert.throws(() => model.run({ x: new Int32Array([-1]) }), {
      code: 'divide',
      message: 'net: an integer was divided by zero (divide)',
    });
    assert.equal(model.run({ x: new Int32Array([3]) }).y![0], 5);
  });

  it('give the same files every time, with a small script', async () => {
    const first = await generate(symbolic());
    assert.deepEqual(await generate(symbolic()), first);
    const { length } = fileOf(first, 'net.js').bytes;
    assert(length < 8192, `${length} bytes`);
  });

  it('treat every byte of a truth value as 0 or 1', async () => {
    const x = tensor('x', 'bool', [2]);
    const y = tensor('y', 'int32', [2]);
    const i = indexVar('i', 2);
    const kernel: Kernel = {
      name: 'widen',
      params: [x, y],
      dims: [],
      body: loop(i, store(y, [i], cast(load(x, [i]), 'int32'))),
    };
    const program = programOf({
      inputs: [['x', x]],
      outputs: [['y', y]],
      body: [{ kind: 'call', kernel, arguments: [x, y], dims: [] }],
    });
    const model = await loadModel(await generate(program));
    assert.deepEqual([...model.run({ x: new Uint8Array([0, 255]) }).y!], [0, 1]);
  });
});
