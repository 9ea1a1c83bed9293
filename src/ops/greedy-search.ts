// GreedySearch (com.microsoft): one sequence for each prompt, each token chosen for good.

import type { Value } from '../../ir/graph.ts';
import { ArgMax } from './arg-extreme.ts';
import type { AttributeValues } from './attributes.ts';
import { type Builder, op } from './define.ts';
import { generate, generationAttributes, generationInputs, generationTypes, type Strategy } from './generation.ts';
import { NextTokens } from './generation-parts.ts';
import { Expand } from './repeat.ts';

type Choose = (g: Builder, scores: Value, length: Value) => Value;

/** By the word [B] that is chosen from the scores of all, behind so many tokens. */
export const tokenByToken = (
  { eos_token_id: eos, pad_token_id: pad }: AttributeValues<typeof generationAttributes>,
  choose: Choose,
): Strategy => ({
  beams: 1,
  start: (g, { batch }) => [g.apply(Expand, [g.scalar(0, 'bool'), g.sizes([batch])])],
  weigh: (_, logits) => logits,
  next: (g, scores, { kept: [met], length }) => {
    const operands = [choose(g, scores, length), met!];
    const [tokens, ended] = g.applyAll(NextTokens, operands, { eos, pad }, { outputs: [true, true] });
    return { tokens: tokens!, kept: [ended!] };
  },
});

/** The token with the highest score, again and again, until all sequences have met their end or are full. */
export const GreedySearch = op('GreedySearch', {
  domain: 'com.microsoft',
  inputs: generationInputs,
  outputs: ['sequences'],
  attributes: generationAttributes,
  types: generationTypes,
  build: (given, attributes, g, context) => {
    const strategy = tokenByToken(attributes, (_, scores) => g.apply(ArgMax, [scores], { axis: 1, keepdims: 0 }));
    return generate({ given, attributes, strategy }, g, context).sequences;
  },
});
