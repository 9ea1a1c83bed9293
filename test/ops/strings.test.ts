import * as assert from 'node:assert/strict';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';
import { type ModelParts, makeModel, node, port } from '../onnx/make-model.ts';
import { given, type Plain, runValues } from './run-values.ts';

const words = (...texts: string[]): Plain => [[texts.length], texts];
const strings = (...texts: string[]) => ({ type: 8, strings: texts.map((text) => new TextEncoder().encode(text)) });
const x = port('x', ['n'], 'string');
const one = (parts: Partial<ModelParts>) => (plain: Plain, target?: string) =>
  runValues(
    { input: [x], output: [port('y', undefined, 'string')], opset: 20, ...parts },
    { x: given(plain, 'string') },
    target,
  );

const ml = { domain: 'ai.onnx.ml' };

describe('strings', () => {
  for (const target of ['js', 'wasm']) {
    it(`are moved by whatever moves elements (${target})`, async () => {
      const run = one({
        input: [x],
        node: [
          node('Concat', ['x', 'more'], ['a'], { axis: 0 }),
          node('Gather', ['a', 'places'], ['b']),
          node('Reshape', ['b', 'shape'], ['c']),
          node('Transpose', ['c'], ['y']),
        ],
        initializer: [
          { name: 'more', dataType: 8, dims: [2], stringData: [new TextEncoder().encode('ünder'), new Uint8Array()] },
          { name: 'places', dataType: 7, dims: [4], int64Data: [-1, 0, -2, 0] },
          { name: 'shape', dataType: 7, dims: [2], int64Data: [2, 2] },
        ],
      });
      assert.deepEqual(await run(words('a', 'bc'), target), [
        [
          [2, 2],
          ['', 'ünder', 'a', 'a'],
        ],
      ]);
    });

    it(`are chosen by a condition that only a run knows (${target})`, async () => {
      const branch = (text: string) => ({
        type: 5,
        g: {
          output: [port('z', undefined, 'string')],
          node: [node('Constant', [], ['w'], { value_string: text }), node('StringConcat', ['x', 'w'], ['z'])],
        },
      });
      const parts = {
        input: [x, port('c', [], 'bool')],
        output: [port('y', undefined, 'string')],
        node: [node('If', ['c'], ['y'], { then_branch: branch('!'), else_branch: branch('…') })],
        opset: 20,
      };
      const run = (c: boolean) =>
        runValues(parts, { x: given(words('yes', ''), 'string'), c: given([[], [c]], 'bool') }, target);
      assert.deepEqual(await run(true), [words('yes!', '!')]);
      assert.deepEqual(await run(false), [words('yes…', '…')]);
    });

    it(`are split as Python splits them (${target})`, async () => {
      const split = (attributes: Record<string, string | number>) =>
        one({
          output: [port('y', undefined, 'string'), port('z', undefined, 'int64')],
          node: [node('StringSplit', ['x'], ['y', 'z'], attributes)],
        });
      const texts = words(' a  b c ', '', 'x--y');
      assert.deepEqual(await split({})(texts, target), [
        [
          [3, 3],
          ['a', 'b', 'c', '', '', '', 'x--y', '', ''],
        ],
        [[3], [3, 0, 1]],
      ]);
      assert.deepEqual((await split({ maxsplit: 1 })(texts, target))[0], [
        [3, 2],
        ['a', 'b c ', '', '', 'x--y', ''],
      ]);
      assert.deepEqual(await split({ delimiter: '--' })(words('x--y----', ''), target), [
        [
          [2, 4],
          ['x', 'y', '', '', '', '', '', ''],
        ],
        [[2], [4, 1]],
      ]);
      assert.deepEqual((await split({})([[0], []], target))[0], [[0, 0], []]);
    });

    it(`change case character by character, and lose stop words (${target})`, async () => {
      const run = one({
        node: [
          node('StringNormalizer', ['x'], ['y'], {
            case_change_action: 'UPPER',
            stopwords: strings('Über', 'and'),
          }),
        ],
      });
      assert.deepEqual(await run(words('AND', 'grüße', 'über', 'ɐδ日😀'), target), [words('GRÜßE', 'ⱯΔ日😀')]);
      assert.deepEqual(await run(words('and'), target), [words('')]);
      assert.deepEqual(await run([[0], []], target), [words('')]);
    });

    it(`are labels that numbers and other strings are looked up by (${target})`, async () => {
      const encode = (attributes: Record<string, object>, dtype: 'string' | 'int64') =>
        one({
          output: [port('y', undefined, dtype)],
          domains: { 'ai.onnx.ml': 4 },
          node: [node('LabelEncoder', ['x'], ['y'], attributes as never, ml)],
        })(words('b', 'ä', 'zz', 'a', ''), target);
      const keys_strings = strings('ä', 'b', 'a', 'b');
      const numbers = await encode({ keys_strings, values_int64s: { type: 7, ints: [1, 2, 3, 4] } }, 'int64');
      assert.deepEqual(numbers, [[[5], [2, 1, -1, 3, -1]]]);
      const texts = await encode({ keys_strings, values_strings: strings('A', 'B', 'C', 'D') }, 'string');
      assert.deepEqual(texts, [words('B', 'A', '_Unused', 'C', '_Unused')]);
    });
  }

  it('are equal byte by byte, each to each', async () => {
    const parts = {
      input: [port('x', [2, 1], 'string'), port('z', [3], 'string')],
      output: [port('y', undefined, 'bool')],
      node: [node('Equal', ['x', 'z'], ['y'])],
      opset: 20,
    };
    const inputs = {
      x: given(
        [
          [2, 1],
          ['', 'é'],
        ],
        'string',
      ),
      z: given(words('', 'e', 'é'), 'string'),
    };
    assert.deepEqual(await runValues(parts, inputs), [
      [
        [2, 3],
        [1, 0, 0, 0, 0, 1],
      ],
    ]);
  });

  it('count as n-grams, with gaps', async () => {
    const parts = {
      input: [x],
      output: [port('y', undefined)],
      node: [
        node('TfIdfVectorizer', ['x'], ['y'], {
          mode: 'TFIDF',
          min_gram_length: 1,
          max_gram_length: 2,
          max_skip_count: 1,
          ngram_counts: [0, 2],
          ngram_indexes: [2, 0, 1],
          pool_strings: strings('a', 'b', 'a', 'b'),
          weights: { type: 6, floats: [1, 10, 100] },
        }),
      ],
    };
    const count = (...texts: string[]) => runValues(parts, { x: given(words(...texts), 'string') });
    assert.deepEqual(await count('a', 'c', 'b', 'a', 'b', 'a'), [[[3], [20, 200, 3]]]);
    assert.deepEqual(await count(), [[[3], [0, 0, 0]]]);
  });

  it('match patterns as other engines match them', async () => {
    const patterns = [
      'a*b+c?',
      '(foo|bar){1,2}',
      '[^a-c]+',
      '(?i)grüße',
      '\\w+@\\w+\\.(com|org)',
      '.*\\bword\\b.*',
      'a.c',
      '(?s)a.c',
      '[äöü]{2}',
      '\\p{Lu}\\p{Ll}*',
      '^$|^x+$',
      '(?:a|ab)(?:c|bcd)(?:d*)',
    ];
    const texts = ['', 'b', 'aabbc', 'foobar', 'foo', 'xyz', 'GRÜẞE', 'GRÜSSE', 'GRÜßE', 'me@it.org', 'me@it.net'];
    texts.push('a word here', 'swords', 'a\nc', 'abc', 'a日c', 'äö', 'ä', 'Übel', 'übel', 'xxx', 'abcd', 'word');
    for (const pattern of patterns) {
      const [, flags = '', source = ''] = /^(?:\(\?(\w+)\))?(.*)$/s.exec(pattern)!;
      const expected = texts.map((text) => Number(new RegExp(`^(?:${source})$`, `u${flags}`).test(text)));
      const run = one({
        output: [port('y', undefined, 'bool')],
        node: [node('RegexFullMatch', ['x'], ['y'], { pattern })],
      });
      assert.deepEqual(await run(words(...texts)), [[[texts.length], expected]], pattern);
    }
  });

  it('refuse a pattern that is none', () => {
    const model = (pattern: string) =>
      makeModel({
        input: [x],
        output: [port('y', undefined, 'bool')],
        node: [node('RegexFullMatch', ['x'], ['y'], { pattern })],
        opset: 20,
      });
    assert.throws(() => importBytes(model('(a')), /RegexFullMatch "y": pattern "\(a": "\(" without "\)"/);
    assert.throws(() => importBytes(model('a{2,1}')), /\{2,1\} is no legal number of repetitions/);
    assert.throws(() => importBytes(model('(a)\\1')), /what a group matched/);
  });

  it('report spans that leave their bytes', () => {
    const model = makeModel({
      input: [x],
      output: [port('y', undefined, 'string')],
      node: [node('Identity', ['x'], ['y'])],
    });
    const program = toProgram(importBytes(model), undefined);
    const spans = (span: bigint) => ({
      dtype: 'int64' as const,
      dims: [1],
      bytes: new Uint8Array(BigInt64Array.of(span).buffer),
    });
    const bytes = { dtype: 'uint8' as const, dims: [3], bytes: Uint8Array.of(1, 2, 3) };
    assert.equal(runProgram(program, [spans((1n << 32n) | 2n), bytes]).length, 2);
    for (const span of [(1n << 32n) | 3n, -1n, 1n << 40n]) {
      assert.throws(() => runProgram(program, [spans(span), bytes]), /index/);
    }
  });
});
