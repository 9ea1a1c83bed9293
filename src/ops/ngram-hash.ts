// What the hashes of n-grams are made of: tokens with those before them, mixed, for each length and head.
//   hash of n tokens = (token[t] * m[0]) xor (token[t - 1] * m[1]) xor … modulo the head's vocabulary

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  binary,
  bool,
  constant,
  constantOf,
  div,
  eq,
  failure,
  int,
  le,
  lt,
  mod,
  mul,
  or,
  select,
} from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, requiredInt } from './attributes.ts';
import type { Operand, TypeContext } from './define.ts';
import { agreeing, checked, pairsOf, within } from './run-time-operands.ts';
import { differ, scalarOf } from './types.ts';

export const hashAttributes = {
  max_ngram_size: requiredInt,
  n_head_per_ngram: requiredInt,
  pad_id: requiredInt,
  reset_on_eos: intAttribute(0),
};

export interface HashAttributes {
  readonly max_ngram_size: number;
  readonly n_head_per_ngram: number;
  readonly pad_id: number;
  readonly reset_on_eos: number;
}

interface HashTables {
  readonly multipliers: Operand;
  readonly vocab_sizes: Operand;
  readonly head_offsets: Operand | undefined;
  readonly eos_token_id: Operand | undefined;
}

/** What stands before a token. */
export interface History {
  readonly dtype: DType;
  /** The token so many places back. */
  token(back: number): Expr;
  /** Whether a segment ends right before the token so many places back; undefined where nothing says so. */
  begins(back: number): Expr | undefined;
}

export const headsOf = ({ max_ngram_size, n_head_per_ngram }: HashAttributes): number =>
  (max_ngram_size - 1) * n_head_per_ngram;

/** More would be an expression of a size that no model needs. */
const longestNGram = 64;

export function checkTables(tables: HashTables, attributes: HashAttributes, context: TypeContext): void {
  const { max_ngram_size, n_head_per_ngram } = attributes;
  if (max_ngram_size < 2 || max_ngram_size > longestNGram) {
    context.fail(`max_ngram_size is ${max_ngram_size}; expected 2 to ${longestNGram}.`);
  }
  if (n_head_per_ngram < 1) context.fail(`n_head_per_ngram is ${n_head_per_ngram}; expected at least 1.`);
  const heads = headsOf(attributes);
  for (const [name, operand] of [
    ['vocab_sizes', tables.vocab_sizes],
    ['head_offsets', tables.head_offsets],
  ] as const) {
    if (operand && (operand.rank !== 1 || differ(operand.shape[0]!, int(heads)))) {
      context.fail(`${name} must have ${heads} entries, one for each head.`);
    }
  }
  const count = constantOf(tables.multipliers.shape[0] ?? int(0)) ?? max_ngram_size;
  if (tables.multipliers.rank !== 1 || count < max_ngram_size) {
    context.fail(`multipliers must have at least ${max_ngram_size} entries.`);
  }
}

/** What stands for tokens that there are not. */
export const missingToken = ({ eos_token_id }: HashTables, { pad_id }: HashAttributes, dtype: DType): Expr =>
  eos_token_id ? scalarOf(eos_token_id) : constant(dtype === 'int64' ? BigInt(pad_id) : pad_id, dtype);

export function hashOf(history: History, head: Expr, tables: HashTables, attributes: HashAttributes): Expr {
  const { max_ngram_size, n_head_per_ngram, reset_on_eos } = attributes;
  const missing = missingToken(tables, attributes, history.dtype);
  const eos = reset_on_eos ? tables.eos_token_id : undefined;
  const count = tables.multipliers.shape[0]!;
  const factor = (back: number): Expr => checked(within(int(back), count), tables.multipliers.at(int(back)));
  const product = (token: Expr, back: number): Expr => mul(token, factor(back));
  let mixed = product(history.token(0), 0);
  let isCut: Expr = bool(false);
  const mixes: Expr[] = [];
  for (let back = 1; back < max_ngram_size; back++) {
    const token = history.token(back);
    const begins = history.begins(back - 1);
    if (begins) isCut = or(isCut, begins);
    if (eos) isCut = or(isCut, eq(token, scalarOf(eos)));
    mixed = binary('xor', mixed, product(select(isCut, missing, token), back));
    mixes.push(mixed);
  }
  const order = div(head, int(n_head_per_ngram));
  const mix = mixes.reduceRight((rest, value, i) => select(simplify(eq(order, int(i))), value, rest));
  const zero = constant(history.dtype === 'int64' ? 0n : 0, history.dtype);
  const heads = [int(headsOf(attributes))];
  const size = ofShape(tables.vocab_sizes, heads).at(head);
  const rest = mod(mix, size);
  const positive = select(lt(rest, zero), add(rest, size), rest);
  const found = select(lt(zero, size), positive, failure('divide', history.dtype));
  return tables.head_offsets ? add(found, ofShape(tables.head_offsets, heads).at(head)) : found;
}

/** An operand that is read only where its shape is this one. */
export const ofShape = (operand: Operand, shape: readonly Expr[]): Operand => ({
  ...operand,
  at: (...index) => agreeing(pairsOf(operand.shape, shape), operand.at(...index)),
});

/** `current` where the place is in the list, else what was handed on, else what stands for nothing. */
export function tokenAt(
  place: Expr,
  slots: number,
  current: (place: Expr) => Expr,
  past: ((slot: Expr) => Expr) | undefined,
  missing: Expr,
): Expr {
  const slot = simplify(add(place, int(slots)));
  const before = past ? select(simplify(le(int(0), slot)), past(slot), missing) : missing;
  return select(simplify(le(int(0), place)), current(place), before);
}

export function checkShape(
  name: string,
  operand: Operand | undefined,
  shape: readonly Expr[],
  context: TypeContext,
): void {
  if (!operand) return;
  if (operand.rank !== shape.length || operand.shape.some((extent, axis) => differ(extent, shape[axis]!))) {
    const expected = shape.map((extent) => constantOf(extent) ?? '?').join(', ');
    context.fail(`${name} must have the shape [${expected}].`);
  }
}
