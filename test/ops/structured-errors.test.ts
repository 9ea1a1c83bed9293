import * as assert from 'node:assert/strict';
import { importBytes } from '../../src/compile.ts';
import { type GraphParts, graph, type ModelParts, makeModel, node, port } from '../onnx/make-model.ts';
import { optionalPort, sequencePort } from './run-values.ts';

const refuses = (parts: ModelParts, message: RegExp): void => {
  assert.throws(() => importBytes(makeModel({ opset: 20, ...parts })), message);
};
const s = sequencePort('s', [undefined]);
const y = [port('y', undefined)];

describe('values of the wrong kind', () => {
  it('are refused where a tensor is expected', () => {
    refuses(
      { input: [s, port('x', [2])], output: y, node: [node('Add', ['s', 'x'], ['y'])] },
      /Add "y": takes tensors; input "s" is of kind sequence/,
    );
  });

  it('are refused where a sequence is expected', () => {
    refuses(
      { input: [port('x', [2])], output: y, node: [node('SequenceLength', ['x'], ['y'])] },
      /SequenceLength "y": input_sequence is of kind tensor; expected a sequence/,
    );
    refuses(
      { input: [optionalPort('o', s)], output: y, node: [node('SequenceLength', ['o'], ['y'])] },
      /input_sequence is of kind optional; expected a sequence/,
    );
  });

  it('are refused where strings or numbers are expected', () => {
    refuses(
      { input: [port('x', [2]), port('t', [2], 'string')], output: y, node: [node('Equal', ['x', 't'], ['y'])] },
      /Equal "y": B is string and A is float32; they must be of one type/,
    );
    refuses(
      { input: [port('t', [2], 'string')], output: y, node: [node('Neg', ['t'], ['y'])] },
      /Neg "y": X is string; Neg takes/,
    );
  });

  it('are refused where the branches of an If differ in kind', () => {
    const branch = (parts: GraphParts) => graph({ output: [port('z', undefined)], ...parts });
    refuses(
      {
        input: [port('c', [], 'bool'), s, port('t', [2], 'string'), port('x', [2])],
        output: y,
        node: [
          node('If', ['c'], ['y'], {
            then_branch: branch({ node: [node('Identity', ['s'], ['z'])] }),
            else_branch: branch({ node: [node('Identity', ['x'], ['z'])] }),
          }),
        ],
      },
      /If "y"/,
    );
  });

  it('are refused at a place that the sequence does not have', () => {
    refuses(
      {
        input: [port('x', [2])],
        output: y,
        initializer: [{ name: 'two', dataType: 7, dims: [], int64Data: [2] }],
        node: [node('SequenceConstruct', ['x', 'x'], ['q']), node('SequenceAt', ['q', 'two'], ['y'])],
      },
      /SequenceAt "y": position is 2; the sequence has 2 elements/,
    );
  });

  it('are refused as what a Scan hands to its body, and as what a Loop stacks', () => {
    const scan = graph({
      input: [port('e', [], 'string')],
      output: [port('f', [], 'string')],
      node: [node('Identity', ['e'], ['f'])],
    });
    refuses(
      {
        input: [port('t', [2], 'string')],
        output: y,
        node: [node('Scan', ['t'], ['y'], { body: scan, num_scan_inputs: 1 })],
      },
      /subgraph input "e": is a string tensor; its operator takes plain tensors/,
    );
    const loop = graph({
      input: [port('i', [], 'int64'), port('on', [], 'bool')],
      output: [port('still', [], 'bool'), port('f', [2], 'string')],
      node: [node('Identity', ['on'], ['still']), node('Identity', ['t'], ['f'])],
    });
    refuses(
      {
        input: [port('t', [2], 'string')],
        output: y,
        initializer: [{ name: 'three', dataType: 7, dims: [], int64Data: [3] }],
        node: [node('Loop', ['three', ''], ['y'], { body: loop })],
      },
      /Loop "y": a scan output must be a tensor of numbers or truth values/,
    );
  });
});
