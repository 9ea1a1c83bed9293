import * as assert from 'node:assert/strict';
import { targets } from '../../../codegen/index.ts';
import { compile } from '../../../src/compile.ts';
import { type ModelParts, makeModel, node, port } from '../../onnx/make-model.ts';
import { mapPort, optionalPort, sequencePort } from '../../ops/run-values.ts';

type Values = Readonly<Record<string, unknown>>;
interface Generated {
  load(options: { readonly wasm: Uint8Array }): Promise<unknown>;
  runValues(model: unknown, values: Values): Values;
}

async function runGenerated(parts: ModelParts, values: Values): Promise<Values> {
  const options = { name: 'net', weights: 'embed', math: 'fast', threads: false } as const;
  const files = await compile(makeModel(parts), targets.wasm!, options);
  const bytesOf = (ending: string): Uint8Array => files.find(({ path }) => path === `net.${ending}`)!.bytes;
  const source = Buffer.from(bytesOf('js')).toString('base64');
  const generated: Generated = await import(`data:text/javascript;base64,${source}`);
  return generated.runValues(await generated.load({ wasm: bytesOf('wasm') }), values);
}

describe('values in JavaScript', function () {
  this.timeout(120_000);

  it('are strings and arrays of them', async () => {
    const parts = {
      input: [port('x', ['n'], 'string'), port('s', [], 'string')],
      output: [port('y', ['n'], 'string')],
      node: [node('StringConcat', ['x', 's'], ['y'])],
      opset: 20,
    };
    assert.deepEqual(await runGenerated(parts, { x: ['grün', ''], s: '…' }), {
      y: { data: ['grün…', '…'], shape: [2] },
    });
  });

  it('are arrays for sequences, undefined for what is absent', async () => {
    const parts = {
      input: [sequencePort('s', [undefined]), optionalPort('o', port('', [2])), port('x', [1])],
      output: [sequencePort('t', [undefined]), optionalPort('p', port('', [2]))],
      node: [node('SequenceInsert', ['s', 'x'], ['t']), node('Identity', ['o'], ['p'])],
      opset: 18,
    };
    const s = [Float32Array.of(1, 2), { data: new Float32Array(0), shape: [0] }];
    const found = await runGenerated(parts, { s, x: Float32Array.of(7), o: undefined });
    assert.deepEqual(found, {
      t: [
        { data: Float32Array.of(1, 2), shape: [2] },
        { data: new Float32Array(0), shape: [0] },
        { data: Float32Array.of(7), shape: [1] },
      ],
      p: undefined,
    });
  });

  it('are Maps', async () => {
    const ml = { domain: 'ai.onnx.ml' };
    const vocabulary = { type: 8, strings: ['b', 'a'].map((text) => new TextEncoder().encode(text)) };
    const parts = {
      input: [mapPort('x', 'string', 'float32')],
      output: [{ name: 'y' }],
      node: [
        node('DictVectorizer', ['x'], ['row'], { string_vocabulary: vocabulary }, ml),
        node('ZipMap', ['row'], ['y'], { classlabels_int64s: { type: 7, ints: [5, 6] } }, ml),
      ],
      domains: { 'ai.onnx.ml': 3 },
    };
    const x = new Map([
      ['a', 0.5],
      ['c', 2],
    ]);
    assert.deepEqual(await runGenerated(parts as never, { x }), {
      y: [
        new Map([
          [5n, 0],
          [6n, 0.5],
        ]),
      ],
    });
  });
});
