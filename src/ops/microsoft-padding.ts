// Batches of sequences without their padding: the rows of all sequences, one after the other. A tensor of offsets says
// where each of these rows stood among all rows of the padded batch; the offsets of padding come last.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  cast,
  constant,
  constantOf,
  div,
  indexVar,
  int,
  load,
  lt,
  max,
  mod,
  mul,
  not,
} from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, check, ifThen, letIn, loop, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type Builder, op } from './define.ts';
import { numbersOf } from './elements.ts';
import { Gather } from './gather.ts';
import { Expand } from './repeat.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { checkAgreeing, within } from './run-time-operands.ts';
import { ScatterND } from './scatter.ts';
import { Slice } from './slice.ts';
import { anyFloat, differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const counts = typeSet('M', ['int32']);

/** Does something for each row of the sequences, then for each row of padding, or only for the former. */
function forRows(count: Buffer, length: Expr, padding: boolean, body: (batch: Expr, row: Expr) => Stmt): Stmt {
  const [b, s] = [indexVar('b', count.shape[0]!), indexVar('s', length)];
  const inside = lt(s, cast(load(count, [b]), 'index'));
  return loop(b, loop(s, ifThen(padding ? not(inside) : inside, body(b, s))));
}

/** Takes the padding out of [batch, length, size]; padding stands behind each sequence. */
export const RemovePadding = op('RemovePadding', {
  domain,
  inputs: ['input', 'sequence_token_count'],
  outputs: ['output', 'token_offset', 'cumulated_seq_len', 'max_seq_len'],
  types: { input: anyFloat, sequence_token_count: counts },
  type: ({ input, sequence_token_count: count }, _, context) => {
    if (input.rank !== 3) context.fail(`input has rank ${input.rank}; expected 3 (batch, length, size).`);
    const [batch, length, size] = input.shape as readonly [Expr, Expr, Expr];
    if (count.rank !== 1 || differ(count.shape[0]!, batch))
      context.fail('sequence_token_count must have one element for each sequence.');
    const known = numbersOf(count);
    const total = known ? int(known.reduce((a, b) => a + b, 0)) : context.fresh('tokens', mul(batch, length));
    return [
      tensorOf(input.dtype, [total, size]),
      tensorOf('int32', [batch, length]),
      tensorOf('int32', [simplify(add(batch, int(1)))]),
      tensorOf('int32', [int(1)]),
    ];
  },
  kernel: ({ input, sequence_token_count: count }, outputs, _, { sizes }) => {
    const [output, offsets, cumulated, longest] = outputs as readonly [Buffer, Buffer, Buffer, Buffer];
    const [, length, size] = input.shape as readonly [Expr, Expr, Expr];
    const counter: Buffer = { name: 'place', dtype: 'index', shape: [], memory: 'register' };
    const place = load(counter, []);
    const advance = store(counter, [], add(place, int(1)));
    const reset = store(counter, [], int(0));
    const note = (b: Expr, s: Expr): Stmt =>
      store(offsets, [div(place, length), mod(place, length)], cast(add(mul(b, length), s), 'int32'));
    const h = indexVar('h', size);
    const move = (b: Expr, s: Expr): Stmt =>
      block([note(b, s), loop(h, store(output, [place, h], load(input, [b, s, h]))), advance]);
    const write = block([
      reset,
      forRows(count, length, false, move),
      forRows(count, length, true, (b, s) => block([note(b, s), advance])),
      sumUp(count, cumulated, longest),
    ]);
    const legal = block([checkAgreeing([[count.shape[0]!, input.shape[0]!]]), checkCounts(count, length)]);
    const extent = output.shape[0]!;
    if (!sizes || extent.kind !== 'var') return allocate(counter, block([legal, write]));
    const counted = block([reset, forRows(count, length, false, () => advance)]);
    const found = store(sizes, [int(0)], cast(place, 'int64'));
    return allocate(counter, block([legal, counted, found, letIn(extent, place, write)]));
  },
});

/** No sequence is longer than there is room. */
function checkCounts(count: Buffer, length: Expr): Stmt {
  const b = indexVar('b', count.shape[0]!);
  return loop(b, check(within(cast(load(count, [b]), 'index'), add(length, int(1))), 'index'));
}

/** How many rows stand before each sequence, and the length of the longest one. */
function sumUp(count: Buffer, cumulated: Buffer, longest: Buffer): Stmt {
  const b = indexVar('b', count.shape[0]!);
  const own = load(count, [b]);
  const [first, most] = [constant(0, 'int32'), load(longest, [int(0)])];
  return block([
    store(cumulated, [int(0)], first),
    store(longest, [int(0)], first),
    loop(
      b,
      block([
        store(cumulated, [add(b, int(1))], add(load(cumulated, [b]), own)),
        store(longest, [int(0)], max(most, own)),
      ]),
    ),
  ]);
}

/** The offsets of the rows that a packed tensor has, as [rows]. */
const offsetsOf = (g: Builder, packed: Value, offsets: Value): Value => {
  const rows = tensorTypeOf(packed).shape[0]!;
  const flat = g.apply(Reshape, [castTo(g, offsets, 'int64'), g.ints([-1])]);
  return g.apply(Slice, [flat, g.ints([0]), g.sizes([rows])]);
};

/** Puts the rows of [tokens, …] where they stood in a padded batch [batch, length, …], with zeros between. */
export function restorePadding(g: Builder, packed: Value, offsets: Value): Value {
  const { shape, dtype } = tensorTypeOf(packed);
  const [batch, length] = tensorTypeOf(offsets).shape as readonly [Expr, Expr];
  const zeros = g.apply(Expand, [g.scalar(0, dtype), g.sizes([simplify(mul(batch, length)), ...shape.slice(1)])]);
  const places = g.apply(Unsqueeze, [offsetsOf(g, packed, offsets), g.ints([1])]);
  const rows = g.apply(ScatterND, [zeros, places, packed]);
  return g.apply(Reshape, [rows, g.sizes([batch, length, ...shape.slice(1)])], { allowzero: 1 });
}

/** The rows of a padded batch [batch, length, …] in the order of a packed tensor. */
export function removePadding(g: Builder, padded: Value, packed: Value, offsets: Value): Value {
  const [batch, length, ...rest] = tensorTypeOf(padded).shape as readonly [Expr, Expr, ...Expr[]];
  const rows = g.apply(Reshape, [padded, g.sizes([simplify(mul(batch, length)), ...rest])], { allowzero: 1 });
  return g.apply(Gather, [rows, offsetsOf(g, packed, offsets)]);
}

/** The inverse of RemovePadding; padding becomes zeros. */
export const RestorePadding = op('RestorePadding', {
  domain,
  inputs: ['input', 'token_offset'],
  outputs: ['output'],
  types: { input: anyFloat, token_offset: counts },
  type: ({ input, token_offset }, _, context) => {
    if (input.rank !== 2) context.fail(`input has rank ${input.rank}; expected 2 (tokens, size).`);
    if (token_offset.rank !== 2) context.fail(`token_offset has rank ${token_offset.rank}; expected 2.`);
    const [tokens, all] = [input.shape[0]!, simplify(mul(token_offset.shape[0]!, token_offset.shape[1]!))];
    if ((constantOf(tokens) ?? 0) > (constantOf(all) ?? Number.POSITIVE_INFINITY))
      context.fail(`input has ${constantOf(tokens)} rows; token_offset has only ${constantOf(all)} elements.`);
    return tensorOf(input.dtype, [...token_offset.shape, input.shape[1]!]);
  },
  expand: ({ input, token_offset }, _, g) => restorePadding(g, input, token_offset),
});
