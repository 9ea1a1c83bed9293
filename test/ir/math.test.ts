// Measures the expansions of math functions over all floats (thinned out, unless LAPIDARY_EXHAUSTIVE=1, which takes a
// quarter of an hour), compiled by the C compiler with and without fused multiply-add.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { mathFunctions } from '../../ir/eval-math.ts';
import type { MathFunction } from '../../ir/expr.ts';
import { call, indexVar, int, load, mul, ramp, variable } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Buffer } from '../../ir/kernel.ts';
import { compileKernel } from '../../ir/kernel-eval.ts';
import { loop, store } from '../../ir/kernel-walk.ts';
import { expandMath } from '../../ir/math/expand-math.ts';
import { countOperations, cType, functionText, prelude } from './scalar-c.ts';

const unary = [
  'exp',
  'log',
  'tanh',
  'erf',
  'sigmoid',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'asinh',
  'acosh',
  'atanh',
  'log1p',
  'expm1',
] as const satisfies readonly MathFunction[];
const binary = ['pow', 'fmod'] as const satisfies readonly MathFunction[];
type Format = 'float32' | 'float64';

function expansions(format: Format): string {
  const type = cType(format);
  const x = variable('x', format);
  const y = variable('y', format);
  const loop = (name: string, inputs: readonly string[]): string => {
    const list = inputs.map((input) => `const ${type} *restrict ${input}`).join(', ');
    const signature = `void JOIN(MODE, _${name})(${list}, ${type} *restrict r, int n)`;
    const values = inputs.map((input) => `${input}[i]`).join(', ');
    return `${signature};\n${signature} {\n  for (int i = 0; i < n; i++) r[i] = expand_${name}(${values});\n}\n`;
  };
  const texts = [
    ...unary.map((name) => functionText(`expand_${name}`, [x], expandMath(call(name, x))) + loop(name, ['a'])),
    ...binary.map(
      (name) => functionText(`expand_${name}`, [x, y], expandMath(call(name, x, y))) + loop(name, ['a', 'b']),
    ),
  ];
  return `${prelude}#define PASTE(a, b) a##b\n#define JOIN(a, b) PASTE(a, b)\n${texts.join('')}`;
}

const source = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Compiles for this machine's vectors if the compiler knows how. */
async function compile(folder: string, flags: readonly string[]): Promise<void> {
  const all = ['-std=gnu99', '-fno-math-errno', '-I', folder, ...flags];
  const native = await execa('cc', ['-O3', '-march=native', '-fno-trapping-math', ...all], { reject: false });
  if (native.exitCode !== 0) await execa('cc', ['-O2', ...all]);
}

async function build(folder: string, format: Format): Promise<string> {
  const file = (name: string): string => join(folder, name);
  const define = `-D${format.toUpperCase()}`;
  writeFileSync(file('generated.h'), `#define UNARY(X) ${unary.map((name) => `X(${name})`).join(' ')}\n`);
  writeFileSync(file('expansions.c'), expansions(format));
  const object = (name: string, from: string, flags: readonly string[]): Promise<void> =>
    compile(folder, [...flags, define, '-c', from, '-o', file(`${name}.o`)]);
  await object('strict', file('expansions.c'), ['-DMODE=strict', '-ffp-contract=off']);
  await object('fused', file('expansions.c'), ['-DMODE=fused', '-ffp-contract=fast']);
  await object('harness', source('math-harness.c'), []);
  const objects = ['strict', 'fused', 'harness', 'reference'].map((name) => file(`${name}.o`));
  // Where the C library has vector functions, loose arithmetic lets the compiler call them; they are good to 4 ULP of
  // a double. Not in the wider format, whose reference is not a double.
  const loose = format === 'float32' ? ['-ffast-math', '-fno-finite-math-only'] : [];
  await object('reference', source('math-reference.c'), loose);
  const linked = await execa('cc', [...objects, '-o', file('harness'), '-lmvec', '-lm'], { reject: false });
  if (linked.exitCode !== 0) {
    await object('reference', source('math-reference.c'), []);
    await execa('cc', [...objects, '-o', file('harness'), '-lm']);
  }
  return file('harness');
}

interface Line {
  readonly name: string;
  readonly mode: string;
  readonly error: number;
  readonly text: string;
}

async function measure(folder: string, format: Format, stride: number, blocks: number): Promise<readonly Line[]> {
  const harness = await build(folder, format);
  const { stdout } = await execa(harness, [String(stride), String(blocks)]);
  return stdout.split('\n').map((text) => {
    const [name, mode, error] = text.split(' ');
    return { name: name!, mode: mode!, error: Number(error), text };
  });
}

const exhaustive = process.env.LAPIDARY_EXHAUSTIVE === '1';
const hasCompiler = (await execa('cc', ['--version'], { reject: false })).exitCode === 0;

const bufferOf = (name: string, count: number): Buffer => ({
  name,
  dtype: 'float32',
  shape: [int(count)],
  memory: 'argument',
});

/** Numbers of all sizes and both signs, around 1 most often, and a few special ones. */
function sample(i: number): number {
  const special = [0, -0, 1, -1, 0.5, 2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e-45, 1e38];
  if (i % 16 === 0) return special[(i / 16) % special.length]!;
  const random = (k: number): number => (Math.sin(k * 12.9898) * 43758.5453) % 1;
  return random(i) * 2 ** Math.round(random(i + 0.5) * (i % 3 === 0 ? 60 : 8));
}

/** Within two units in the last place of a float32. */
function isNear(value: number, expected: number): boolean {
  const rounded = Math.fround(expected);
  if (!Number.isFinite(rounded) || !Number.isFinite(value)) return Object.is(value, rounded);
  const power = Math.max(Math.floor(Math.log2(Math.abs(expected))), -126);
  return Math.abs(value - expected) <= 2.01 * 2 ** (power - 23);
}

describe('expandMath', () => {
  it('leaves no call, and keeps lanes', () => {
    for (const format of ['float32', 'float64', 'float16'] as const) {
      for (const name of [...unary, ...binary]) {
        const x = variable('x', format, {}, 8);
        const expanded = expandMath(binary.some((other) => other === name) ? call(name, x, x) : call(name, x));
        assert.equal(expanded.lanes, 8, name);
        assert.equal(expanded.dtype, format, name);
        assert.ok(!contains(expanded, ({ kind }) => kind === 'call'), name);
      }
    }
  });

  it('writes float32 without float64 and without words of 64 bits', () => {
    const x = variable('x', 'float32');
    for (const name of [...unary, ...binary]) {
      const expanded = expandMath(call(name, x, ...(binary.some((other) => other === name) ? [x] : [])));
      assert.ok(!contains(expanded, ({ dtype }) => /64$/.test(dtype)), name);
    }
  });

  it('agrees with the evaluator of kernels, in any number of lanes', function () {
    this.timeout(60_000);
    const count = 1024;
    const inputs = [0, 1].map((seed) => new Float32Array(count).map((_, i) => sample(i * 2 + seed)));
    for (const name of [...unary, ...binary]) {
      for (const lanes of [1, 8]) {
        const [x, y, result] = ['x', 'y', 'result'].map((text) => bufferOf(text, count));
        const i = indexVar('i', count / lanes);
        const at = ramp(mul(i, int(lanes)), 1, lanes);
        const given = (binary.some((other) => other === name) ? [x!, y!] : [x!]).map((buffer) => load(buffer, [at]));
        const body = loop(i, store(result!, [at], expandMath(call(name, ...given))));
        const values = new Float32Array(count);
        compileKernel({ name, params: [x!, y!, result!], dims: [], body })([...inputs, values]);
        values.forEach((value, k) => {
          const [a, b] = inputs.map((input) => input[k]!);
          const expected = mathFunctions[name](a!, b!);
          assert.ok(isNear(value, expected), `${name}(${a}, ${b}) is ${value}, not ${expected}`);
        });
      }
    }
  });

  it('keeps the common functions short', () => {
    const x = variable('x', 'float32');
    const most = { exp: 30, sigmoid: 33, tanh: 36, erf: 42, log: 32 } as const;
    for (const name of ['exp', 'sigmoid', 'tanh', 'erf', 'log'] as const) {
      assert.ok(countOperations(expandMath(call(name, x))) <= most[name], name);
    }
  });

  for (const [format, bound, stride, blocks] of [
    ['float32', 2, exhaustive ? 1 : 397, 300],
    ['float64', 2, 0, exhaustive ? 4000 : 60],
  ] as const) {
    it(`is within ${bound} ULP in ${format}, fused or not, and fmod is exact`, async function () {
      if (!hasCompiler) this.skip();
      this.timeout(exhaustive ? 3_600_000 : 120_000);
      const folder = mkdtempSync(join(tmpdir(), 'lapidary-math-'));
      try {
        const lines = await measure(folder, format, stride, blocks);
        assert.equal(lines.length, 2 * (unary.length + binary.length));
        if (exhaustive) process.stderr.write(`${lines.map(({ text }) => text).join('\n')}\n`);
        const tooFar = lines.filter(({ name, error }) => !(error <= (name === 'fmod' ? 0 : bound)));
        assert.deepEqual(
          tooFar.map(({ text }) => text),
          [],
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
