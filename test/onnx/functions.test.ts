import * as assert from 'node:assert/strict';
import { toBytes } from '../../ir/bytes.ts';
import type { Graph } from '../../ir/graph.ts';
import { type CompileOptions, importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { importModel } from '../../src/onnx/import.ts';
import type { ModelProto } from '../../src/onnx/proto-types.ts';
import { createBuilder } from '../../src/ops/builder.ts';
import { findOperator } from '../../src/ops/index.ts';
import {
  type AttributeInput,
  type FunctionParts,
  float,
  type ModelParts,
  makeModel,
  type NodeParts,
  node,
  port,
} from './make-model.ts';

const domain = 'com.example';
const ours = { domain } as const;

/** A function of one input and one output. */
const define = (name: string, body: readonly NodeParts[], more: FunctionParts = {}): FunctionParts => ({
  name,
  domain,
  input: ['a'],
  output: ['b'],
  node: [...body],
  opsetImport: [
    { domain: '', version: 17 },
    { domain, version: 1 },
  ],
  ...more,
});

const model = (nodes: readonly NodeParts[], parts: ModelParts = {}): Uint8Array =>
  makeModel({
    input: [port('x', [2])],
    output: [port('y', [2])],
    node: [...nodes],
    domains: { [domain]: 1 },
    ...parts,
  });

const importProto = (proto: ModelProto): Graph =>
  importModel(proto, findOperator, createBuilder(), { dims: {}, maximums: {}, shapes: {}, overridable: [] });

const resultOf = (bytes: Uint8Array, options: CompileOptions = {}): readonly number[] =>
  resultOfGraph(importBytes(bytes, options));

function resultOfGraph(graph: Graph): readonly number[] {
  const program = toProgram(graph, undefined);
  const [result] = runProgram(program, [{ dtype: 'float32', dims: [2], bytes: toBytes('float32', [1, -2]) }]);
  return [...new Float32Array(result!.bytes.slice().buffer)];
}

/** A file that is nothing but functions. */
const library = (...functions: readonly FunctionParts[]): Uint8Array =>
  makeModel({ functions, domains: { [domain]: 1 } });
const scaled = (name: string, slope: number, more: FunctionParts = {}): FunctionParts =>
  define(name, [node('LeakyRelu', ['a'], ['b'], { alpha: float(slope) })], more);

describe('functions', () => {
  it('of another file define operators that the model does not', () => {
    const uses = model([node('Fancy', ['x'], ['y'], {}, ours)]);
    assert.deepEqual(resultOf(uses, { functions: [library(scaled('Fancy', 0.5))] }), [1, -1]);
  });

  it('of the model come before those of another file', () => {
    const uses = model([node('Fancy', ['x'], ['y'], {}, ours)], { functions: [scaled('Fancy', 0.25)] });
    assert.deepEqual(resultOf(uses, { functions: [library(scaled('Fancy', 0.5))] }), [1, -0.5]);
  });

  it('call each other across files', () => {
    const outer = define('Outer', [node('Fancy', ['a'], ['t'], {}, ours), node('Neg', ['t'], ['b'])]);
    const uses = model([node('Outer', ['x'], ['y'], {}, ours)], { functions: [outer] });
    assert.deepEqual(resultOf(uses, { functions: [library(scaled('Fancy', 0.5))] }), [-1, 1]);
  });

  // The encoder of these tests is older than overloads and defaults of attributes, so what it leaves out is put in here.
  it('are told apart by their overload', () => {
    const call = (x: string, y: string): NodeParts => node('Fancy', [x], [y], {}, ours);
    const functions = [scaled('Fancy', 0.5), scaled('Fancy', 0.25)];
    const { graph, ...decoded } = decodeModel(model([call('x', 't'), call('t', 'y')], { functions }));
    const marked = <T>(items: readonly T[], at: number): readonly T[] =>
      items.map((item, i) => (i === at ? { ...item, overload: 'slow' } : item));
    const changed = {
      ...decoded,
      functions: marked(decoded.functions, 1),
      graph: { ...graph!, node: marked(graph!.node, 0) },
    };
    assert.deepEqual(resultOfGraph(importProto(changed)), [1, -0.25]);
  });

  it('hand their attributes on, given or by default, also through another function', () => {
    const referring = (target: string, name: string, from: string, more: NodeParts = {}): NodeParts => ({
      opType: target,
      input: ['a'],
      output: ['b'],
      attribute: [{ name, type: 1, refAttrName: from }],
      ...more,
    });
    const inner = define('Inner', [referring('LeakyRelu', 'alpha', 'slope')]);
    const outer = define('Outer', [referring('Inner', 'slope', 'own', ours)], { attribute: ['own'] });
    const outcome = (attributes: Readonly<Record<string, AttributeInput>>): readonly number[] => {
      const bytes = model([node('Outer', ['x'], ['y'], attributes, ours)], { functions: [inner, outer] });
      const { functions, ...decoded } = decodeModel(bytes);
      // What the call of LeakyRelu has, made the function's own.
      const defaulted = decodeModel(library(scaled('Inner', 0.5))).functions[0]!.node[0]!.attribute;
      const attributeProto = defaulted.map((item) => ({ ...item, name: 'slope' }));
      const changed = functions.map((item, i) => (i === 0 ? { ...item, attributeProto } : item));
      return resultOfGraph(importProto({ ...decoded, functions: changed }));
    };
    assert.deepEqual(outcome({ own: float(0.125) }), [1, -0.25]);
    assert.deepEqual(outcome({}), [1, -1]);
  });

  it('are asked for where a file holds none', () => {
    assert.throws(
      () => importBytes(model([node('Neg', ['x'], ['y'])]), { functions: [library()] }),
      /file of functions: holds no functions/,
    );
  });
});

describe('an operator that nothing defines', () => {
  it('is said to be left out on purpose where it is', () => {
    const uses = model([node('EPContext', ['x'], ['y'], {}, { domain: 'com.microsoft' })], {
      domains: { 'com.microsoft': 1 },
    });
    assert.throws(
      () => importBytes(uses),
      /EPContext .* is not supported: it holds a program that was compiled for one/,
    );
  });

  it('may be defined by a function where its domain is nobody else’s', () => {
    const uses = model([node('Fancy', ['x'], ['y'], {}, ours)]);
    assert.throws(() => importBytes(uses), /A function of that name in an ONNX file can define it: --functions <file>/);
  });
});
