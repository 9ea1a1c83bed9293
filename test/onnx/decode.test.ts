import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import onnxProto from 'onnx-proto';
import { dtypes } from '../../ir/dtype.ts';
import { decodeMessage, decodeModel } from '../../src/onnx/decode.ts';
import { attributeTypes, elementKinds } from '../../src/onnx/proto-types.ts';
import { delimited, integer, message, modelOf } from './wire.ts';

const { onnx } = onnxProto;
const encode = (model: onnxProto.onnx.IModelProto): Uint8Array => onnx.ModelProto.encode(model).finish();
/** What the test below needs of a message type in protobufjs's reflection, and of a message in onnx-proto. */
interface ReflectedType {
  readonly name: string;
  readonly nestedArray?: readonly ReflectedType[];
  readonly fieldsArray?: readonly {
    readonly name: string;
    readonly id: number;
    readonly type: string;
    readonly repeated: boolean;
    readonly resolvedType?: ReflectedType;
  }[];
}
interface Encoder {
  readonly [nested: string]: unknown;
  encode(message: object): { finish(): Uint8Array };
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

describe('decodeModel', () => {
  it('reads what onnx-proto writes', () => {
    const model = decodeModel(
      encode({
        irVersion: 8,
        producerName: 'maker',
        producerVersion: '1.2',
        domain: 'com.example',
        modelVersion: 3,
        docString: 'words',
        opsetImport: [{ version: 17 }, { domain: 'ai.onnx.ml', version: 3 }],
        metadataProps: [{ key: 'k', value: 'v' }],
        graph: { name: 'g' },
      }),
    );
    assert.equal(model.irVersion, 8n);
    assert.equal(model.producerName, 'maker');
    assert.equal(model.producerVersion, '1.2');
    assert.equal(model.domain, 'com.example');
    assert.equal(model.modelVersion, 3n);
    assert.deepEqual(model.docString, text('words'));
    assert.deepEqual(model.opsetImport, [{ version: 17n }, { domain: 'ai.onnx.ml', version: 3n }]);
    assert.deepEqual(model.metadataProps, [{ key: 'k', value: 'v' }]);
    assert.equal(model.graph?.name, 'g');
  });

  it('gives absent fields as undefined and absent lists as empty', () => {
    const { graph } = decodeModel(modelOf(delimited(1, ''), delimited(11, ''), delimited(5, '')));
    assert.equal(graph?.name, undefined);
    assert.deepEqual(Object.keys(graph?.node[0] ?? {}), [
      'input',
      'output',
      'attribute',
      'metadataProps',
      'deviceConfigurations',
    ]);
    assert.equal(graph?.input[0]?.type, undefined);
    assert.equal(graph?.initializer[0]?.rawData, undefined);
    assert.deepEqual(graph?.initializer[0]?.dims, []);
  });

  it('tells an empty name from an absent one', () => {
    const { graph } = decodeModel(modelOf(delimited(2, ''), delimited(1, delimited(1, ''))));
    assert.equal(graph?.name, '');
    assert.deepEqual(graph?.node[0]?.input, ['']);
  });

  it('reads all attribute fields', () => {
    const tensor = { name: 't', dataType: 1, dims: [1], rawData: Uint8Array.from([0, 0, 128, 63]) };
    const attribute: onnxProto.onnx.IAttributeProto[] = [
      { name: 'f', type: 1, f: 0.5 },
      { name: 'i', type: 2, i: -7 },
      { name: 's', type: 3, s: text('hé') },
      { name: 't', type: 4, t: tensor },
      { name: 'g', type: 5, g: { name: 'inner', node: [{ opType: 'Relu' }] } },
      { name: 'fs', type: 6, floats: [1, 2.5] },
      { name: 'is', type: 7, ints: [1, -1] },
      { name: 'ss', type: 8, strings: [text('a'), text('')] },
      { name: 'ts', type: 9, tensors: [tensor] },
      { name: 'gs', type: 10, graphs: [{ name: 'a' }, { name: 'b' }] },
      { name: 'st', type: 11, sparseTensor: { values: tensor, dims: [4] } },
      { name: 'sts', type: 12, sparseTensors: [{ dims: [4] }] },
      { name: 'ref', refAttrName: 'outer', docString: 'doc' },
    ];
    const model = decodeModel(encode({ irVersion: 8, graph: { node: [{ opType: 'X', attribute }] } }));
    const read = new Map(model.graph?.node[0]?.attribute.map((entry) => [entry.name, entry]));
    assert.equal(read.get('f')?.f, 0.5);
    assert.equal(read.get('f')?.type, attributeTypes.float);
    assert.equal(read.get('i')?.i, -7n);
    assert.deepEqual(read.get('s')?.s, text('hé'));
    assert.deepEqual(read.get('t')?.t?.rawData, Uint8Array.from([0, 0, 128, 63]));
    assert.equal(read.get('g')?.g?.node[0]?.opType, 'Relu');
    assert.deepEqual(read.get('fs')?.floats, [1, 2.5]);
    assert.deepEqual(read.get('is')?.ints, [1n, -1n]);
    assert.deepEqual(read.get('ss')?.strings, [text('a'), text('')]);
    assert.equal(read.get('ts')?.tensors[0]?.name, 't');
    assert.deepEqual(
      read.get('gs')?.graphs.map((graph) => graph.name),
      ['a', 'b'],
    );
    assert.equal(read.get('st')?.sparseTensor?.values?.name, 't');
    assert.deepEqual(read.get('sts')?.sparseTensors[0]?.dims, [4n]);
    assert.equal(read.get('ref')?.refAttrName, 'outer');
    assert.equal(read.get('ref')?.i, undefined);
  });

  it('reads all types and both kinds of dimension', () => {
    const tensorType = {
      elemType: 1,
      shape: { dim: [{ dimValue: 3 }, { dimParam: 'n' }, { denotation: 'DATA_BATCH' }, {}] },
    };
    const types: onnxProto.onnx.ITypeProto[] = [
      { tensorType, denotation: 'IMAGE' },
      { sequenceType: { elemType: { tensorType } } },
      { mapType: { keyType: 7, valueType: { tensorType } } },
      { optionalType: { elemType: { sequenceType: { elemType: { tensorType } } } } },
      { sparseTensorType: { elemType: 1, shape: { dim: [{ dimValue: 0 }] } } },
      { tensorType: { elemType: 8 } },
    ];
    const model = decodeModel(encode({ irVersion: 8, graph: { input: types.map((type) => ({ name: 'x', type })) } }));
    const read = model.graph?.input.map((input) => input.type) ?? [];
    const expected = {
      elemType: 1,
      shape: { dim: [{ dimValue: 3n }, { dimParam: 'n' }, { denotation: 'DATA_BATCH' }, {}] },
    };
    assert.deepEqual(read, [
      { tensorType: expected, denotation: 'IMAGE' },
      { sequenceType: { elemType: { tensorType: expected } } },
      { mapType: { keyType: 7, valueType: { tensorType: expected } } },
      { optionalType: { elemType: { sequenceType: { elemType: { tensorType: expected } } } } },
      { sparseTensorType: { elemType: 1, shape: { dim: [{ dimValue: 0n }] } } },
      { tensorType: { elemType: 8 } },
    ]);
  });

  it('keeps 64-bit integers exact', () => {
    const values = [0n, 1n, 127n, 128n, 2n ** 31n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    const all = [...values, ...values.map((value) => -value), -(2n ** 63n)];
    const attribute = message(...all.map((value) => integer(8, value)), integer(3, -(2n ** 63n)));
    const read = decodeModel(modelOf(delimited(1, delimited(5, attribute)))).graph?.node[0]?.attribute[0];
    assert.deepEqual(read?.ints, all);
    assert.equal(read?.i, -(2n ** 63n));
  });

  it('reads lists packed and not', () => {
    const packed = delimited(8, Uint8Array.from([1, 2, 0x80, 1]));
    const attribute = message(integer(8, 9), packed, integer(8, 10));
    const read = decodeModel(modelOf(delimited(1, delimited(5, attribute)))).graph?.node[0]?.attribute[0];
    assert.deepEqual(read?.ints, [9n, 1n, 2n, 128n, 10n]);
  });

  it('merges a graph that is given in two parts, as protobuf demands', () => {
    const bytes = message(
      modelOf(delimited(2, 'first'), delimited(1, delimited(4, 'A'))),
      delimited(7, message(delimited(2, 'second'), delimited(1, delimited(4, 'B')))),
    );
    const { graph } = decodeModel(bytes);
    assert.equal(graph?.name, 'second');
    assert.deepEqual(
      graph?.node.map((node) => node.opType),
      ['A', 'B'],
    );
  });

  it('takes the last of a field that is given twice, and of alternatives', () => {
    const dim = message(integer(1, 3), delimited(2, 'n'));
    const type = delimited(2, delimited(1, delimited(2, delimited(1, dim))));
    const model = decodeModel(message(integer(1, 7), modelOf(delimited(11, type))));
    assert.equal(model.irVersion, 8n);
    assert.deepEqual(model.graph?.input[0]?.type?.tensorType?.shape?.dim, [{ dimParam: 'n' }]);
  });

  it('reads what came after ONNX 1.10: overloads, function attributes and types, metadata, devices', () => {
    const functionProto = message(
      delimited(1, 'f'),
      delimited(10, 'local'),
      delimited(13, 'v2'),
      delimited(6, 'alpha'),
      delimited(11, message(delimited(1, 'beta'), integer(20, 1))),
      delimited(12, delimited(1, 'hidden')),
      delimited(14, delimited(1, 'k')),
    );
    const node = message(delimited(4, 'f'), delimited(7, 'local'), delimited(8, 'v2'), delimited(9, delimited(1, 'k')));
    const device = delimited(10, message(delimited(1, 'two'), integer(3, 1)));
    const model = decodeModel(
      message(
        integer(1, 13),
        delimited(7, message(delimited(1, message(node, device)), delimited(16, delimited(1, 'gk')))),
        delimited(25, functionProto),
        delimited(26, message(delimited(1, 'two'), integer(2, 2), delimited(3, 'cpu'))),
        delimited(20, delimited(2, delimited(2, 'training'))),
      ),
    );
    assert.equal(model.graph?.node[0]?.overload, 'v2');
    assert.equal(model.graph?.node[0]?.metadataProps[0]?.key, 'k');
    assert.equal(model.graph?.node[0]?.deviceConfigurations[0]?.pipelineStage, 1);
    assert.equal(model.graph?.metadataProps[0]?.key, 'gk');
    assert.equal(model.functions[0]?.overload, 'v2');
    assert.deepEqual(model.functions[0]?.attribute, ['alpha']);
    assert.equal(model.functions[0]?.attributeProto[0]?.name, 'beta');
    assert.equal(model.functions[0]?.valueInfo[0]?.name, 'hidden');
    assert.deepEqual(model.configuration, [{ name: 'two', numDevices: 2, device: ['cpu'] }]);
    assert.equal(model.trainingInfo[0]?.algorithm?.name, 'training');
  });

  it('gives views of the file for bytes, also when the file is a Buffer', () => {
    const file = Buffer.from(modelOf(delimited(5, delimited(9, 'abcd'))));
    const raw = decodeModel(file).graph?.initializer[0]?.rawData;
    assert.equal(Object.getPrototypeOf(raw), Uint8Array.prototype);
    assert.equal(raw?.buffer, file.buffer);
  });
});

describe('the schema', () => {
  const protobuf = createRequire(import.meta.url)('protobufjs');
  const schema = protobuf.loadSync(new URL('../../src/onnx/onnx.proto', import.meta.url).pathname).resolveAll();
  const values = (name: string): Record<string, number> => schema.lookupEnum(name).values;

  it('has the field numbers of onnx-proto in every message that both know', () => {
    const samples: Record<string, unknown> = { string: 'a', bytes: text('a'), float: 1, int64: 1, int32: 1 };
    const differences: string[] = [];
    let compared = 0;
    const compare = (type: ReflectedType, encoder: Encoder | undefined): void => {
      for (const nested of type.nestedArray ?? []) compare(nested, encoder?.[nested.name] as Encoder | undefined);
      for (const field of encoder?.encode === undefined ? [] : (type.fieldsArray ?? [])) {
        // Where our types differ: the number lists of TensorProto, and documentation.
        const list = /^(float|int32|int64|double|uint64)Data$/.test(field.name);
        const sample = list
          ? 1
          : field.name === 'docString'
            ? 'a'
            : field.resolvedType?.fieldsArray
              ? {}
              : (samples[field.type] ?? 1);
        const encoded: Uint8Array = encoder!.encode({ [field.name]: field.repeated ? [sample] : sample }).finish();
        // Fields that came later than onnx-proto: it ignores them and writes nothing.
        if (encoded.length === 0) continue;
        const tag = encoded[0]! < 128 ? encoded[0]! : (encoded[0]! & 127) | (encoded[1]! << 7);
        compared += 1;
        if (tag >> 3 !== field.id) differences.push(`${type.name}.${field.name}: ${field.id}, onnx-proto ${tag >> 3}`);
      }
    };
    compare(schema.lookup('onnx'), onnx as unknown as Encoder);
    assert.deepEqual(differences, []);
    assert.ok(compared > 90, `compared only ${compared} fields`);
  });

  it('numbers data types as the table of element types does', () => {
    const byNumber = new Map(Object.entries(dtypes).map(([name, { onnx: number }]) => [number, name]));
    const { UNDEFINED, ...types } = values('onnx.TensorProto.DataType');
    assert.equal(UNDEFINED, 0);
    const names: Record<string, string> = { FLOAT: 'float32', DOUBLE: 'float64' };
    for (const [name, number] of Object.entries(types)) {
      assert.equal(byNumber.get(number), names[name] ?? name.toLowerCase());
    }
    assert.equal(Object.keys(types).length, 26);
  });

  it('numbers attribute types and kinds of elements as the decoder does', () => {
    const camel = (name: string): string => name.toLowerCase().replace(/_(.)/g, (_, letter) => letter.toUpperCase());
    const table = (name: string) =>
      Object.fromEntries(
        Object.entries(values(name))
          .filter(([, number]) => number > 0)
          .map(([key, number]) => [camel(key), number]),
      );
    assert.deepEqual(table('onnx.AttributeProto.AttributeType'), { ...attributeTypes });
    assert.deepEqual(table('onnx.SequenceProto.DataType'), { ...elementKinds });
  });
});

describe('decodeMessage', () => {
  it('reads a lone TensorProto', () => {
    const bytes = onnx.TensorProto.encode({ name: 't', dims: [2, 3], dataType: 9 }).finish();
    const tensor = decodeMessage('TensorProto', bytes, 'file t.pb');
    assert.equal(tensor.name, 't');
    assert.deepEqual(tensor.dims, [2n, 3n]);
  });
});
