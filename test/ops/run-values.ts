// Runs models on values of any kind: tensors, strings, sequences, optionals, maps, as plain data.

import { readElement, toBytes } from '../../ir/bytes.ts';
import { type DType, dtypes } from '../../ir/dtype.ts';
import { buildExecutable } from '../../src/execute/build.ts';
import type { DataValue } from '../../src/onnx/test-data.ts';
import { type ModelParts, makeModel, type PortParts, port } from '../onnx/make-model.ts';

/** A tensor, `[dims, elements]`; a sequence, `{ list: […] }`; an optional; a map. */
export type Plain =
  | readonly [dims: readonly number[], elements: readonly (number | string | boolean)[]]
  | { readonly list: readonly Plain[] }
  | { readonly optional: Plain | undefined }
  | { readonly keys: readonly (number | string)[]; readonly values: readonly Plain[] };

const isTensor = (plain: Plain): plain is Extract<Plain, readonly unknown[]> => Array.isArray(plain);

export function given(plain: Plain, dtype: DType = 'float32'): DataValue {
  if (isTensor(plain)) {
    const [dims, elements] = plain;
    if (dtype === 'string') {
      const strings = elements.map((text) => new TextEncoder().encode(String(text)));
      return { kind: 'tensor', tensor: { dtype, dims, bytes: new Uint8Array(0), strings } };
    }
    return { kind: 'tensor', tensor: { dtype, dims, bytes: toBytes(dtype, elements.map(Number)) } };
  }
  if ('list' in plain) return { kind: 'sequence', elements: plain.list.map((element) => given(element, dtype)) };
  if ('optional' in plain)
    return { kind: 'optional', value: plain.optional === undefined ? undefined : given(plain.optional, dtype) };
  const keys = plain.keys.map((key) => (typeof key === 'number' ? BigInt(key) : key)) as bigint[] | string[];
  return { kind: 'map', keys, values: plain.values.map((value) => given(value, dtype)) };
}

export function shown(value: DataValue): Plain {
  switch (value.kind) {
    case 'tensor': {
      const { dtype, dims, bytes, strings } = value.tensor;
      if (strings) return [dims, strings.map((text) => new TextDecoder().decode(text))];
      const count = dims.reduce((a, b) => a * b, 1);
      return [dims, Array.from({ length: count }, (_, i) => Number(readElement(dtype, bytes, i)))];
    }
    case 'sequence':
      return { list: value.elements.map(shown) };
    case 'optional':
      return { optional: value.value && shown(value.value) };
    case 'map':
      return {
        keys: value.keys.map((key) => (typeof key === 'bigint' ? Number(key) : key)),
        values: value.values.map(shown),
      };
  }
}

export type InputTypes = Readonly<Record<string, DType>>;

/** Runs a model; inputs by name. Gives the outputs in order. */
export async function runValues(
  parts: ModelParts,
  inputs: Readonly<Record<string, DataValue>>,
  target = 'js',
): Promise<readonly Plain[]> {
  const executable = await buildExecutable({ bytes: makeModel(parts), file: '' }, target, {});
  try {
    const list = Object.entries(inputs).map(([name, value]) => ({ name, file: '', value }));
    return (await executable.run(list)).map(({ value }) => shown(value));
  } finally {
    executable.dispose();
  }
}

type Shape = readonly (number | string | undefined)[];

export const sequencePort = (name: string, shape: Shape | undefined, dtype: DType = 'float32'): PortParts => ({
  name,
  type: { sequenceType: { elemType: port('', shape, dtype).type! } },
});

export const optionalPort = (name: string, inner: PortParts): PortParts =>
  ({ name, type: { optionalType: { elemType: inner.type } } }) as PortParts;

export const mapPort = (name: string, key: DType, value: DType): PortParts => ({
  name,
  type: { mapType: { keyType: dtypes[key].onnx, valueType: port('', [], value).type! } },
});
