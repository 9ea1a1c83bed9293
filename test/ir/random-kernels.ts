// Random well-typed expressions for property tests. They read `sources`, one buffer of 8 elements for each type; parts
// are shared as objects, divisions and loads at computed places stand behind a Select as the rules ask.

import fc from 'fast-check';
import { type DType, dtypes, integerRange, isFloat, isWide } from '../../ir/dtype.ts';
import { makeArray, type TypedArrayLike } from '../../ir/eval-arrays.ts';
import type { BinaryOp, Expr, UnaryOp } from '../../ir/expr.ts';
import {
  and,
  binary,
  bitcast,
  cast,
  constant,
  div,
  eq,
  failure,
  int,
  le,
  load,
  lt,
  mod,
  ne,
  ramp,
  select,
  splat,
  unary,
} from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';

export const storedTypes = [
  'bool',
  'int8',
  'uint8',
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
] as const satisfies readonly DType[];
const allTypes: readonly DType[] = [...storedTypes, 'index'];

export const sourceLength = 8;
export const sources: ReadonlyMap<DType, Buffer> = new Map(
  storedTypes.map((dtype) => [dtype, { name: `in_${dtype}`, dtype, shape: [int(sourceLength)], memory: 'argument' }]),
);

const floatValues = [
  0, -0, 0.5, -0.5, 1, -1, 1.5, 2.5, -2.5, 1e-8, 127.6, -128.4, 255.5, 65536.7, 2147483647, 4e9, 1e30,
];
const specialFloats = [...floatValues, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1e19, 2 ** 53];

/** An element as a typed array holds it. */
export function element(dtype: DType): fc.Arbitrary<number | bigint> {
  if (dtype === 'float32') return fc.oneof(fc.constantFrom(...specialFloats), fc.float()).map(Math.fround);
  if (dtype === 'float64') return fc.oneof(fc.constantFrom(...specialFloats), fc.double());
  if (dtype === 'index') return fc.integer({ min: -9, max: 9 });
  const { min, max } = integerRange(dtype);
  const wide = fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 0n, 1n, max - 1n, max / 2n + 1n));
  return isWide(dtype) ? wide : wide.map(Number);
}

/** Contents for every source, in the order of `storedTypes`. */
export const contents: fc.Arbitrary<readonly TypedArrayLike[]> = fc
  .tuple(...storedTypes.map((dtype) => fc.array(element(dtype), { minLength: sourceLength, maxLength: sourceLength })))
  .map((rows) =>
    rows.map((row, i) => {
      const array = makeArray(storedTypes[i]!, sourceLength);
      row.forEach((value, at) => {
        array[at] = value;
      });
      return array;
    }),
  );

const unaryOps = (dtype: DType): readonly UnaryOp[] => {
  if (dtype === 'bool') return ['not'];
  if (isFloat(dtype)) return ['neg', 'abs', 'sqrt', 'floor', 'ceil', 'trunc', 'rint'];
  return ['neg', 'abs', 'not'];
};
const binaryOps = (dtype: DType): readonly BinaryOp[] => {
  if (dtype === 'bool') return ['and', 'or', 'xor'];
  if (isFloat(dtype)) return ['add', 'sub', 'mul', 'div', 'min', 'max'];
  if (dtype === 'index') return ['add', 'sub', 'mul', 'min', 'max'];
  return ['add', 'sub', 'mul', 'min', 'max', 'and', 'or', 'xor', 'shl', 'shr'];
};

const isFinitePart = (value: Expr): Expr =>
  isFloat(value.dtype) ? select(eq(value, value), value, splat(constant(0, value.dtype), value.lanes)) : value;
const sameWidth = (dtype: DType): readonly DType[] =>
  storedTypes.filter((other) => dtypes[other].bits === dtypes[dtype].bits && other !== 'bool');

const zero = (dtype: DType, lanes: number): Expr => splat(constant(isWide(dtype) ? 0n : 0, dtype), lanes);

export interface Options {
  /** Whether `fail` may stand where a divisor is zero or an index is out of range. */
  readonly fails: boolean;
}

const memo = new Map<string, fc.Arbitrary<Expr>>();

/** Expressions of at most this depth, give or take the guards. */
export function expression(dtype: DType, lanes: number, depth: number, options: Options): fc.Arbitrary<Expr> {
  const key = `${dtype} ${lanes} ${depth} ${options.fails}`;
  const known = memo.get(key);
  if (known) return known;
  const made = make(dtype, lanes, depth, options);
  memo.set(key, made);
  return made;
}

function leaf(dtype: DType, lanes: number): fc.Arbitrary<Expr> {
  const literal = element(dtype).map((value) => splat(constant(value, dtype), lanes));
  const source = sources.get(dtype);
  if (!source) return literal;
  const scalar = fc.nat(sourceLength - 1).map((at) => splat(load(source, [int(at)]), lanes));
  if (lanes === 1) return fc.oneof(literal, scalar, scalar);
  const vector = fc.nat(sourceLength - lanes).map((at) => load(source, [ramp(int(at), 1, lanes)]));
  return fc.oneof(literal, scalar, vector, vector);
}

function make(dtype: DType, lanes: number, depth: number, options: Options): fc.Arbitrary<Expr> {
  if (depth === 0) return leaf(dtype, lanes);
  const part = (type: DType = dtype, width = lanes): fc.Arbitrary<Expr> => expression(type, width, depth - 1, options);
  const parts: fc.Arbitrary<Expr>[] = [leaf(dtype, lanes)];
  const binaries = binaryOps(dtype);
  parts.push(
    fc.tuple(fc.constantFrom(...unaryOps(dtype)), part()).map(([op, a]) => unary(op, a)),
    fc.tuple(fc.constantFrom(...binaries), part(), part()).map(([op, a, b]) => binary(op, a, b)),
    // The same object twice.
    fc
      .tuple(fc.constantFrom(...binaries), fc.constantFrom(...binaries), part(), part())
      .map(([outer, inner, a, b]) => binary(outer, binary(inner, a, b), a)),
    fc.tuple(part('bool', 1), part(), part()).map(([test, a, b]) => select(test, a, b)),
    fc.tuple(part('bool', 1), part(), part()).map(([test, a, b]) => select(test, binary(binaries[0]!, a, a), b)),
    fc.tuple(part('bool'), part(), part()).map(([test, a, b]) => select(test, a, b)),
  );
  if (lanes > 1) parts.push(part(dtype, 1).map((value) => splat(value, lanes)));
  if (dtype === 'bool') {
    const compared = fc.constantFrom<BinaryOp>('eq', 'ne', 'lt', 'le');
    for (const type of allTypes) {
      parts.push(fc.tuple(compared, part(type), part(type)).map(([op, a, b]) => binary(op, a, b)));
    }
  }
  if (dtype !== 'index') {
    const from = fc.constantFrom(...allTypes).chain((type) => part(type));
    parts.push(from.map((value) => cast(value, dtype)));
    if (sameWidth(dtype).length > 1 && dtype !== 'bool') {
      const bits = fc.constantFrom(...sameWidth(dtype)).chain((type) => part(type));
      parts.push(bits.map((value) => bitcast(isFinitePart(value), dtype)));
    }
  }
  if (!isFloat(dtype) && dtype !== 'bool') parts.push(guardedDivision(dtype, lanes, part, options));
  const source = sources.get(dtype);
  if (source && lanes === 1) {
    const computed = fc.tuple(part('index'), fc.boolean()).map(([at, fails]) => {
      const inside = and(le(int(0), at), lt(at, int(sourceLength)));
      const other = fails && options.fails ? failure('index', dtype) : zero(dtype, 1);
      return select(inside, load(source, [at]), other);
    });
    parts.push(computed);
  }
  return fc.oneof(...parts);
}

function guardedDivision(
  dtype: DType,
  lanes: number,
  part: (dtype?: DType, lanes?: number) => fc.Arbitrary<Expr>,
  options: Options,
): fc.Arbitrary<Expr> {
  // One divisor for all lanes, so that one test excludes zero.
  return fc.tuple(part(), part(dtype, 1), fc.boolean(), fc.boolean()).map(([a, by, isDiv, fails]) => {
    const divided = (isDiv ? div : mod)(a, splat(by, lanes));
    const other = fails && options.fails ? failure('divide', dtype, lanes) : zero(dtype, lanes);
    return select(ne(by, zero(dtype, 1)), divided, other);
  });
}
