import assert from 'node:assert/strict';
import onnxProto from 'onnx-proto';
import { ModelError } from '../../src/errors.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { scanLimits } from '../../src/onnx/wire-scan.ts';
import { delimited, endGroup, integer, message, modelOf, repeat, startGroup, varint } from './wire.ts';

/** The text of the ModelError that decoding throws; any other error fails the test. */
function refusal(bytes: Uint8Array): string {
  try {
    decodeModel(bytes);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return assert.fail('the model was accepted');
}

const node = (...parts: readonly Uint8Array[]): Uint8Array => delimited(1, message(...parts));

function nestedGraph(depth: number): Uint8Array {
  let graph = message();
  for (let level = 0; level < depth; level++) graph = node(delimited(5, delimited(6, graph)));
  return modelOf(graph);
}

const smallModel = (): Uint8Array =>
  onnxProto.onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'small',
      node: [{ opType: 'Add', input: ['x', 'w'], output: ['y'], attribute: [{ name: 'a', type: 7, ints: [1, -1] }] }],
      initializer: [{ name: 'w', dataType: 1, dims: [2], floatData: [1, 2] }],
      input: [{ name: 'x', type: { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 2 }] } } } }],
      output: [{ name: 'y', type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'n' }] } } } }],
    },
  }).finish();

describe('the wire scan', () => {
  it('refuses a small model cut at any byte with a ModelError, but for the end of the graph', () => {
    const whole = smallModel();
    const accepted: number[] = [];
    for (let length = 0; length < whole.length; length++) {
      try {
        // The operator sets come last: without them it is still a whole message.
        assert.deepEqual(decodeModel(whole.subarray(0, length)).opsetImport, []);
        accepted.push(length);
      } catch (error) {
        assert.ok(error instanceof ModelError, `cut at ${length}: ${error}`);
      }
    }
    assert.equal(accepted.length, 1);
    assert.equal(decodeModel(whole).graph?.name, 'small');
  });

  it('survives every single flipped byte of a small model', () => {
    const whole = smallModel();
    for (let position = 0; position < whole.length; position++) {
      for (const mask of [1, 0x80, 0xff, 0x07]) {
        const damaged = Uint8Array.from(whole);
        damaged[position]! ^= mask;
        try {
          decodeModel(damaged);
        } catch (error) {
          assert.ok(error instanceof ModelError, `byte ${position} ^ ${mask}: ${error}`);
        }
      }
    }
  });

  it('refuses an empty file', () => {
    assert.equal(refusal(new Uint8Array(0)), 'model: The file is empty; expected an ONNX model.');
  });

  it('refuses files that are something else', () => {
    assert.match(refusal(new TextEncoder().encode('<!DOCTYPE html><html></html>')), /^model: Not a/);
    assert.match(refusal(new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n')), /^model: Not a/);
    assert.match(refusal(Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])), /^model: Not a/);
    assert.match(refusal(new Uint8Array(1000)), /field number 0 does not exist/);
  });

  it('refuses a model without a graph or an IR version', () => {
    assert.equal(refusal(integer(1, 8)), 'model: The model has no graph. Is the file complete?');
    assert.match(refusal(delimited(7, '')), /ir_version is absent, expected 3 or more/);
    assert.match(refusal(message(integer(1, -5), delimited(7, ''))), /ir_version is -5/);
  });

  it('refuses more than 2 GiB without reading it', () => {
    assert.match(refusal(new Uint8Array(2 ** 31)), /has 2147483648 bytes; an ONNX file has less than 2 GiB/);
  });

  it('says where a length reaches beyond the file', () => {
    const cut = modelOf(node(delimited(4, 'Relu'))).subarray(0, -1);
    assert.match(refusal(cut), /graph should be 8 bytes long, but only 7 are left \(in ModelProto at byte 4\)/);
    const inner = modelOf(delimited(1, Uint8Array.from([0x22, 100, 65])));
    assert.match(refusal(inner), /opType should be 100 bytes long, but only 1 are left \(in ModelProto.graph.node at/);
  });

  it('refuses lengths, tags and numbers that are too long', () => {
    assert.match(
      refusal(message(integer(1, 8), Uint8Array.from([0x3a, 255, 255, 255, 255, 15]))),
      /a length is too large/,
    );
    assert.match(refusal(message(integer(1, 8), Uint8Array.from([0x3a, 128, 128, 128, 128, 128, 0]))), /too large/);
    assert.match(refusal(message(integer(1, 8), repeat(Uint8Array.from([255]), 20))), /a field tag is too large/);
    assert.match(refusal(message(Uint8Array.from([8]), repeat(Uint8Array.from([255]), 20))), /longer than 10 bytes/);
    assert.match(refusal(Uint8Array.from([8, 128])), /a number is cut off/);
  });

  it('refuses wire types that do not exist and groups that do not match', () => {
    assert.match(refusal(Uint8Array.from([0x0e])), /wire type 6 does not exist/);
    assert.match(refusal(Uint8Array.from([0x0f])), /wire type 7 does not exist/);
    assert.match(refusal(endGroup(90)), /group 90 is closed but not open/);
    assert.match(refusal(startGroup(90)), /a group is not closed/);
    assert.match(refusal(message(startGroup(90), endGroup(91))), /group 91 is closed but not open/);
  });

  it('skips unknown fields and groups', () => {
    const extra = message(startGroup(90), integer(3, 7), delimited(4, 'abc'), endGroup(90), delimited(1000, 'abc'));
    assert.equal(decodeModel(message(extra, modelOf(delimited(2, 'g')), extra)).graph?.name, 'g');
  });

  it('refuses 100,000 nested groups, open or closed', () => {
    const open = repeat(startGroup(90), 100_000);
    const close = repeat(endGroup(90), 100_000);
    assert.match(refusal(open), /nested more than 100 deep/);
    assert.match(refusal(message(integer(1, 8), open, close)), /nested more than 100 deep/);
  });

  it('accepts 32 nested subgraphs and refuses 40 and 1000', () => {
    assert.equal(decodeModel(nestedGraph(32)).graph?.node.length, 1);
    for (const depth of [40, 1000]) assert.match(refusal(nestedGraph(depth)), /nested more than 100 deep/);
  });

  it('refuses 5 million empty nodes quickly and without building them', () => {
    const bytes = modelOf(repeat(node(), 5_000_000));
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    assert.match(refusal(bytes), /Too large to compile: more than 500000 nodes \(in ModelProto.graph\)/);
    assert.ok(performance.now() - start < 1000);
    assert.ok(process.memoryUsage().heapUsed - before < 50e6);
  });

  it('counts nodes over all graphs and functions', () => {
    const half = repeat(node(), scanLimits.nodes / 2 + 1);
    const functions = delimited(25, message(delimited(1, 'f'), new Uint8Array(0)));
    const inFunction = delimited(25, repeat(delimited(7, ''), scanLimits.nodes / 2));
    assert.match(refusal(message(modelOf(half), functions, inFunction)), /more than 500000 nodes/);
  });

  it('refuses other floods of small parts', () => {
    const floods = {
      valueInfo: modelOf(repeat(delimited(13, ''), 2_500_000)),
      integers: modelOf(node(delimited(5, delimited(8, repeat(varint(1), 42_000_000))))),
      metadata: message(integer(1, 8), repeat(delimited(14, ''), 2_500_000)),
    };
    for (const [name, bytes] of Object.entries(floods)) {
      assert.match(refusal(bytes), /more small parts than fit/, name);
    }
  });

  it('refuses packed floats that do not fill their bytes', () => {
    const bytes = modelOf(node(delimited(5, delimited(7, Uint8Array.from([1, 2, 3])))));
    assert.match(refusal(bytes), /floats is 3 bytes long, not a multiple of 4/);
  });

  it('refuses names that are not UTF-8, and accepts any bytes as documentation', () => {
    const broken = Uint8Array.from([0xff, 0xfe]);
    assert.match(refusal(modelOf(delimited(2, broken))), /not valid UTF-8/);
    assert.match(refusal(modelOf(node(delimited(1, Uint8Array.from([0xc0, 0x80]))))), /not valid UTF-8/);
    const { graph } = decodeModel(modelOf(delimited(10, broken), node(delimited(6, broken))));
    assert.deepEqual(graph?.docString, broken);
  });
});
