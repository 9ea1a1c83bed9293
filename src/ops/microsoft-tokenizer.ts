// Tokenizer (com.microsoft): strings cut at separators, one after another, or into matches of an expression, or into
// characters.

import type { Expr } from '../../ir/expr.ts';
import { add, and, constant, div, eq, int, lt, max, min, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute, optionalString, optionalStrings, requiredInt, requiredString } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type BuildContext, type Builder, op } from './define.ts';
import { type Automaton, automatonOf, matchesEmpty } from './regex-automaton.ts';
import { parsePattern } from './regex-parse.ts';
import { Unsqueeze } from './reshape.ts';
import { encodeText, lengthOf, pool, textVector } from './string-parts.ts';
import { stringType } from './strings.ts';
import { stringsOf, textOf } from './structure.ts';
import { PiecesOfTexts, tablesOf } from './text-search.ts';
import { sizeType, tensorOf } from './types.ts';

/** Tokens [..., D] with padding for empty ones, and marks (spans: begin, end, padding) around those of a row. */
const MarkedTokens = op('MarkedTokens', {
  domain: 'lapidary',
  inputs: ['tokens', 'marks'],
  attributes: { mark: intAttribute(0, [0, 1]) },
  types: { tokens: sizeType, marks: sizeType },
  type: ({ tokens }, { mark }, context) => {
    const width = tokens.shape.at(-1)!;
    const marked = (own: Expr): Expr => select(lt(int(0), own), add(own, int(2)), int(0));
    const size = mark ? context.fresh('width', simplify(add(width, int(2))), marked(width)) : width;
    return tensorOf('int64', [...tokens.shape.slice(0, -1), size]);
  },
  compute: ({ tokens, marks }, { mark }, index) => {
    const outer = index.slice(0, -1);
    const width = tokens.shape.at(-1)!;
    const place = sub(index.at(-1)!, int(mark));
    const at = (column: Expr): Expr => tokens.at(...outer, max(min(column, sub(width, int(1))), int(0)));
    const isToken = (column: Expr): Expr =>
      select(and(lt(int(-1), column), lt(column, width)), lt(int(0), lengthOf(at(column))), constant(0, 'bool'));
    const [begin, end, padding] = [0, 1, 2].map((k) => marks.at(int(k))) as [Expr, Expr, Expr];
    if (!mark) return select(isToken(place), at(place), padding);
    const isEnd = select(eq(place, int(0)), constant(1, 'bool'), isToken(sub(place, int(1))));
    const behind = select(isEnd, end, padding);
    return select(lt(place, int(0)), begin, select(isToken(place), at(place), behind));
  },
});

function compiled(pattern: string, { fail }: BuildContext): Automaton {
  const parsed = parsePattern(pattern);
  if (typeof parsed === 'string') return fail(`pattern ${JSON.stringify(pattern)}: ${parsed}.`);
  return automatonOf(parsed) ?? fail(`pattern ${JSON.stringify(pattern)} needs too large a table.`);
}

const anyCharacter = '(?s).';

/** What a row is cut by: matches of one pattern, or what lies between those of all. */
function patternsOf(
  separators: readonly string[] | undefined,
  tokenexp: string | undefined,
  least: number,
  { fail }: BuildContext,
): { readonly matching: boolean; readonly patterns: readonly string[] } {
  if (tokenexp) {
    if (separators) fail('has both separators and tokenexp; expected one of them.');
    return { matching: true, patterns: [tokenexp] };
  }
  if (!separators?.length) return fail('has neither separators nor tokenexp; expected one of them.');
  if (separators.length > 1 || separators[0] !== '') return { matching: false, patterns: separators };
  if (least > 1) fail(`mincharnum is ${least}; tokens that are single characters have 1.`);
  return { matching: true, patterns: [anyCharacter] };
}

export const Tokenizer = op('Tokenizer', {
  domain: 'com.microsoft',
  inputs: ['X'],
  attributes: {
    mark: requiredInt,
    mincharnum: requiredInt,
    pad_value: requiredString,
    separators: optionalStrings,
    tokenexp: optionalString,
  },
  types: { X: stringType },
  build: ({ X }, { mark, mincharnum: least, pad_value, separators, tokenexp }, g, context) => {
    const { shape } = tensorTypeOf(X);
    if (shape.length < 1 || shape.length > 2) context.fail(`X has rank ${shape.length}; expected [C] or [N, C].`);
    if (least < 1) context.fail(`mincharnum is ${least}; expected at least 1.`);
    const { matching, patterns } = patternsOf(separators, tokenexp, least, context);
    const { spans, bytes, longest } = textOf(X);
    // Between two pieces lies at least one byte of a separator.
    const most = matching ? div(longest, int(least)) : div(add(longest, int(1)), int(least + 1));
    let tokens: Value = g.apply(Unsqueeze, [spans, g.ints([-1])]);
    for (const pattern of patterns) {
      const automaton = compiled(pattern, context);
      if (!matching && matchesEmpty(automaton)) {
        context.fail(`separator ${JSON.stringify(pattern)} matches the empty string; expected at least one character.`);
      }
      const operands = [tokens, bytes, g.sizes([simplify(most)]), ...tablesOf(g, automaton)];
      tokens = g.apply(PiecesOfTexts, operands, { matching: Number(matching), least, dead: automaton.dead });
    }
    return withMarks(g, stringsOf(tokens, bytes, longest), pad_value, mark === 0 ? 0 : 1);
  },
});

function withMarks(g: Builder, tokens: Value, padding: string, mark: number): Value {
  const marks = textVector(g, ['\u0002', '\u0003', padding]);
  const { spans, bytes } = pool(g, [textOf(tokens), textOf(marks)]);
  const own = g.apply(MarkedTokens, [spans[0]!, spans[1]!], { mark });
  return stringsOf(own, bytes, max(textOf(tokens).longest, int(Math.max(1, encodeText(padding).length))));
}
