// Conversions of all codes, and of float32, float64 and integers near every place where rounding changes, against plain
// searches for the nearest value; whole kernels against arithmetic in doubles.

import assert from 'node:assert/strict';
import { type DType, integerRange } from '../../ir/dtype.ts';
import { arrayNameOf, makeArray, type TypedArrayLike } from '../../ir/eval-arrays.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  bitcast,
  call,
  cast,
  constant,
  div,
  indexVar,
  int,
  load,
  mul,
  neg,
  ramp,
  select,
  sub,
  unary,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Memory } from '../../ir/kernel.ts';
import { compileKernel } from '../../ir/kernel-eval.ts';
import { allocate, block, letIn, loop, store, visitStmt, visitStmtExprs } from '../../ir/kernel-walk.ts';
import { legalizeKernel } from '../../ir/legalize/legalize-dtypes.ts';
import { packKernel, unpackKernel } from '../../ir/legalize/pack.ts';
import { storageOf } from '../../ir/legalize/representation.ts';

const none = { has: (): boolean => false };
const bufferOf = (name: string, dtype: DType, count: number, memory: Memory = 'argument'): Buffer => ({
  name,
  dtype,
  shape: [int(count)],
  memory,
});

/** y[i] = f(x0[i], x1[i], …), legalized and run; the arrays are of the storage types. */
function mapAll(from: readonly DType[], to: DType, count: number, f: (...x: Expr[]) => Expr, lanes = 1): Kernel {
  const inputs = from.map((dtype, i) => bufferOf(`x${i}`, dtype, count));
  const output = bufferOf('y', to, count);
  const i = indexVar('i', count / lanes);
  const at = ramp(lanes === 1 ? i : mul(i, int(lanes)), 1, lanes);
  const body = loop(i, store(output, [at], f(...inputs.map((input) => load(input, [at])))));
  return { name: 'map', params: [...inputs, output], dims: [], body };
}

function run(kernel: Kernel, arrays: readonly TypedArrayLike[]): void {
  assert.equal(compileKernel(legalizeKernel(kernel, none), { checked: true })(arrays), 0);
}

interface FloatType {
  readonly dtype: DType;
  readonly exponent: number;
  readonly fraction: number;
  readonly bias: number;
  readonly codes: 'ieee' | 'one NaN' | 'no negative zero' | 'all finite';
}
const floatTypes: readonly FloatType[] = [
  { dtype: 'float16', exponent: 5, fraction: 10, bias: 15, codes: 'ieee' },
  { dtype: 'bfloat16', exponent: 8, fraction: 7, bias: 127, codes: 'ieee' },
  { dtype: 'float8e4m3fn', exponent: 4, fraction: 3, bias: 7, codes: 'one NaN' },
  { dtype: 'float8e4m3fnuz', exponent: 4, fraction: 3, bias: 8, codes: 'no negative zero' },
  { dtype: 'float8e5m2', exponent: 5, fraction: 2, bias: 15, codes: 'ieee' },
  { dtype: 'float8e5m2fnuz', exponent: 5, fraction: 2, bias: 16, codes: 'no negative zero' },
  { dtype: 'float4e2m1', exponent: 2, fraction: 1, bias: 1, codes: 'all finite' },
];

const bitsOf = ({ exponent, fraction }: FloatType): number => 1 + exponent + fraction;

/** From the definition of the format. */
function valueOfCode(type: FloatType, code: number): number {
  const { exponent, fraction, bias, codes } = type;
  const half = 2 ** (exponent + fraction);
  const sign = code >= half ? -1 : 1;
  const size = code % half;
  const field = Math.floor(size / 2 ** fraction);
  const rest = size % 2 ** fraction;
  if (codes === 'ieee' && field === 2 ** exponent - 1) return rest === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (codes === 'one NaN' && size === half - 1) return Number.NaN;
  if (codes === 'no negative zero' && code === half) return Number.NaN;
  const value =
    field === 0 ? rest * 2 ** (1 - bias - fraction) : (2 ** fraction + rest) * 2 ** (field - bias - fraction);
  return sign * value;
}

/** Finite non-negative values, ascending: value k has code k. */
const positives = (type: FloatType): readonly number[] => {
  const all = Array.from({ length: 2 ** (bitsOf(type) - 1) }, (_, code) => valueOfCode(type, code));
  return all.filter((value) => Number.isFinite(value));
};

/** The nearest value, ties to the even code. */
function nearest(type: FloatType, value: number | bigint, ascending: readonly number[]): number {
  const top = ascending.length - 1;
  const beyond = { ieee: Number.POSITIVE_INFINITY, 'all finite': ascending[top]! }[type.codes as 'ieee'] ?? Number.NaN;
  if (Number.isNaN(value)) return type.codes === 'all finite' ? ascending[top]! : Number.NaN;
  const negative = value < 0 || Object.is(value, -0);
  const size = negative ? -value : value;
  let low = 0;
  let high = top;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (ascending[middle]! <= size) low = middle;
    else high = middle - 1;
  }
  const step = low < top ? ascending[low + 1]! : 2 * ascending[top]! - ascending[top - 1]!;
  const tie = (ascending[low]! + step) / 2;
  const up = size > tie || (!(size < tie) && low % 2 === 1);
  const result = up ? (low < top ? ascending[low + 1]! : beyond) : ascending[low]!;
  if (result === 0 && type.codes === 'no negative zero') return 0;
  return negative ? -result : result;
}

const storageArray = (dtype: DType, count: number): TypedArrayLike => makeArray(storageOf(dtype), count);

/** Doubles at, between and around all values of a type, both signs. */
function interesting(type: FloatType): readonly number[] {
  const ascending = positives(type);
  const top = ascending.at(-1)!;
  const points = ascending.flatMap((value, i) => {
    const next = ascending[i + 1] ?? 2 * top - ascending.at(-2)!;
    const middle = (value + next) / 2;
    return [
      value,
      middle,
      middle * (1 + 2 ** -52),
      middle * (1 - 2 ** -53),
      middle * (1 + 2 ** -23),
      middle * (1 - 2 ** -24),
    ];
  });
  const wild = [2 * top, 1e30, 1e39, 1e300, 1e-40, 1e-46, 1e-300, Number.POSITIVE_INFINITY, Number.NaN];
  return [...points, ...wild].flatMap((value) => [value, -value]);
}

describe('legalizeKernel', () => {
  for (const type of floatTypes) {
    const { dtype } = type;
    const codes = 2 ** bitsOf(type);

    it(`reads every code of ${dtype} and writes it back`, () => {
      const input = storageArray(dtype, codes);
      for (let code = 0; code < codes; code += 1) input[code] = code;
      for (const lanes of [1, 4]) {
        const wide = new Float32Array(codes);
        run(
          mapAll([dtype], 'float32', codes, (x) => cast(x, 'float32'), lanes),
          [input, wide],
        );
        wide.forEach((value, code) => assert.ok(Object.is(value, valueOfCode(type, code)), `${code}: ${value}`));
        const back = storageArray(dtype, codes);
        run(
          mapAll(['float32'], dtype, codes, (x) => cast(x, dtype), lanes),
          [wide, back],
        );
        for (let code = 0; code < codes; code += 1) {
          const same = Number.isNaN(wide[code])
            ? Number.isNaN(valueOfCode(type, Number(back[code])))
            : back[code] === code;
          assert.ok(same, `${code} became ${back[code]}`);
        }
      }
    });

    for (const from of ['float32', 'float64'] as const) {
      it(`rounds ${from} to ${dtype}, to even, also where two roundings would differ`, () => {
        const ascending = positives(type);
        const points = interesting(type).map((value) => (from === 'float32' ? Math.fround(value) : value));
        const input = from === 'float32' ? new Float32Array(points) : new Float64Array(points);
        const output = storageArray(dtype, points.length);
        const rounded = new Float32Array(points.length);
        run(
          mapAll([from], dtype, points.length, (x) => cast(x, dtype)),
          [input, output],
        );
        run(
          mapAll([from], 'float32', points.length, (x) => cast(cast(x, dtype), 'float32')),
          [input, rounded],
        );
        points.forEach((value, i) => {
          const expected = nearest(type, value, ascending);
          const got = valueOfCode(type, Number(output[i]));
          assert.ok(Object.is(got, expected), `${value} became ${got} and not ${expected}`);
          assert.ok(Object.is(rounded[i], expected), `${value} rounded to ${rounded[i]} and not ${expected}`);
        });
      });
    }

    it(`makes codes of constants of ${dtype}`, () => {
      const ascending = positives(type);
      const points = interesting(type).filter((_, i) => i < 24 || i % 997 === 0);
      points.slice(0, 60).forEach((value) => {
        const output = storageArray(dtype, 1);
        run(
          mapAll([], dtype, 1, () => constant(value, dtype)),
          [output],
        );
        const got = valueOfCode(type, Number(output[0]));
        assert.ok(Object.is(got, nearest(type, value, ascending)), `${value} became ${got}`);
      });
    });
  }

  it('rounds 64-bit integers to bfloat16 and float16 once', () => {
    const points: bigint[] = [];
    for (const shift of [0n, 3n, 10n, 11n, 12n, 24n, 30n, 47n, 52n, 54n]) {
      for (const base of [255n, 257n, 383n, 385n, 511n]) {
        for (const extra of [-2049n, -2048n, -1n, 0n, 1n, 2047n, 2048n, 2049n]) {
          const value = (base << shift) + extra;
          if (value < 1n << 63n && value > 0n) points.push(value, -value);
        }
      }
    }
    for (const type of floatTypes.slice(0, 2)) {
      const ascending = positives(type);
      for (const from of ['int64', 'uint64', 'int32', 'uint32'] as const) {
        const { min, max } = integerRange(from);
        const usable = points.filter((value) => value >= min && value <= max);
        const input = makeArray(from, usable.length);
        for (const [i, value] of usable.entries())
          input[i] = input instanceof BigInt64Array || input instanceof BigUint64Array ? value : Number(value);
        const output = storageArray(type.dtype, usable.length);
        run(
          mapAll([from], type.dtype, usable.length, (x) => cast(x, type.dtype)),
          [input, output],
        );
        usable.forEach((value, i) => {
          const got = valueOfCode(type, Number(output[i]));
          assert.equal(got, nearest(type, value, ascending), `${value} of ${from} as ${type.dtype}`);
        });
      }
    }
  });

  it('computes every operation in float16 as if exactly, then rounded', () => {
    const type = floatTypes[0]!;
    const ascending = positives(type);
    const count = 4096;
    const a = new Uint16Array(count).map((_, i) => (i * 40503 + 7) & 0xffff);
    const b = new Uint16Array(count).map((_, i) => (i * 30011 + 91) & 0xffff);
    const operations = [
      [add, (x: number, y: number) => x + y],
      [sub, (x: number, y: number) => x - y],
      [mul, (x: number, y: number) => x * y],
      [div, (x: number, y: number) => x / y],
      [(x: Expr) => unary('sqrt', x), (x: number) => Math.sqrt(x)],
      [(x: Expr) => neg(x), (x: number) => -x],
      [(x: Expr) => call('exp', x), (x: number) => Math.exp(x)],
      [(x: Expr, y: Expr) => mul(add(x, y), y), (x: number, y: number) => nearest(type, x + y, ascending) * y],
    ] as const;
    for (const [make, expected] of operations) {
      const y = new Uint16Array(count);
      run(mapAll(['float16', 'float16'], 'float16', count, make, 8), [a, b, y]);
      for (let i = 0; i < count; i += 1) {
        const want = nearest(type, expected(valueOfCode(type, a[i]!), valueOfCode(type, b[i]!)), ascending);
        assert.ok(
          Object.is(valueOfCode(type, y[i]!), want),
          `${a[i]}, ${b[i]}: ${valueOfCode(type, y[i]!)}, not ${want}`,
        );
      }
    }
  });

  it('reads and writes float8e8m0, the nearest power of two', () => {
    const input = new Uint8Array(256).map((_, code) => code);
    const wide = new Float32Array(256);
    run(
      mapAll(['float8e8m0'], 'float32', 256, (x) => cast(x, 'float32')),
      [input, wide],
    );
    wide.forEach((value, code) => assert.ok(Object.is(value, code === 255 ? Number.NaN : 2 ** (code - 127))));
    const points = [
      1,
      1.49,
      1.5,
      2.9,
      3,
      -4,
      0,
      1e-45,
      2 ** -127 * 1.49,
      2 ** -127 * 1.5,
      2 ** 127 * 1.49,
      2 ** 127 * 1.5,
      1e39,
    ];
    const output = new Uint8Array(points.length);
    run(
      mapAll(['float32'], 'float8e8m0', points.length, (x) => cast(x, 'float8e8m0')),
      [new Float32Array(points), output],
    );
    assert.deepEqual([...output], [127, 127, 128, 128, 129, 129, 0, 0, 0, 1, 254, 255, 255]);
  });

  it('carries int4, uint4, int2 and uint2 in bytes, and wraps and saturates them', () => {
    for (const dtype of ['int4', 'uint4', 'int2', 'uint2'] as const) {
      const { min, max } = integerRange(dtype);
      const size = Number(max - min) + 1;
      const wrap = (value: number): number => ((((value - Number(min)) % size) + size) % size) + Number(min);
      const values = Array.from({ length: size * size }, (_, i) => [wrap(i), wrap(Math.floor(i / size))] as const);
      const input = (k: 0 | 1): TypedArrayLike => {
        const array = storageArray(dtype, values.length);
        for (const [i, pair] of values.entries()) array[i] = pair[k];
        return array;
      };
      const operations = [
        [add, (x: number, y: number) => x + y],
        [sub, (x: number, y: number) => x - y],
        [mul, (x: number, y: number) => x * y],
        [(x: Expr) => neg(x), (x: number) => -x],
        [(x: Expr) => unary('not', x), (x: number) => ~x],
        [(x: Expr) => unary('abs', x), (x: number) => Math.abs(x)],
      ] as const;
      for (const [make, expected] of operations) {
        const output = storageArray(dtype, values.length);
        run(mapAll([dtype, dtype], dtype, values.length, make), [input(0), input(1), output]);
        values.forEach(([x, y], i) => assert.equal(output[i], wrap(expected(x, y)), `${dtype}: ${x}, ${y}`));
      }
      const floats = [-200, -8.9, -8, -2.5, -0.9, 0.9, 1.5, 3.7, 7.9, 15.9, 16, 300, Number.NaN];
      const clamped = storageArray(dtype, floats.length);
      run(
        mapAll(['float32'], dtype, floats.length, (x) => cast(x, dtype)),
        [new Float32Array(floats), clamped],
      );
      floats.forEach((value, i) => {
        const want = Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), Number(min)), Number(max)) + 0;
        assert.equal(clamped[i], want, `${value} as ${dtype}`);
      });
      const integers = new Int32Array([-1000, -9, -8, -1, 0, 1, 7, 8, 15, 16, 1000]);
      const wrapped = storageArray(dtype, integers.length);
      run(
        mapAll(['int32'], dtype, integers.length, (x) => cast(x, dtype)),
        [integers, wrapped],
      );
      integers.forEach((value, i) => assert.equal(wrapped[i], wrap(value), `${value} as ${dtype}`));
    }
  });

  it('reinterprets codes', () => {
    const halves = new Uint16Array([0x3c00, 0xfc00, 0x7e01, 0x0001]);
    const same = new Int16Array(4);
    run(
      mapAll(['float16'], 'int16', 4, (x) => bitcast(x, 'int16')),
      [halves, same],
    );
    assert.deepEqual([...same].map((code) => code & 0xffff).slice(0, 2), [0x3c00, 0xfc00]);
    const brain = new Uint16Array(4);
    run(
      mapAll(['float16'], 'bfloat16', 4, (x) => bitcast(x, 'bfloat16')),
      [halves, brain],
    );
    assert.equal(brain[3], 1);
    const nibbles = new Uint8Array(16).map((_, code) => code);
    const signed = new Int8Array(16);
    run(
      mapAll(['uint4'], 'int4', 16, (x) => bitcast(x, 'int4')),
      [nibbles, signed],
    );
    assert.deepEqual([...signed], [0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1]);
    const floats = new Uint8Array(16);
    run(
      mapAll(['int4'], 'float4e2m1', 16, (x) => bitcast(x, 'float4e2m1')),
      [signed, floats],
    );
    assert.deepEqual([...floats], [...nibbles]);
  });

  it('keeps wide values in local buffers and lets, and rounds a stored result once', () => {
    const x = bufferOf('x', 'float16', 8);
    const y = bufferOf('y', 'float16', 8);
    const sum = bufferOf('sum', 'float16', 1, 'register');
    const twice = variable('twice', 'float16');
    const i = indexVar('i', 8);
    const body = allocate(
      sum,
      block([
        store(sum, [int(0)], constant(0, 'float16')),
        loop(
          i,
          letIn(
            twice,
            mul(load(x, [i]), constant(2, 'float16')),
            block([
              store(sum, [int(0)], add(load(sum, [int(0)]), twice)),
              store(y, [i], select(bitcastTest(load(x, [i])), load(sum, [int(0)]), twice)),
            ]),
          ),
        ),
      ]),
    );
    const kernel: Kernel = { name: 'sums', params: [x, y], dims: [], body };
    const legal = legalizeKernel(kernel, none);
    assert.deepEqual(
      legal.params.map(({ dtype }) => dtype),
      ['uint16', 'uint16'],
    );
    visitStmt(legal.body, (stmt) => {
      if (stmt.kind === 'alloc') assert.equal(stmt.buffer.dtype, 'float32');
    });
    const one = 0x3c00;
    const output = new Uint16Array(8);
    assert.equal(compileKernel(legal)([new Uint16Array(8).fill(one), output]), 0);
    assert.deepEqual([...output], [0x4000, 0x4400, 0x4600, 0x4800, 0x4900, 0x4a00, 0x4b00, 0x4c00]);
  });

  it('reads packed arguments', () => {
    for (const dtype of ['int4', 'uint4', 'float4e2m1', 'int2', 'uint2'] as const) {
      const count = 13;
      const kernel = mapAll([dtype], 'float32', count, (x) => cast(x, 'float32'));
      const legal = legalizeKernel(kernel, none, new Set([kernel.params[0]!]));
      const bytes = new Uint8Array([0x12, 0x9f, 0x43, 0xe8, 0x75, 0xba, 0x0c]);
      const elements = storageArray(dtype, count);
      assert.equal(compileKernel(unpackKernel(dtype, count))([bytes, elements]), 0);
      const direct = new Float32Array(count);
      const unpacked = new Float32Array(count);
      assert.equal(compileKernel(legal, { checked: true })([bytes, direct]), 0);
      run(kernel, [elements, unpacked]);
      assert.deepEqual(direct, unpacked);
    }
  });

  it('leaves alone what the printer knows', () => {
    const kernel = mapAll(['float16', 'int4'], 'float16', 4, (a, b) => add(a, cast(b, 'float16')));
    const legal = legalizeKernel(kernel, { has: (dtype) => dtype === 'float16' });
    assert.deepEqual(
      legal.params.map(({ dtype }) => dtype),
      ['float16', 'int8', 'float16'],
    );
    const types = new Set<DType>();
    visitStmtExprs(legal.body, ({ dtype }) => {
      types.add(dtype);
      return true;
    });
    assert.deepEqual([...types].sort(), ['float16', 'index', 'int8']);
  });
});

const bitcastTest = (x: Expr): Expr => cast(x, 'bool');

describe('packing kernels', () => {
  for (const dtype of ['int4', 'uint4', 'float4e2m1', 'int2', 'uint2'] as const) {
    it(`unpack and pack ${dtype} of any count`, () => {
      const perByte = dtype.includes('2') && !dtype.includes('e2') ? 4 : 2;
      const bits = 8 / perByte;
      for (const count of [0, 1, 2, 3, 4, 5, 7, 8, 33]) {
        const bytes = Math.ceil(count / perByte);
        const packed = new Uint8Array(bytes).map((_, i) => i * 73 + 154);
        const elements = storageArray(dtype, count);
        assert.equal(compileKernel(unpackKernel(dtype, count), { checked: true })([packed, elements]), 0);
        for (let i = 0; i < count; i += 1) {
          const code = (packed[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & (2 ** bits - 1);
          const value =
            arrayNameOf(storageOf(dtype)) === 'Int8Array' && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;
          assert.equal(elements[i], value);
        }
        const back = new Uint8Array(bytes).fill(255);
        assert.equal(compileKernel(packKernel(dtype, count), { checked: true })([elements, back]), 0);
        const rest = count % perByte;
        if (rest !== 0) packed[bytes - 1] = packed[bytes - 1]! & (2 ** (rest * bits) - 1);
        assert.deepEqual(back, packed);
      }
    });
  }

  it('take a symbolic count', () => {
    const n = variable('n');
    const kernel = unpackKernel('uint4', n);
    assert.deepEqual(kernel.dims, [n]);
    const elements = new Uint8Array(3);
    assert.equal(compileKernel(kernel)([new Uint8Array([0x21, 0x43]), elements], [3]), 0);
    assert.deepEqual([...elements], [1, 2, 3]);
  });
});
