// Initializers, dense and sparse, become constants.

import type { TensorType, Value } from '../../ir/graph.ts';
import type { Builder } from '../ops/define.ts';
import { constantStrings } from '../ops/string-parts.ts';
import { extents } from './import-attributes.ts';
import { collect, type ImportState, refuseRepeated, type Scope } from './import-scope.ts';
import type { GraphProto } from './proto-types.ts';
import { readSparseTensor } from './sparse-tensor.ts';
import { readTensor, type TensorData } from './tensor.ts';

export function constantOfTensor(data: TensorData, builder: Builder, name?: string): Value {
  const type: TensorType = { kind: 'tensor', dtype: data.dtype, shape: extents(data.dims) };
  if (data.strings) return constantStrings(builder, data.strings, type.shape, name);
  return builder.constant(type, data.bytes, name);
}

export function importInitializers(
  graph: GraphProto,
  scope: Scope,
  state: ImportState,
  skip: ReadonlySet<string>,
): void {
  for (const initializer of graph.initializer) {
    const name = initializer.name ?? '';
    if (skip.has(name)) continue;
    collect(state, `initializer ${JSON.stringify(name)}`, () => {
      refuseRepeated(name, scope);
      scope.values.set(name, undefined);
      scope.values.set(name, constantOfTensor(readTensor(initializer, state.resolveExternal), state.builder, name));
    });
  }
  for (const sparse of graph.sparseInitializer) {
    const name = sparse.values?.name ?? '';
    collect(state, `sparse initializer ${JSON.stringify(name)}`, () => {
      refuseRepeated(name, scope);
      scope.values.set(name, constantOfTensor(readSparseTensor(sparse, state.resolveExternal), state.builder, name));
    });
  }
}
