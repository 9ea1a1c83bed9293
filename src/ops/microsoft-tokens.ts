// Operators of ONNX Runtime's own domain on lists of tokens: NGramRepeatBlock, BifurcationDetector.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  bool,
  cast,
  constant,
  constantOf,
  eq,
  indexVar,
  int,
  le,
  load,
  lt,
  max,
  min,
  ne,
  select,
  sub,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, check, ifThen, letIn, loop, store, whileLoop } from '../../ir/kernel-walk.ts';
import { requiredInt } from './attributes.ts';
import { op } from './define.ts';
import { checkAgreeing, within } from './run-time-operands.ts';
import { differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const register = (name: string, dtype: 'index' | 'bool'): Buffer => ({ name, dtype, shape: [], memory: 'register' });
const read = (place: Buffer): Expr => load(place, []);
const set = (place: Buffer, value: Expr): Stmt => store(place, [], value);
const increment = (place: Buffer): Stmt => set(place, add(read(place), int(1)));

/** The scores, but minus infinity for each token that would end an n-gram that the list already has. */
export const NGramRepeatBlock = op('NGramRepeatBlock', {
  domain,
  inputs: ['input_ids', 'scores'],
  outputs: ['scores_out'],
  attributes: { ngram_size: requiredInt },
  types: { input_ids: typeSet('Tid', ['int64']), scores: typeSet('T', ['float32']) },
  type: ({ input_ids, scores }, { ngram_size }, context) => {
    if (ngram_size < 1) context.fail(`ngram_size is ${ngram_size}; expected at least 1.`);
    if (input_ids.rank !== 2 || scores.rank !== 2) {
      context.fail(`input_ids and scores must have rank 2, got ${input_ids.rank} and ${scores.rank}.`);
    }
    if (differ(input_ids.shape[0]!, scores.shape[0]!)) context.fail('input_ids and scores must have as many rows.');
    return tensorOf(scores.dtype, scores.shape);
  },
  kernel: ({ input_ids, scores }, [output], { ngram_size }) => {
    const [batch, words] = scores.shape as readonly [Expr, Expr];
    const length = input_ids.shape[1]!;
    const [b, v] = [indexVar('b', batch), indexVar('v', words)];
    const starts = max(sub(length, int(ngram_size - 1)), int(0));
    const [start, offset] = [indexVar('start', starts), indexVar('offset', ngram_size - 1)];
    const repeats = register('repeats', 'bool');
    const token = (at: Expr): Expr => load(input_ids, [b, at]);
    const tail = token(add(sub(length, int(ngram_size - 1)), offset));
    const last = cast(token(add(start, int(ngram_size - 1))), 'index');
    const infinity = constant(Number.NEGATIVE_INFINITY, 'float32');
    const ban = block([check(within(last, words), 'index'), store(output!, [b, last], infinity)]);
    const turn = block([
      set(repeats, bool(true)),
      loop(offset, ifThen(ne(token(add(start, offset)), tail), set(repeats, bool(false)))),
      ifThen(read(repeats), ban),
    ]);
    return block([
      checkAgreeing([[input_ids.shape[0]!, batch]]),
      loop(b, block([loop(v, store(output!, [b, v], load(scores, [b, v]))), allocate(repeats, loop(start, turn))])),
    ]);
  },
});

/** The tokens so far, then the predicted ones up to the first that is not in the source. */
function mergeTokens(src: Buffer, cur: Buffer, pred: Buffer, match: Buffer, count: Buffer): Stmt {
  const from = cast(
    load(
      match,
      match.shape.map(() => int(0)),
    ),
    'index',
  );
  const left = sub(src.shape[0]!, from);
  const same = eq(load(pred, [read(count)]), load(src, [add(from, read(count))]));
  return block([
    check(le(int(0), from), 'index'),
    check(eq(pred.shape[0]!, add(left, int(1))), 'shape'),
    set(count, int(0)),
    whileLoop(select(lt(read(count), left), same, bool(false)), increment(count)),
    set(count, add(add(read(count), int(1)), cur.shape[0]!)),
  ]);
}

/**
 * suffix = the place in the source behind the last n-gram of the tokens, where the source has it once; -1 where it does
 * not. Longer n-grams are tried as long as the source has them.
 */
function matchSuffix(
  src: Buffer,
  tokens: Buffer,
  length: Expr,
  sizes: readonly [number, number],
  suffix: Buffer,
): Stmt {
  const [n, found, first] = [register('n', 'index'), register('found', 'index'), register('first', 'index')];
  const [going, same] = [register('going', 'bool'), register('same', 'bool')];
  const end = src.shape[0]!;
  const place = indexVar('place', max(sub(add(end, int(1)), read(n)), int(0)));
  const offset = indexVar('offset', read(n));
  const tail = load(tokens, [add(sub(length, read(n)), offset)]);
  const meet = block([ifThen(eq(read(found), int(0)), set(first, place)), increment(found)]);
  const compare = block([
    set(same, bool(true)),
    loop(offset, ifThen(ne(load(src, [add(place, offset)]), tail), set(same, bool(false)))),
    ifThen(read(same), meet),
  ]);
  const once = ifThen(lt(int(1), read(found)), set(suffix, int(-1)));
  const decide = block([
    set(suffix, add(read(first), read(n))),
    ifThen(le(end, read(suffix)), set(going, bool(false)), once),
  ]);
  const turn = block([
    set(found, int(0)),
    loop(place, compare),
    ifThen(eq(read(found), int(0)), set(going, bool(false)), decide),
    increment(n),
  ]);
  const longest = min(int(sizes[1]), length);
  const body = block([
    set(suffix, int(-1)),
    set(n, int(sizes[0])),
    set(going, bool(true)),
    whileLoop(select(read(going), le(read(n), longest), bool(false)), turn),
  ]);
  return [n, found, first, going, same].reduceRight<Stmt>((inner, own) => allocate(own, inner), body);
}

const tokenType = typeSet('T', ['int64']);

/** Accepts predicted tokens as far as they agree with a source, and finds where the source goes on. */
export const BifurcationDetector = op('BifurcationDetector', {
  domain,
  inputs: ['src_tokens', 'cur_tokens', 'prev_suffix_match_idx', 'pred_tokens?'],
  outputs: ['tokens', 'suffix_match_idx'],
  attributes: { max_ngram_size: requiredInt, min_ngram_size: requiredInt },
  types: {
    src_tokens: tokenType,
    cur_tokens: tokenType,
    prev_suffix_match_idx: tokenType,
    pred_tokens: tokenType,
  },
  type: (inputs, { max_ngram_size, min_ngram_size }, context) => {
    const { src_tokens, cur_tokens, prev_suffix_match_idx, pred_tokens } = inputs;
    for (const [name, operand] of Object.entries({ src_tokens, cur_tokens, pred_tokens })) {
      if (operand && operand.rank !== 1) context.fail(`${name} has rank ${operand.rank}; expected 1.`);
    }
    if (min_ngram_size < 1 || max_ngram_size < min_ngram_size) {
      context.fail(`n-gram sizes are ${min_ngram_size} to ${max_ngram_size}; expected 1 or more, in order.`);
    }
    const match = prev_suffix_match_idx.shape;
    if (match.some((extent) => (constantOf(extent) ?? 1) !== 1)) {
      context.fail('prev_suffix_match_idx must have one element.');
    }
    const most = pred_tokens && add(cur_tokens.shape[0]!, pred_tokens.shape[0]!);
    const length = most ? context.fresh('tokens', most) : cur_tokens.shape[0]!;
    return [tensorOf('int64', [length]), tensorOf('int64', match)];
  },
  kernel: (inputs, [tokens, suffix], { max_ngram_size, min_ngram_size }, { sizes }) => {
    const { src_tokens: src, cur_tokens: cur, prev_suffix_match_idx: match, pred_tokens: pred } = inputs;
    const [count, found] = [register('count', 'index'), register('suffix', 'index')];
    const length = tokens!.shape[0]!;
    // The tail of nothing is nowhere, and nothing would write the tokens that a search reads.
    if (constantOf(length) === 0)
      return store(
        suffix!,
        match.shape.map(() => int(0)),
        constant(-1n, 'int64'),
      );
    const own = indexVar('i', cur.shape[0]!);
    const more = indexVar('j', max(sub(length, cur.shape[0]!), int(0)));
    const copy = loop(own, store(tokens!, [own], load(cur, [own])));
    const append = pred && loop(more, store(tokens!, [add(cur.shape[0]!, more)], load(pred, [more])));
    const result = store(
      suffix!,
      match.shape.map(() => int(0)),
      cast(read(found), 'int64'),
    );
    const rest = block([
      copy,
      ...(append ? [append] : []),
      allocate(found, block([matchSuffix(src, tokens!, length, [min_ngram_size, max_ngram_size], found), result])),
    ]);
    if (!pred) return rest;
    const measured = [mergeTokens(src, cur, pred, match, count), store(sizes!, [int(0)], cast(read(count), 'int64'))];
    const known = length.kind === 'var' ? letIn(length, read(count), rest) : rest;
    return allocate(count, block([...measured, known]));
  },
});
