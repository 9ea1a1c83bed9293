// NGramHashMapping and VarlenNGramHashMapping (com.microsoft): hashes of each token with those before it. Tokens before
// the first one come from what an earlier call handed on.

import type { Expr } from '../../ir/expr.ts';
import { add, bool, constant, indexVar, int, le, lt, ne, reduce, select, sub } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Operand, op } from './define.ts';
import {
  checkShape,
  checkTables,
  type History,
  hashAttributes,
  hashOf,
  headsOf,
  missingToken,
  ofShape,
  tokenAt,
} from './ngram-hash.ts';
import { checked, sizeAt, within } from './run-time-operands.ts';
import { tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const ids = typeSet('M', ['int32', 'int64']);
const segments = typeSet('S', ['int32']);

/** Hashes of rows of tokens. Segments only count inside of the rows. */
export const NGramHashMapping = op('NGramHashMapping', {
  domain,
  inputs: ['input_ids', 'multipliers', 'vocab_sizes', 'past_ids?', 'head_offsets?', 'eos_token_id?', 'segment_ids?'],
  outputs: ['hash_ids', 'present_ids?'],
  attributes: hashAttributes,
  types: {
    input_ids: ids,
    multipliers: ids,
    vocab_sizes: ids,
    past_ids: ids,
    head_offsets: ids,
    eos_token_id: ids,
    segment_ids: segments,
  },
  type: ({ input_ids, past_ids, segment_ids, ...tables }, attributes, context) => {
    if (input_ids.rank !== 2) context.fail(`input_ids has rank ${input_ids.rank}; expected 2.`);
    checkTables(tables, attributes, context);
    const [batch, length] = input_ids.shape as [Expr, Expr];
    const state = [batch, int(attributes.max_ngram_size - 1)];
    checkShape('past_ids', past_ids, state, context);
    checkShape('segment_ids', segment_ids, [batch, length], context);
    return [tensorOf(input_ids.dtype, [batch, length, int(headsOf(attributes))]), tensorOf(input_ids.dtype, state)];
  },
  compute: ({ input_ids, past_ids, segment_ids, ...tables }, attributes, index, { output }) => {
    const { dtype } = input_ids;
    const slots = attributes.max_ngram_size - 1;
    const missing = missingToken(tables, attributes, dtype);
    const [b, t, head] = index as [Expr, Expr, Expr];
    const past = past_ids && ofShape(past_ids, [input_ids.shape[0]!, int(slots)]);
    const segment = segment_ids && ofShape(segment_ids, input_ids.shape);
    const at = (place: Expr): Expr =>
      tokenAt(place, slots, (own) => input_ids.at(b, own), past && ((slot) => past.at(b, slot)), missing);
    if (output === 1) return at(simplify(add(sub(input_ids.shape[1]!, int(slots)), t)));
    const history: History = {
      dtype,
      token: (back) => at(simplify(sub(t, int(back)))),
      begins: (back) => {
        if (!segment) return undefined;
        const place = simplify(sub(t, int(back)));
        const differs = ne(segment.at(b, place), segment.at(b, simplify(sub(place, int(1)))));
        return select(simplify(lt(int(0), place)), differs, bool(false));
      },
    };
    return hashOf(history, head, tables, attributes);
  },
});

/** The list that a token of a packed one belongs to, and where the list starts. */
function requestOf(cumulative: Operand, t: Expr) {
  const count = sub(cumulative.shape[0]!, int(1));
  const i = indexVar('request', count);
  const ended = le(sizeAt(cumulative, add(i, int(1))), t);
  const request = reduce('sum', [i], select(ended, int(1), int(0)));
  return { request, start: sizeAt(cumulative, request), isKnown: lt(request, count) };
}

/** Hashes of lists of tokens, one behind the other in one list. */
export const VarlenNGramHashMapping = op('VarlenNGramHashMapping', {
  domain,
  inputs: [
    'input_ids',
    'multipliers',
    'vocab_sizes',
    'cumulative_sequence_length',
    'past_ids?',
    'head_offsets?',
    'eos_token_id?',
    'segment_ids?',
    'past_segment_ids?',
  ],
  outputs: ['hash_ids', 'present_ids?', 'present_segment_ids?'],
  attributes: hashAttributes,
  types: {
    input_ids: ids,
    multipliers: ids,
    vocab_sizes: ids,
    cumulative_sequence_length: segments,
    past_ids: ids,
    head_offsets: ids,
    eos_token_id: ids,
    segment_ids: segments,
    past_segment_ids: segments,
  },
  type: (inputs, attributes, context) => {
    const { input_ids, cumulative_sequence_length, past_ids, segment_ids, past_segment_ids, ...tables } = inputs;
    if (input_ids.rank !== 1) context.fail(`input_ids has rank ${input_ids.rank}; expected 1.`);
    if (cumulative_sequence_length.rank !== 1) context.fail('cumulative_sequence_length must have rank 1.');
    checkTables(tables, attributes, context);
    const batch = sub(cumulative_sequence_length.shape[0]!, int(1));
    const state = [batch, int(attributes.max_ngram_size - 1)];
    checkShape('past_ids', past_ids, state, context);
    checkShape('past_segment_ids', past_segment_ids, state, context);
    checkShape('segment_ids', segment_ids, input_ids.shape, context);
    return [
      tensorOf(input_ids.dtype, [input_ids.shape[0]!, int(headsOf(attributes))]),
      tensorOf(input_ids.dtype, state),
      tensorOf('int32', state),
    ];
  },
  compute: (inputs, attributes, index, { output }) => {
    const { input_ids, cumulative_sequence_length, past_ids, segment_ids, past_segment_ids, ...tables } = inputs;
    const { dtype } = input_ids;
    const slots = attributes.max_ngram_size - 1;
    const missing = missingToken(tables, attributes, dtype);
    const state = [sub(cumulative_sequence_length.shape[0]!, int(1)), int(slots)];
    const past = past_ids && ofShape(past_ids, state);
    const pastSegments = past_segment_ids && ofShape(past_segment_ids, state);
    const own = segment_ids && ofShape(segment_ids, input_ids.shape);
    const isToken = (at: Expr): Expr => within(at, input_ids.shape[0]!);
    const tokenOf = (at: Expr): Expr => checked(isToken(at), input_ids.at(at));
    const segmentOf = (at: Expr): Expr => (own ? checked(isToken(at), own.at(at)) : constant(0, 'int32'));
    const place = (request: Expr, start: Expr, at: Expr): Expr =>
      tokenAt(at, slots, (own) => tokenOf(add(start, own)), past && ((slot) => past.at(request, slot)), missing);
    const segment = (request: Expr, start: Expr, at: Expr): Expr =>
      tokenAt(
        at,
        slots,
        (own) => segmentOf(add(start, own)),
        pastSegments && ((slot) => pastSegments.at(request, slot)),
        constant(0, 'int32'),
      );
    if (output > 0) {
      const [request, slot] = index as [Expr, Expr];
      const start = sizeAt(cumulative_sequence_length, request);
      const length = sub(sizeAt(cumulative_sequence_length, add(request, int(1))), start);
      const at = add(sub(length, int(slots)), slot);
      return output === 1 ? place(request, start, at) : segment(request, start, at);
    }
    const [t, head] = index as [Expr, Expr];
    const { request, start, isKnown } = requestOf(cumulative_sequence_length, t);
    const local = sub(t, start);
    const history: History = {
      dtype,
      token: (back) => place(request, start, simplify(sub(local, int(back)))),
      begins: (back) => {
        if (!segment_ids) return undefined;
        const at = simplify(sub(local, int(back)));
        const before = sub(at, int(1));
        // Without segments of the past, only those of this call count; before all of the past there are none.
        const first = past_segment_ids ? int(1 - slots) : int(1);
        const differs = ne(segment(request, start, at), segment(request, start, before));
        return select(le(first, at), differs, bool(false));
      },
    };
    return checked(isKnown, hashOf(history, head, tables, attributes));
  },
});
