// RegexFullMatch: the pattern becomes a table when the model is compiled; a run walks the bytes of each string once.

import { toBytes } from '../../ir/bytes.ts';
import { cast, constant, indexVar, int, load, ne } from '../../ir/expr-make.ts';
import { block, loop, store } from '../../ir/kernel-walk.ts';
import { requiredString } from './attributes.ts';
import { op } from './define.ts';
import { automatonOf } from './regex-automaton.ts';
import { parsePattern } from './regex-parse.ts';
import { read, register, set, withRegisters } from './sequence-layout.ts';
import { bytesType } from './string-parts.ts';
import { stringType } from './strings.ts';
import { textOf } from './structure.ts';
import { byteAt, forEachText } from './text-kernels.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

const tableType = typeSet('table', ['int32']);

const MatchedTexts = op('MatchedTexts', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes', 'classes', 'table', 'accepts'],
  types: { spans: sizeType, bytes: bytesType, classes: bytesType, table: tableType, accepts: bytesType },
  type: ({ spans }) => tensorOf('bool', spans.shape),
  kernel: ({ spans, bytes, classes, table, accepts }, [Y]) => {
    const state = register('state');
    const body = forEachText(spans, bytes, (text, index) => {
      const i = indexVar('k', text.length);
      const kind = cast(load(classes, [cast(byteAt(text, i), 'index')]), 'index');
      return block([
        set(state, int(0)),
        loop(i, set(state, cast(load(table, [read(state), kind]), 'index'))),
        store(Y!, index, ne(load(accepts, [read(state)]), constant(0, 'uint8'))),
      ]);
    });
    return withRegisters([state], body);
  },
});

export const RegexFullMatch = op('RegexFullMatch', {
  inputs: ['X'],
  attributes: { pattern: requiredString },
  types: { X: stringType },
  since: 20,
  build: ({ X }, { pattern }, g, { fail }) => {
    const parsed = parsePattern(pattern);
    if (typeof parsed === 'string') return fail(`pattern ${JSON.stringify(pattern)}: ${parsed}.`);
    const automaton = automatonOf(parsed) ?? fail(`pattern ${JSON.stringify(pattern)} needs too large a table.`);
    const { classOf, classes, table, accepts } = automaton;
    const { spans, bytes } = textOf(X);
    const states = accepts.length;
    return g.apply(MatchedTexts, [
      spans,
      bytes,
      g.constant(tensorOf('uint8', [int(256)]), toBytes('uint8', classOf)),
      g.constant(tensorOf('int32', [int(states), int(classes)]), toBytes('int32', table)),
      g.constant(tensorOf('uint8', [int(states)]), toBytes('uint8', accepts.map(Number))),
    ]);
  },
});
