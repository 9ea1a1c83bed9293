// StringNormalizer: leaves out stop words, then changes the case of what is left. Where nothing is left there is one
// empty string, so says the standard.

import { constant, int, lt, max, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalStrings, stringAttribute } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { Compress } from './compress.ts';
import { type Builder, op } from './define.ts';
import { Equal } from './logic.ts';
import { Reshape, Unsqueeze } from './reshape.ts';
import { inCase } from './string-case.ts';
import { positionOfText } from './string-search.ts';
import { stringType } from './strings.ts';
import { textOf } from './structure.ts';
import { tensorOf, typeSet } from './types.ts';

/** A vector, with one empty string where it has none. */
const NotEmpty = op('NotEmpty', {
  domain: 'lapidary',
  inputs: ['X'],
  types: { X: typeSet('T', ['int64', 'string']) },
  type: ({ X }) => tensorOf(X.dtype, [simplify(max(X.shape[0]!, int(1)))]),
  compute: ({ X }, _, [i]) => select(lt(i!, X.shape[0]!), X.at(i!), constant(0n, 'int64')),
});

/** Without the words of a list. */
function withoutWords(g: Builder, words: Value, stopwords: readonly string[], caseSensitive: boolean): Value {
  const lower = (text: string): string =>
    [...text].map((own) => (only(own.toLowerCase()) ? own.toLowerCase() : own)).join('');
  const compared = caseSensitive ? words : inCase(g, words, 'LOWER');
  const found = positionOfText(g, textOf(compared), caseSensitive ? stopwords : stopwords.map(lower));
  const distinct = stopwords.length;
  const keep = g.apply(Equal, [found, g.scalar(BigInt(distinct), 'int64')]);
  return g.apply(NotEmpty, [g.apply(Compress, [words, keep], { axis: 0 })]);
}

const only = (text: string): boolean => [...text].length === 1;

export const StringNormalizer = op('StringNormalizer', {
  inputs: ['X'],
  attributes: {
    case_change_action: stringAttribute('NONE', ['NONE', 'LOWER', 'UPPER']),
    is_case_sensitive: intAttribute(0, [0, 1]),
    locale: stringAttribute('en_US'),
    stopwords: optionalStrings,
  },
  types: { X: stringType },
  since: 10,
  build: ({ X }, { case_change_action: action, is_case_sensitive: sensitive, stopwords = [] }, g, { fail }) => {
    const { shape } = tensorTypeOf(X);
    if (shape.length < 1 || shape.length > 2) fail(`X has rank ${shape.length}; expected [C] or [1, C].`);
    const flat = shape.length === 2 ? g.apply(Reshape, [X, g.ints([-1])]) : X;
    const kept = stopwords.length > 0 ? withoutWords(g, flat, stopwords, sensitive === 1) : g.apply(NotEmpty, [flat]);
    const cased = action === 'NONE' ? kept : inCase(g, kept, action as 'LOWER' | 'UPPER');
    return shape.length === 2 ? g.apply(Unsqueeze, [cased, g.ints([0])]) : cased;
  },
});
