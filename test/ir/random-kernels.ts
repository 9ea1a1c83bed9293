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
  constantOf,
  div,
  eq,
  failure,
  indexVar,
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
  variable,
} from '../../ir/expr-make.ts';
import { rewriteExpr } from '../../ir/expr-walk.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { printStmt } from '../../ir/kernel-print.ts';
import { allocate, block, ifThen, letIn, loop, rewriteStmtExprs, store } from '../../ir/kernel-walk.ts';

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

/** Replaces loads of one element of one source. */
const replaceLoads = (stmt: Stmt, dtype: DType, at: number, by: Expr): Stmt =>
  rewriteStmtExprs(stmt, (expr) =>
    expr.kind === 'load' &&
    expr.buffer === sources.get(dtype) &&
    expr.lanes === 1 &&
    constantOf(expr.indices[0]!) === at
      ? by
      : undefined,
  );

const statementTypes = ['float32', 'int32', 'int64', 'bool', 'uint8'] as const satisfies readonly DType[];

/**
 * Statements that read and write `sources`, with lets, branches, loops and registers. They draw their expressions from
 * a small pool, so that much is shared, as objects and as equal copies.
 */
export function statement(options: Options): fc.Arbitrary<Stmt> {
  const pool = (dtype: DType, lanes: number): fc.Arbitrary<readonly Expr[]> =>
    fc.array(expression(dtype, lanes, 3, options), { minLength: 2, maxLength: 3 });
  const pools = fc.record({
    scalars: fc.tuple(...statementTypes.map((dtype) => pool(dtype, 1))),
    vectors: fc.tuple(...statementTypes.map((dtype) => pool(dtype, 4))),
  });
  return pools.chain(({ scalars, vectors }) => {
    const pick = (dtype: (typeof statementTypes)[number], lanes: number): fc.Arbitrary<Expr> => {
      const choice = (lanes === 1 ? scalars : vectors)[statementTypes.indexOf(dtype)]!;
      const one = fc.constantFrom(...choice);
      const joined = fc.tuple(fc.constantFrom(...binaryOps(dtype)), one, one).map(([op, a, b]) => binary(op, a, b));
      return fc.oneof(one, joined, one.map(copy));
    };
    const type = fc.constantFrom(...statementTypes);
    const storeOne = fc
      .tuple(type, fc.nat(sourceLength - 4), fc.boolean())
      .chain(([dtype, at, isVector]) =>
        pick(dtype, isVector ? 4 : 1).map((value) =>
          store(sources.get(dtype)!, [isVector ? ramp(int(at), 1, 4) : int(at)], value),
        ),
      );
    const within = (depth: number): fc.Arbitrary<Stmt> => {
      if (depth === 0) return storeOne;
      const inner = within(depth - 1);
      const lets = fc
        .tuple(type, inner, fc.boolean())
        .chain(([dtype, body, isSame]) =>
          pick(dtype, 1).map((value) => makeLet(dtype, isSame ? load(sources.get(dtype)!, [int(1)]) : value, body)),
        );
      const ifs = fc
        .tuple(pick('bool', 1), inner, fc.option(inner, { nil: undefined }))
        .map(([test, then, otherwise]) => ifThen(test, then, otherwise));
      const looped = inner.map((body) => {
        const index = indexVar('i', 3);
        return loop(index, replaceLoads(body, 'uint8', 0, cast(index, 'uint8')));
      });
      const allocated = fc.tuple(type, inner, inner).chain(([dtype, first, second]) =>
        pick(dtype, 1).map((value) => {
          const buffer: Buffer = { name: 'r', dtype, shape: [], memory: 'register' };
          const body = (stmt: Stmt): Stmt => replaceLoads(stmt, dtype, 2, load(buffer, []));
          return allocate(
            buffer,
            block([store(buffer, [], value), body(first), store(buffer, [], value), body(second)]),
          );
        }),
      );
      const blocks = fc.array(inner, { minLength: 2, maxLength: 5 }).map(block);
      return fc.oneof(storeOne, lets, ifs, looped, allocated, blocks, blocks, blocks);
    };
    return within(3).map(readable);
  });
}

/** Counterexamples are shown as printed kernels. */
function readable(stmt: Stmt): Stmt {
  return Object.defineProperty(stmt, fc.toStringMethod, { value: () => `\n${printStmt(stmt)}\n`, enumerable: false });
}

const lettersOf = new Map<DType, ReturnType<typeof variable>>(
  statementTypes.map((dtype) => [dtype, variable(`v_${dtype}`, dtype)]),
);

/** Siblings share one variable object, as copies of an unrolled body do; nested lets do not. */
function makeLet(dtype: DType, value: Expr, body: Stmt): Stmt {
  const common = lettersOf.get(dtype)!;
  const isBound = (stmt: Stmt): boolean =>
    (stmt.kind === 'let' && stmt.variable === common) ||
    ('body' in stmt && (Array.isArray(stmt.body) ? stmt.body : [stmt.body]).some(isBound)) ||
    (stmt.kind === 'if' && [stmt.then, stmt.otherwise].some((inner) => inner && isBound(inner)));
  const name = isBound(body) ? variable(`w_${dtype}`, dtype) : common;
  return letIn(name, value, replaceLoads(body, dtype, 1, name));
}

/** An equal expression made of new objects. */
function copy(expr: Expr): Expr {
  return rewriteExpr(expr, (node) => ({ ...node }));
}
