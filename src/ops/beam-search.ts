// BeamSearch (com.microsoft) over a decoder like GPT-2's: of each prompt the most likely continuations are followed side
// by side, and those that meet their end are kept in a list. When a list is full and nothing can better it, its search is over.

import { toBytes } from '../../ir/bytes.ts';
import type { Expr } from '../../ir/expr.ts';
import { constantOf, int } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { intAttribute } from './attributes.ts';
import {
  CandidateScores,
  Candidates,
  Ending,
  GoingOn,
  ListScores,
  ListSequences,
  Ranks,
  SearchOver,
  TurnScores,
} from './beam-parts.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type BuildContext, type Builder, op } from './define.ts';
import { operandOf, sizesOf } from './elements.ts';
import { GatherElements } from './gather.ts';
import { generate, generationAttributes, generationTypes, type Step, type Strategy } from './generation.ts';
import { Expand } from './repeat.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { Slice } from './slice.ts';
import { LogSoftmax } from './softmax.ts';
import { TopK } from './top-k.ts';
import { tensorOf, typeSet } from './types.ts';
import { Not } from './unary.ts';

const token = typeSet('Token', ['int32']);
const penaltyType = typeSet('T', ['float32', 'float16']);

interface Beams {
  readonly beams: number;
  readonly eos: number;
  readonly pad: number;
  readonly early: number;
  readonly penalty: Value | undefined;
  readonly prompt: Expr;
  readonly longest: Expr;
  readonly vocabulary: Expr;
  /** Whether the scores of all turns are asked for. */
  readonly traced: boolean;
}

interface Lists {
  readonly scores: Value;
  readonly sequences: Value;
}

interface Added {
  /** [B, C]: sums of logarithms, rows of sequences, and which of them are added. */
  readonly sums: Value;
  readonly rows: Value;
  readonly added: Value;
  readonly sequences: Value;
  readonly length: Value;
}

/** The best of the lists and of what is added to them; of equals the earlier. */
function listed(g: Builder, { beams, pad, penalty }: Beams, lists: Lists, more: Added): Lists {
  const { sums, rows, added, sequences, length } = more;
  const all = g.apply(ListScores, [lists.scores, sums, added, length, penalty]);
  const [scores, order] = g.applyAll(TopK, [all, g.ints([beams])], { axis: 1 });
  const kept = g.apply(ListSequences, [lists.sequences, order!, sequences, rows, length], { pad });
  return { scores: scores!, sequences: kept };
}

function start(g: Builder, search: Beams, batch: Expr, turns: Expr): readonly Value[] {
  const { beams, pad, longest, vocabulary, traced } = search;
  const fill = (value: number, dtype: 'float32' | 'int32' | 'bool', shape: readonly Expr[]): Value =>
    g.apply(Expand, [g.scalar(value, dtype), g.sizes(shape)]);
  // All beams of a prompt begin alike: only the first counts.
  const first = Array.from({ length: beams }, (_, k) => (k === 0 ? 0 : -1e9));
  const sums = g.constant(tensorOf('float32', [int(1), int(beams)]), toBytes('float32', first));
  return [
    fill(0, 'bool', [batch]),
    g.apply(Expand, [sums, g.sizes([batch, int(beams)])]),
    fill(Number.NEGATIVE_INFINITY, 'float32', [batch, int(beams)]),
    fill(pad, 'int32', [batch, int(beams), longest]),
    ...(traced ? [fill(0, 'float32', [turns, batch, int(beams), vocabulary])] : []),
  ];
}

function next(g: Builder, search: Beams, scores: Value, state: Parameters<Strategy['next']>[2]): Step {
  const { beams, eos, early, penalty, prompt } = search;
  const { sequences, length, kept } = state;
  const [met, before, listScores, listSequences, turns] = kept as [Value, Value, Value, Value, Value?];
  const all = g.apply(CandidateScores, [scores, before]);
  const [sums, places] = g.applyAll(TopK, [all, g.ints([2 * beams])], { axis: 1 }) as [Value, Value];
  const vocabulary = g.sizes([tensorTypeOf(scores).shape[1]!]);
  const two = { outputs: [true, true] };
  const [rows, words] = g.applyAll(Candidates, [places, vocabulary], { beams }, two) as [Value, Value];
  const added = g.apply(Ending, [words, met], { beams, eos });
  const old = { scores: listScores, sequences: listSequences };
  const lists = listed(g, search, old, { sums, rows, added, sequences, length });
  const over = g.apply(SearchOver, [met, lists.scores, sums, length, penalty], { early });
  const chosen = g.apply(GoingOn, [g.apply(Ranks, [words], { eos })], { beams });
  const pick = (from: Value): Value => g.apply(GatherElements, [from, chosen], { axis: 1 });
  const flat = (from: Value): Value => g.apply(Reshape, [pick(from), g.ints([-1])]);
  const traced = turns ? [g.apply(TurnScores, [turns, all, length, g.sizes([prompt])])] : [];
  return {
    tokens: flat(words),
    sources: flat(rows),
    kept: [over, pick(sums), lists.scores, lists.sequences, ...traced],
  };
}

function constantInput(value: Value, name: string, context: BuildContext): number {
  const size = sizesOf(operandOf(value))?.[0];
  const known = size && constantOf(size);
  if (known === undefined) return context.fail(`${name} must be known at compile time: make it a constant.`);
  if (known < 1) return context.fail(`${name} is ${known}; expected at least 1.`);
  return known;
}

/** The lists when the search has ended: beams that go on to the last are added to them. */
function finalLists(g: Builder, search: Beams, batch: Expr, sequences: Value, kept: readonly Value[]): Lists {
  const { beams, longest } = search;
  const [met, sums, scores, lists] = kept as [Value, Value, Value, Value];
  const shape = g.sizes([batch, int(beams)]);
  const added = g.apply(Expand, [g.apply(Unsqueeze, [g.apply(Not, [met]), g.ints([1])]), shape]);
  const beam = Array.from({ length: beams }, (_, k) => BigInt(k));
  const places = g.apply(Expand, [g.constant(tensorOf('int64', [int(1), int(beams)]), toBytes('int64', beam)), shape]);
  const [rows] = g.applyAll(Candidates, [places, g.ints([1])], { beams }, { outputs: [true, true] });
  const length = g.apply(Reshape, [g.sizes([longest]), g.ints([])]);
  return listed(g, search, { scores, sequences: lists }, { sums, rows: rows!, added, sequences, length });
}

export const BeamSearch = op('BeamSearch', {
  domain: 'com.microsoft',
  inputs: [
    'input_ids',
    'max_length',
    'min_length?',
    'num_beams',
    'num_return_sequences',
    'length_penalty?',
    'repetition_penalty?',
    'vocab_mask?',
    'prefix_vocab_mask?',
    'attention_mask?',
    'decoder_input_ids?',
    'logits_processor?',
  ],
  outputs: ['sequences', 'sequences_scores?', 'scores?'],
  attributes: { ...generationAttributes, early_stopping: intAttribute(0, [0, 1]) },
  types: {
    ...generationTypes,
    num_beams: token,
    num_return_sequences: token,
    length_penalty: penaltyType,
    decoder_input_ids: token,
    logits_processor: token,
  },
  build: (given, attributes, g, context) => {
    const { decoder_input_ids, logits_processor, num_beams, num_return_sequences, length_penalty: penalty } = given;
    if (decoder_input_ids || logits_processor) {
      context.fail(
        'decoder_input_ids and logits_processor belong to an encoder with a decoder, which is not supported.',
      );
    }
    const beams = constantInput(num_beams, 'num_beams', context);
    const returned = constantInput(num_return_sequences, 'num_return_sequences', context);
    if (returned > beams) context.fail(`num_return_sequences is ${returned}; expected at most num_beams, ${beams}.`);
    const { eos_token_id: eos, pad_token_id: pad, early_stopping: early, decoder } = attributes;
    const [batch, prompt] = tensorTypeOf(given.input_ids).shape as [Expr, Expr];
    const longest = int(constantInput(given.max_length, 'max_length', context));
    const logits = tensorTypeOf(decoder.outputs[0]!);
    const vocabulary = logits.shape[2] ?? int(0);
    const traced = context.outputs[2] === true;
    const search: Beams = { beams, eos, pad, early, penalty, prompt, longest, vocabulary, traced };
    const strategy: Strategy = {
      beams,
      start: (builder, { batch: prompts, turns }) => start(builder, search, prompts, turns),
      weigh: (builder, scores) => builder.apply(LogSoftmax, [castTo(builder, scores, 'float32')], { axis: 1 }),
      next: (builder, scores, state) => next(builder, search, scores, state),
    };
    const { sequences, kept } = generate({ given, attributes, strategy }, g, context);
    const lists = finalLists(g, search, batch, sequences, kept);
    const best = (list: Value): Value =>
      returned === beams ? list : g.apply(Slice, [list, g.ints([0]), g.ints([returned]), g.ints([1])]);
    const dtype = (penalty ?? given.repetition_penalty)?.type;
    const scoreType = dtype?.kind === 'tensor' ? dtype.dtype : logits.dtype;
    return [best(lists.sequences), castTo(g, best(lists.scores), scoreType), kept[4] && castTo(g, kept[4], scoreType)];
  },
});
