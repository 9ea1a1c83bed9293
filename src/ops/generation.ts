// What GreedySearch, Sampling and BeamSearch (com.microsoft) share: a decoder, given as a subgraph, is asked for the next
// token again and again. Its first run reads the whole prompt; then a Loop, whose turns read one token and what the
// earlier ones left. A strategy says which token comes next, and of which sequence.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, int, sub } from '../../ir/expr-make.ts';
import type { Graph, TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Add } from './arithmetic.ts';
import { type AttributeValues, intAttribute, optionalGraph, requiredGraph, requiredInt } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { Loop, scalarType } from './control.ts';
import type { BuildContext, Builder, Inputs } from './define.ts';
import { operandOf, sizesOf } from './elements.ts';
import { Gather } from './gather.ts';
import {
  AppendTokens,
  MaskedPositions,
  NextScores,
  Prefixes,
  RepeatedRows,
  TokensAt,
  Widened,
} from './generation-parts.ts';
import { Equal } from './logic.ts';
import { capturesOf } from './loop-body.ts';
import { ReduceMin, ReduceSum } from './reductions.ts';
import { Expand } from './repeat.ts';
import { TakeSlice } from './scan.ts';
import { replaceInputs } from './subgraph.ts';
import { typeSet } from './types.ts';
import { Not } from './unary.ts';

const token = typeSet('Token', ['int32']);
const penaltyType = typeSet('T', ['float32', 'float16']);

/** What comes next: a token for each row, and which row of before goes on with it, where that is not itself. */
export interface Step {
  readonly tokens: Value;
  readonly sources?: Value;
  readonly kept: readonly Value[];
}

/** How the next tokens are chosen. What it keeps from turn to turn begins with whether each prompt has met its end. */
export interface Strategy {
  /** How many sequences are followed for each prompt. */
  readonly beams: number;
  start(g: Builder, sizes: { readonly batch: Expr; readonly turns: Expr }): readonly Value[];
  /** What the decoder says, as scores that the rules (penalties, masks) change. */
  weigh(g: Builder, logits: Value): Value;
  /** Behind `length` tokens. */
  next(
    g: Builder,
    scores: Value,
    state: { readonly sequences: Value; readonly kept: readonly Value[]; readonly length: Value },
  ): Step;
}

interface Search {
  readonly g: Builder;
  readonly decoder: Graph;
  readonly batch: Expr;
  /** How long the prompt is, and how long a sequence may become. */
  readonly prompt: Expr;
  readonly longest: Expr;
  readonly eos: number;
  readonly ngram: number;
  readonly penalty: Value | undefined;
  readonly minLength: Value | undefined;
  readonly vocabMask: Value | undefined;
  readonly strategy: Strategy;
}

interface States {
  readonly sequences: Value;
  readonly kept: readonly Value[];
  readonly pasts: readonly Value[];
}

/** The axes of a state: [2, batch, heads, length, head size]. */
const batchAxis = 1;
const decoderAxis = 3;
const sizeScalar = (g: Builder, size: Expr): Value => g.apply(TakeSlice, [g.sizes([size]), g.scalar(0, 'int64')]);
/** What is the same for all sequences of a prompt, once for each. */
const forBeams = ({ g, strategy: { beams } }: Search, rows: Value, axis = 0): Value =>
  beams === 1 ? rows : g.apply(RepeatedRows, [rows], { axis, times: beams });
const plus = (g: Builder, a: Value, b: number): Value => (b === 0 ? a : g.apply(Add, [a, g.scalar(b, 'int64')]));

/** The decoder's outputs for these inputs, in the types that it asks for. */
const runDecoder = ({ g, decoder }: Search, inputs: readonly Value[]): readonly Value[] =>
  replaceInputs(
    decoder,
    inputs.map((input, i) => castTo(g, input, tensorTypeOf(decoder.inputs[i]!).dtype)),
    g,
  );

/** From the scores of the word behind `length` tokens: the sequences with it, and the decoder's states widened. */
function advance(
  search: Search,
  { sequences, kept }: Omit<States, 'pasts'>,
  logits: Value,
  presents: readonly Value[],
  length: Value,
  prefixMask?: Value,
): States {
  const { g, eos, ngram, penalty, minLength, vocabMask, longest, strategy } = search;
  const operands = [strategy.weigh(g, logits), sequences, length, penalty, minLength, vocabMask, prefixMask];
  const scores = g.apply(NextScores, operands, { eos, ngram });
  const { tokens, sources, kept: next } = strategy.next(g, scores, { sequences, kept, length });
  const ordered = (rows: Value, axis: number): Value => (sources ? g.apply(Gather, [rows, sources], { axis }) : rows);
  return {
    sequences: g.apply(AppendTokens, [ordered(sequences, 0), tokens, length]),
    kept: next,
    pasts: presents.map((present) =>
      g.apply(Widened, [ordered(present, batchAxis), g.sizes([longest])], { axis: decoderAxis }),
    ),
  };
}

/** Whether a sequence has not met its end. */
function goesOn(g: Builder, met: Value): Value {
  const least = g.apply(ReduceMin, [castTo(g, met, 'int32')], { keepdims: 0 });
  return g.apply(Equal, [least, g.scalar(0, 'int32')]);
}

/** The first run: all tokens of the prompt, once for all that may follow it, and nothing before them. */
function firstRun(search: Search, ids: Value, mask: Value, prefixMask: Value | undefined): States {
  const { g, decoder, batch, prompt, longest } = search;
  const pasts = decoder.inputs.slice(decoderAxis).map((input) => {
    const { dtype, shape } = tensorTypeOf(input);
    const empty = g.sizes([shape[0]!, batch, shape[2]!, int(0), shape[4]!]);
    return g.apply(Expand, [g.scalar(0, dtype), empty]);
  });
  const [logits, ...presents] = runDecoder(search, [ids, g.apply(MaskedPositions, [mask]), mask, ...pasts]);
  const last = g.apply(TakeSlice, [logits!, sizeScalar(g, sub(prompt, int(1)))], { axis: 1 });
  const sequences = forBeams(search, g.apply(Widened, [ids, g.sizes([longest])], { axis: 1 }));
  const kept = search.strategy.start(g, { batch, turns: simplify(sub(longest, prompt)) });
  const all = presents.map((present) => forBeams(search, present, batchAxis));
  const rules = prefixMask && forBeams(search, prefixMask);
  return advance(search, { sequences, kept }, forBeams(search, last), all, sizeScalar(g, prompt), rules);
}

/** All further runs: one token each. */
function furtherRuns(search: Search, first: States, prompted: Value): States {
  const mask = forBeams(search, prompted);
  const { g, prompt, longest } = search;
  const whole = wholeMask(search, mask);
  const words = g.apply(ReduceSum, [mask, g.ints([1])], { keepdims: 1 });
  const iteration = g.input('iteration', scalarType('int64'));
  const condition = g.input('condition', scalarType('bool'));
  const states = [first.sequences, ...first.kept, ...first.pasts];
  const inputs = states.map((state, i) => g.input(`state_${i}`, state.type));
  const { sequences, kept, pasts } = asStates(inputs, first);
  const place = g.apply(Add, [iteration, sizeScalar(g, prompt)]);
  const axes = [1, ...pasts.map(() => decoderAxis)];
  const [seen, ...before] = g.applyAll(
    Prefixes,
    [place, whole, ...pasts],
    { axes, more: axes.map((_, i) => (i === 0 ? 1 : 0)) },
    { outputs: axes.map(() => true) },
  );
  const positions = g.apply(Add, [words, castTo(g, iteration, 'int32')]);
  const ids = g.apply(TokensAt, [sequences, place]);
  const [logits, ...presents] = runDecoder(search, [ids, positions, seen!, ...before]);
  const scores = g.apply(TakeSlice, [logits, g.scalar(0, 'int64')], { axis: 1 });
  const next = advance(search, { sequences, kept }, scores, presents, plus(g, place, 1));
  const outputs = [goesOn(g, next.kept[0]!), next.sequences, ...next.kept, ...next.pasts];
  const bodyInputs = [iteration, condition, ...inputs];
  const body: Graph = {
    name: 'generate',
    inputs: bodyInputs,
    outputs,
    outputNames: outputs.map((_, i) => `output_${i}`),
    captures: capturesOf(outputs, bodyInputs),
    dims: [],
  };
  const turns = sizeScalar(g, simplify(sub(sub(longest, prompt), int(1))));
  return asStates(g.applyAll(Loop, [turns, goesOn(g, first.kept[0]!), ...states], { body }), first);
}

/** A list of values as the states that `like` has. */
const asStates = (values: readonly Value[], { kept }: States): States => ({
  sequences: values[0]!,
  kept: values.slice(1, 1 + kept.length),
  pasts: values.slice(1 + kept.length),
});

/** The mask of the prompt, and ones behind it. */
function wholeMask({ g, longest, prompt }: Search, mask: Value): Value {
  const widened = g.apply(Widened, [mask, g.sizes([longest])], { axis: 1 });
  const ones = g.apply(Expand, [g.scalar(1, 'int32'), g.sizes([int(1), prompt])]);
  const isPrompt = g.apply(Widened, [ones, g.sizes([longest])], { axis: 1 });
  return g.apply(Add, [widened, castTo(g, g.apply(Equal, [isPrompt, g.scalar(0, 'int32')]), 'int32')]);
}

function checkDecoder(decoder: Graph, context: BuildContext): void {
  const names = decoder.inputs.map(({ name }) => name);
  const expected = ['input_ids', 'position_ids', 'attention_mask', 'past_0'];
  if (expected.some((name, i) => names[i] !== name)) {
    context.fail(`the decoder's inputs are ${names.join(', ')}; expected ${expected.join(', ')}, … as GPT-2 has them.`);
  }
  if (decoder.outputs.length !== decoder.inputs.length - 2) {
    context.fail(
      'the decoder must give logits and one present for each past; buffers shared by both are not supported.',
    );
  }
  const pasts = decoder.inputs.slice(decoderAxis).map((input) => input.type);
  const isPast = (type: TensorType): boolean =>
    type.shape.length === 5 && [0, 2, 4].every((axis) => constantOf(type.shape[axis]!) !== undefined);
  if (pasts.some((type) => type.kind !== 'tensor' || !isPast(type))) {
    context.fail('each past must have the shape [2, batch, heads, length, head size], with known heads and head size.');
  }
}

export const generationInputs = [
  'input_ids',
  'max_length',
  'min_length?',
  'repetition_penalty?',
  'vocab_mask?',
  'prefix_vocab_mask?',
  'attention_mask?',
] as const;

export const generationTypes = {
  input_ids: token,
  max_length: token,
  min_length: token,
  repetition_penalty: penaltyType,
  vocab_mask: token,
  prefix_vocab_mask: token,
  attention_mask: token,
};

export const generationAttributes = {
  decoder: requiredGraph,
  decoder_start_token_id: intAttribute(-1),
  encoder: optionalGraph,
  eos_token_id: requiredInt,
  init_decoder: optionalGraph,
  model_type: intAttribute(0, [0]),
  no_repeat_ngram_size: intAttribute(0),
  pad_token_id: requiredInt,
  vocab_size: intAttribute(-1),
};

interface Generation {
  readonly given: Inputs<typeof generationInputs, Value>;
  readonly attributes: AttributeValues<typeof generationAttributes>;
  readonly strategy: Strategy;
}

/** The sequences [batch * beams, max_length]: prompts, what was chosen behind them, and zeros; and what was kept. */
export function generate(
  { given, attributes, strategy }: Generation,
  g: Builder,
  context: BuildContext,
): Omit<States, 'pasts'> {
  const { decoder, init_decoder, eos_token_id: eos, pad_token_id: pad } = attributes;
  for (const graph of [decoder, init_decoder]) if (graph) checkDecoder(graph, context);
  const { shape } = tensorTypeOf(given.input_ids);
  if (shape.length !== 2) context.fail(`input_ids has rank ${shape.length}; expected 2.`);
  const longest = sizesOf(operandOf(given.max_length))?.[0];
  if (!longest) return context.fail('max_length must be known at compile time: make it a constant.');
  const [batch, prompt] = shape as [Expr, Expr];
  const room = constantOf(simplify(sub(longest, prompt))) ?? 1;
  if (room < 0) context.fail('max_length is less than the prompt is long.');
  const search: Search = {
    g,
    decoder,
    batch,
    prompt,
    longest,
    eos,
    strategy,
    ngram: attributes.no_repeat_ngram_size,
    penalty: given.repetition_penalty,
    minLength: given.min_length,
    vocabMask: given.vocab_mask,
  };
  if (room === 0) {
    return { sequences: forBeams(search, given.input_ids), kept: strategy.start(g, { batch, turns: int(0) }) };
  }
  const isWord = g.apply(Not, [g.apply(Equal, [given.input_ids, g.scalar(pad, 'int32')])]);
  const mask = given.attention_mask ?? castTo(g, isWord, 'int32');
  const initial = init_decoder ? { ...search, decoder: init_decoder } : search;
  const first = firstRun(initial, given.input_ids, mask, given.prefix_vocab_mask);
  return furtherRuns(search, first, mask);
}
