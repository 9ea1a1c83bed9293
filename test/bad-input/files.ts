// Files that are no model, or are made to harm who reads them.

import { makeModel, node, port } from '../onnx/make-model.ts';
import { delimited, endGroup, fixed32, integer, message, modelOf, repeat, startGroup, varint } from '../onnx/wire.ts';
import type { BadCase } from './case.ts';

const good = makeModel({ input: [port('x', [2])], output: [port('y', [2])], node: [node('Neg', ['x'], ['y'])] });
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** Graph, node, attribute with a graph, and so on. */
function nestedSubgraphs(levels: number): Uint8Array {
  let graph = message(delimited(2, 'innermost'));
  for (let level = 0; level < levels; level++) {
    const attribute = message(delimited(1, 'body'), integer(20, 5), delimited(6, graph));
    graph = delimited(1, message(delimited(4, 'Loop'), delimited(5, attribute)));
  }
  return modelOf(graph);
}

export const fileCases: readonly BadCase[] = [
  {
    name: 'an empty file',
    model: new Uint8Array(0),
    message: 'file model.onnx: The file is empty; expected an ONNX model.',
  },
  { name: 'a text', model: text('hello world'), message: /^error: file model\.onnx: Not a valid ONNX file: .*\n$/ },
  { name: 'a zip archive', model: text('PK\x03\x04 some archive, perhaps'), message: /Not a valid ONNX file/ },
  { name: 'zeros', model: new Uint8Array(4096), message: /Not a valid ONNX file: field number 0 does not exist/ },
  {
    name: 'a model cut off in the middle',
    model: good.slice(0, good.length / 2),
    message: /Not a valid ONNX file.*complete/,
  },
  { name: 'a model cut off by one byte', model: good.slice(0, -1), message: /^error: / },
  { name: 'no file at all', message: 'file model.onnx: There is no such file.' },
  {
    name: 'a folder in the place of the model',
    arguments: ['compile', '.', '-o', 'out', '--target', 'c'],
    message: 'file .: It is a folder; expected an ONNX model.',
  },
  {
    name: 'a version without a graph',
    model: integer(1, 8),
    message: 'file model.onnx: The model has no graph. Is the file complete?',
  },
  {
    name: 'a graph without a version',
    model: delimited(7, 'x'.repeat(0)),
    message: 'file model.onnx: Not an ONNX model: ir_version is absent, expected 3 or more.',
  },
  { name: 'a version of the future', model: makeModel({ ir: 99, output: [port('y', [1])] }), message: /IR version 99/ },
  { name: 'a version below zero', model: message(integer(1, -5), delimited(7, '')), message: /ir_version is -5/ },
  {
    name: 'a length beyond the file',
    model: message(integer(1, 8), varint(7 * 8 + 2), varint(1_000_000), text('short')),
    message: /graph should be 1000000 bytes long, but only 5 are left/,
  },
  {
    name: 'a length beyond 2 GiB',
    model: message(integer(1, 8), varint(7 * 8 + 2), varint(2 ** 40)),
    message: /a length is too large/,
  },
  {
    name: 'a number of more than 10 bytes',
    model: message(varint(8), new Uint8Array(12).fill(0x80)),
    message: /a number is longer than 10 bytes|cut off/,
  },
  { name: 'a wire type that does not exist', model: varint(8 * 8 + 6), message: /wire type 6 does not exist/ },
  {
    name: 'a group that is not closed',
    model: message(integer(1, 8), startGroup(99)),
    message: /a group is not closed/,
  },
  { name: 'a group that is not open', model: message(integer(1, 8), endGroup(99)), message: /closed but not open/ },
  {
    name: '100,000 groups in groups',
    model: message(integer(1, 8), repeat(startGroup(99), 100_000), repeat(endGroup(99), 100_000)),
    message: /nested more than 100 deep/,
  },
  { name: '60 subgraphs in subgraphs', model: nestedSubgraphs(60), message: /nested more than 100 deep/ },
  {
    name: '10 MB of empty nodes',
    model: modelOf(repeat(delimited(1, ''), 5_000_000)),
    message: /Too large to compile: more than 500000 nodes/,
  },
  {
    name: '8 MB of empty strings in one node',
    model: modelOf(delimited(1, repeat(delimited(1, ''), 4_000_000))),
    message: /^error: /,
  },
  {
    name: '40 MB of empty initializers',
    model: modelOf(repeat(delimited(5, ''), 20_000_000)),
    message: /Too large to compile/,
  },
  {
    name: 'a name that is not UTF-8',
    model: modelOf(delimited(1, message(delimited(1, Uint8Array.of(0xff, 0xfe)), delimited(4, 'Neg')))),
    message: /not valid UTF-8/,
  },
  {
    name: 'a float list of 3 bytes',
    model: modelOf(delimited(5, message(integer(1, 1), integer(2, 1), delimited(4, Uint8Array.of(1, 2, 3))))),
    message: /^error: tensor "": Shape \[1\] and the data disagree: expected 4 .*got 3 bytes/,
  },
  {
    name: 'a name in the form of a number',
    model: modelOf(fixed32(2, [1, 2, 3, 4])),
    message: /^error: /,
  },
];
