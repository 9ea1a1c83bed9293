import * as assert from 'node:assert/strict';
import { importBytes } from '../../src/compile.ts';
import { makeModel, node, port } from '../onnx/make-model.ts';
import { given, type Plain, runValues } from './run-values.ts';

const words = (...texts: string[]): Plain => [[texts.length], texts];
const strings = (...texts: string[]) => ({ type: 8, strings: texts.map((text) => new TextEncoder().encode(text)) });
const microsoft = { domain: 'com.microsoft' };
interface Attributes {
  readonly mark?: number;
  readonly mincharnum?: number;
  readonly separators?: readonly string[];
  readonly tokenexp?: string;
}

const partsOf = ({ separators, ...attributes }: Attributes, input = port('x', ['n'], 'string')) => ({
  input: [input],
  output: [port('y', undefined, 'string')],
  domains: { 'com.microsoft': 1 },
  node: [
    node(
      'Tokenizer',
      ['x'],
      ['y'],
      {
        mark: 0,
        mincharnum: 1,
        pad_value: '#',
        ...attributes,
        ...(separators && { separators: strings(...separators) }),
      },
      microsoft,
    ),
  ],
});
const tokens = (attributes: Attributes, plain: Plain, target = 'js') =>
  runValues(partsOf(attributes), { x: given(plain, 'string') }, target);
const rows = (...lists: string[][]): Plain => [[lists.length, lists[0]!.length], lists.flat()];

// What is expected here is what ONNX Runtime gives.
describe('tokens of strings', () => {
  for (const target of ['js', 'wasm']) {
    it(`lie between separators, one after another (${target})`, async () => {
      const texts = words('Hello World', ' I  love, computer-science!', '');
      assert.deepEqual(await tokens({ separators: [' '] }, texts, target), [
        rows(['Hello', 'World', '#'], ['I', 'love,', 'computer-science!'], ['#', '#', '#']),
      ]);
      assert.deepEqual(await tokens({ separators: [' +', '[,-]', '!$'], mark: 1 }, texts, target), [
        rows(
          ['\u0002', 'Hello', 'World', '\u0003', '#', '#'],
          ['\u0002', 'I', 'love', 'computer', 'science', '\u0003'],
          ['\u0002', '\u0003', '#', '#', '#', '#'],
        ),
      ]);
    });

    it(`are what matches an expression, as long as can be (${target})`, async () => {
      assert.deepEqual(await tokens({ tokenexp: '[a-c]+|d|de' }, words('xabcdecc', 'dde'), target), [
        rows(['abc', 'de', 'cc'], ['d', 'de', '#']),
      ]);
      assert.deepEqual(await tokens({ tokenexp: '\\b\\w\\w+\\b' }, words('to be, or no', 'a bc'), target), [
        rows(['to', 'be', 'or', 'no'], ['bc', '#', '#', '#']),
      ]);
    });

    it(`are characters where the only separator is empty (${target})`, async () => {
      assert.deepEqual(await tokens({ separators: [''], mark: 1 }, words('aä日😀\n', ''), target), [
        rows(['\u0002', 'a', 'ä', '日', '😀', '\n', '\u0003'], ['\u0002', '\u0003', '#', '#', '#', '#', '#']),
      ]);
    });
  }

  it('have a least number of characters', async () => {
    assert.deepEqual(await tokens({ separators: [';'], mincharnum: 2 }, words('ä;äö;abc;x', 'é;')), [
      rows(['äö', 'abc'], ['#', '#']),
    ]);
    assert.deepEqual(await tokens({ tokenexp: 'x*y?', mincharnum: 2 }, words('xzxxyxy', 'xx')), [
      rows(['xxy', 'xy'], ['xx', '#']),
    ]);
  });

  it('may be none at all, also with marks', async () => {
    for (const mark of [0, 1]) {
      assert.deepEqual(await tokens({ separators: [' '], mark }, words(' ', '')), [[[2, 0], []]]);
    }
  });

  it('lie along an axis more', async () => {
    const parts = partsOf({ separators: [','] }, port('x', [2, 1], 'string'));
    const texts: Plain = [
      [2, 1],
      ['a,b', 'c'],
    ];
    assert.deepEqual(await runValues(parts, { x: given(texts, 'string') }), [
      [
        [2, 1, 2],
        ['a', 'b', 'c', '#'],
      ],
    ]);
  });

  it('refuse what is no way to cut', () => {
    const refused = (attributes: Attributes, rule: RegExp): void =>
      assert.throws(() => importBytes(makeModel(partsOf(attributes))), rule);
    refused({ separators: ['x*'] }, /separator "x\*" matches the empty string/);
    refused({}, /neither separators nor tokenexp/);
    refused({ separators: [' '], tokenexp: 'a' }, /both separators and tokenexp/);
    refused({ separators: [''], mincharnum: 2 }, /mincharnum is 2/);
    refused({ tokenexp: '(' }, /pattern "\(": /);
  });
});

describe('hashes of strings', () => {
  it('are those of MurmurHash3', async () => {
    const texts = words('', 'a', 'ab', 'abc', 'abcd', 'Hello, world!', 'grüße');
    const hash = (seed: number, positive: number, target: string) =>
      runValues(
        {
          input: [port('x', ['n'], 'string')],
          output: [port('y', undefined, positive ? 'uint32' : 'int32')],
          domains: { 'com.microsoft': 1 },
          node: [node('MurmurHash3', ['x'], ['y'], { seed, positive }, microsoft)],
        },
        { x: given(texts, 'string') },
        target,
      );
    for (const target of ['js', 'wasm']) {
      assert.deepEqual(await hash(0, 1, target), [
        [[7], [0, 1009084850, 2613040991, 3017643002, 1139631978, 3224780355, 1418952266]],
      ]);
      assert.deepEqual(await hash(7, 0, target), [
        [[7], [415870660, -304251353, -30791937, 940791465, 1425861819, 1510248256, 1247020792]],
      ]);
    }
  });
});
