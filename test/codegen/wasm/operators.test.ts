// Every operator on every element type and vector width, over values at the edges of the types.

import { newModule } from '../../../codegen/wasm/binaryen.ts';
import type { DType } from '../../../ir/dtype.ts';
import { dtypes, integerRange, isFloat, isWide } from '../../../ir/dtype.ts';
import { makeArray, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import type { BinaryOp, Expr, UnaryOp } from '../../../ir/expr.ts';
import {
  add,
  binary,
  bitcast,
  cast,
  constant,
  indexVar,
  int,
  load,
  mul,
  ne,
  ramp,
  select,
  unary,
} from '../../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../../ir/kernel.ts';
import { loop, store } from '../../../ir/kernel-walk.ts';
import { type Case, compareWithEvaluator } from './run-kernels.ts';

const numeric: readonly DType[] = [
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
];
const lanesOf = (dtype: DType, other: DType = dtype): readonly number[] => {
  const widest = Math.min(...[dtype, other].map((type) => 128 / dtypes[type].bits));
  const most = [dtype, other].some((type) => isFloat(type)) ? 4 : 16;
  return [1, 2, 4, 8, 16].filter((lanes) => lanes <= Math.min(widest, most));
};

/** Values at the edges of a type and some between. */
function edges(dtype: DType): readonly (number | bigint)[] {
  if (dtype === 'bool') return [0, 1];
  if (isFloat(dtype)) {
    const wide = dtype === 'float64';
    return [
      0,
      -0,
      1,
      -1,
      0.5,
      -0.5,
      1.5,
      2.5,
      -2.5,
      3.25,
      127.6,
      -128.7,
      255.4,
      256,
      32767.5,
      65536,
      2147483520,
      2147483648,
      -2147483904,
      4294967296,
      9.2e18,
      -9.3e18,
      1.9e19,
      1e-40,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      ...(wide ? [1e300, 2147483647.5, 4.9e-324] : [3.4e38]),
    ].map((x) => (wide ? x : Math.fround(x)));
  }
  const { min, max } = integerRange(dtype);
  const values = [
    0n,
    1n,
    2n,
    3n,
    5n,
    7n,
    8n,
    15n,
    31n,
    33n,
    63n,
    64n,
    100n,
    max,
    max - 1n,
    max / 3n,
    min,
    min + 1n,
    min / 2n,
  ];
  const signed = min < 0n ? [...values, -1n, -2n, -7n, -31n] : values;
  return signed.map((value) => (isWide(dtype) ? value : Number(value)));
}

function arrayOf(dtype: DType, values: readonly (number | bigint)[]): TypedArrayLike {
  const made = makeArray(dtype, values.length);
  for (const [at, value] of values.entries()) made[at] = value;
  return made;
}

const buffer = (name: string, dtype: DType, size: number): Buffer => ({
  name,
  dtype,
  shape: [int(size)],
  memory: 'argument',
});
/** Padded to a multiple of 16 elements, so that every vector width fits. */
const padded = (values: readonly (number | bigint)[]): (number | bigint)[] =>
  Array.from({ length: Math.ceil(values.length / 16) * 16 }, (_, at) => values[at % values.length]!);

function pointwise(
  name: string,
  inputs: readonly { readonly dtype: DType; readonly values: readonly (number | bigint)[] }[],
  output: DType,
  lanes: number,
  compute: (...operands: Expr[]) => Expr,
): Case {
  const columns = inputs.map(({ values }) => padded(values));
  const size = columns[0]!.length;
  const params = inputs.map(({ dtype }, at) => buffer(`x${at}`, dtype, size));
  const result = buffer('y', output, size);
  const i = indexVar('i', size / lanes);
  const at = ramp(mul(i, int(lanes)), 1, lanes);
  const body = loop(i, store(result, [at], compute(...params.map((param) => load(param, [at])))));
  const kernel: Kernel = { name: 'pointwise', params: [...params, result], dims: [], body };
  const buffers = [...inputs.map(({ dtype }, n) => arrayOf(dtype, columns[n]!)), makeArray(output, size)];
  return { name: `${name} x${lanes}`, kernel, buffers };
}

/** All pairs of edge values. */
function pairs(dtype: DType): readonly [readonly (number | bigint)[], readonly (number | bigint)[]] {
  const values = edges(dtype);
  return [values.flatMap((a) => values.map(() => a)), values.flatMap(() => values)];
}

const arithmetic: readonly BinaryOp[] = ['add', 'sub', 'mul', 'min', 'max', 'eq', 'ne', 'lt', 'le'];
const bitwise: readonly BinaryOp[] = ['and', 'or', 'xor'];

describe('operators in WebAssembly', () => {
  before(async function () {
    // Loading binaryen through a source transformer takes seconds.
    this.timeout(60_000);
    await newModule({ simd: true, relaxed: false });
  });

  it('agree with the evaluator for two operands', async () => {
    const cases: Case[] = [];
    for (const dtype of numeric) {
      const [a, b] = pairs(dtype);
      const float = isFloat(dtype);
      const ops: BinaryOp[] = [...arithmetic, ...(float ? [] : bitwise)];
      if (float) ops.push('div');
      else if (dtype !== 'bool') ops.push('shl', 'shr');
      for (const lanes of lanesOf(dtype)) {
        for (const op of ops) {
          const output = ['eq', 'ne', 'lt', 'le'].includes(op) ? 'bool' : dtype;
          const inputs = [
            { dtype, values: a },
            { dtype, values: b },
          ];
          cases.push(pointwise(`${op} ${dtype}`, inputs, output, lanes, (x, y) => binary(op, x!, y!)));
        }
      }
    }
    await compareWithEvaluator(cases);
  });

  it('divide integers where the divisor is not zero', async () => {
    const cases: Case[] = [];
    for (const dtype of numeric.filter((type) => !isFloat(type) && type !== 'bool')) {
      const [a, b] = pairs(dtype);
      const zero = constant(0, dtype);
      for (const op of ['div', 'mod'] as const) {
        const inputs = [
          { dtype, values: a },
          { dtype, values: b },
        ];
        cases.push(
          pointwise(`${op} ${dtype}`, inputs, dtype, 1, (x, y) => select(ne(y!, zero), binary(op, x!, y!), x!)),
        );
        for (const divisor of [1, 2, 3, 8, 100, ...(integerRange(dtype).min < 0n ? [-1, -3] : [])]) {
          for (const lanes of lanesOf(dtype)) {
            const by = constant(divisor, dtype);
            cases.push(
              pointwise(`${op} ${dtype} by ${divisor}`, [{ dtype, values: edges(dtype) }], dtype, lanes, (x) =>
                binary(op, x!, by),
              ),
            );
          }
        }
      }
    }
    await compareWithEvaluator(cases);
  });

  it('agree with the evaluator for one operand and for constants on the right', async () => {
    const cases: Case[] = [];
    for (const dtype of numeric) {
      const unaries: UnaryOp[] = isFloat(dtype)
        ? ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'rint']
        : dtype === 'bool'
          ? ['not']
          : ['neg', 'abs', 'not'];
      for (const lanes of lanesOf(dtype)) {
        if (isFloat(dtype)) {
          const negative = (x: Expr): Expr => unary('neg', unary('abs', x));
          cases.push(pointwise(`-|${dtype}|`, [{ dtype, values: edges(dtype) }], dtype, lanes, (x) => negative(x!)));
        }
        for (const op of unaries)
          cases.push(
            pointwise(`${op} ${dtype}`, [{ dtype, values: edges(dtype) }], dtype, lanes, (x) => unary(op, x!)),
          );
        if (dtype === 'bool') continue;
        const shifts = isFloat(dtype) ? [] : (['shl', 'shr'] as const);
        for (const op of [...arithmetic, ...shifts]) {
          for (const value of [0, 1, 3, 31, 64, ...(isFloat(dtype) ? [Number.NaN, -2.5] : [])]) {
            const output = ['eq', 'ne', 'lt', 'le'].includes(op) ? 'bool' : dtype;
            const right = constant(value, dtype);
            cases.push(
              pointwise(`${op} ${dtype} ${value}`, [{ dtype, values: edges(dtype) }], output, lanes, (x) =>
                binary(op, x!, right),
              ),
            );
          }
        }
      }
    }
    await compareWithEvaluator(cases);
  });

  it('cast between all types, saturating from floats and wrapping from integers', async () => {
    const cases: Case[] = [];
    for (const from of numeric) {
      for (const to of numeric) {
        if (from === to) continue;
        const inputs = [{ dtype: from, values: edges(from) }];
        for (const lanes of lanesOf(from, to)) {
          cases.push(pointwise(`cast ${from} to ${to}`, inputs, to, lanes, (x) => cast(x!, to)));
          if (from !== 'bool' && to !== 'bool' && dtypes[from].bits === dtypes[to].bits) {
            cases.push(pointwise(`bits of ${from} as ${to}`, inputs, to, lanes, (x) => bitcast(x!, to)));
          }
        }
      }
    }
    await compareWithEvaluator(cases);
  });

  it('select by scalar and by vector conditions', async () => {
    const cases: Case[] = [];
    type Pick = (x: Expr, y: Expr) => Expr;
    const picks: readonly (readonly [string, Pick])[] = [
      ['greater', (x, y) => select(binary('lt', x, y), y, x)],
      ['greater or first', (x, y) => select(binary('lt', x, y), x, y)],
      ['less', (x, y) => select(binary('lt', y, x), y, x)],
      ['less or equal', (x, y) => select(binary('le', y, x), y, x)],
    ];
    for (const dtype of numeric) {
      const [a, b] = pairs(dtype);
      for (const lanes of lanesOf(dtype)) {
        const inputs = [
          { dtype, values: a },
          { dtype, values: b },
        ];
        for (const [name, pick] of picks) {
          cases.push(pointwise(`${name} ${dtype}`, inputs, dtype, lanes, (x, y) => pick(x!, y!)));
        }
        cases.push(
          pointwise(`select ${dtype} by index`, inputs, dtype, lanes, (x, y) =>
            select(binary('le', loopIndex(x!), int(100)), y!, x!),
          ),
        );
      }
    }
    await compareWithEvaluator(cases);
  });
});

/** The first index of the load. */
function loopIndex(expr: Expr): Expr {
  const index = expr.kind === 'load' ? expr.indices[0]! : int(0);
  return index.kind === 'ramp' ? index.base : add(index, int(0));
}
