// AttributeProto → attribute values. What a number means (an int, an element type) the declaration says.

import { dtypeFromOnnx } from '../../ir/dtype.ts';
import { int } from '../../ir/expr-make.ts';
import type { AttributeValue, Graph, Type, Value } from '../../ir/graph.ts';
import { problem } from '../errors.ts';
import type { AttributeSpec } from '../ops/attributes.ts';
import type { Operator } from '../ops/define.ts';
import type { AttributeProto, GraphProto, SparseTensorProto, TensorProto, TypeProto } from './proto-types.ts';

/** How the importer turns the parts that need it into values. */
export interface AttributeContext {
  tensor(proto: TensorProto): Value;
  sparse(proto: SparseTensorProto): Value;
  graph(name: string, proto: GraphProto): Graph;
  type(proto: TypeProto): Type | undefined;
}

const text = new TextDecoder();
const safeNumber = (value: bigint): number => {
  // Attributes such as `end = INT64_MAX` mean "beyond every size".
  const limit = 2n ** 52n;
  return Number(value > limit ? limit : value < -limit ? -limit : value);
};

export function attributeValue(
  attribute: AttributeProto,
  operator: Operator | undefined,
  where: string,
  context: AttributeContext,
): AttributeValue | undefined {
  const name = attribute.name ?? '';
  const spec = operator && Object.hasOwn(operator.attributes, name) ? operator.attributes[name] : undefined;
  // The names of types in opset 5 and before are for the operator to read.
  if (spec?.kind === 'dtype' && attribute.type !== 3) {
    const code = Number(attribute.i ?? 0n);
    // 0 stands for "undefined", which is how some exporters write an absent attribute.
    if (code === 0 && !spec.required) return undefined;
    const dtype = dtypeFromOnnx(code);
    if (!dtype) throw problem(where, `attribute ${name} is ${attribute.i}, which is no element type.`);
    return dtype;
  }
  checkNumberKind(attribute, spec, where);
  switch (attribute.type || guessType(attribute)) {
    case 1:
      return attribute.f ?? 0;
    case 2:
      return safeNumber(attribute.i ?? 0n);
    case 3:
      return text.decode(attribute.s ?? new Uint8Array());
    case 4:
      return attribute.t && context.tensor(attribute.t);
    case 5:
      return attribute.g && context.graph(name, attribute.g);
    case 6:
      return attribute.floats;
    case 7:
      return attribute.ints.map(safeNumber);
    case 8:
      return attribute.strings.map((item) => text.decode(item));
    case 9:
      return attribute.tensors.map((item) => context.tensor(item));
    case 10:
      return attribute.graphs.map((item) => context.graph(name, item));
    case 11:
      return attribute.sparseTensor && context.sparse(attribute.sparseTensor);
    case 13:
      return attribute.tp && context.type(attribute.tp);
    default:
      throw problem(where, `attribute ${name} has unknown kind ${attribute.type}.`);
  }
}

const kindNames: Readonly<Record<number, string>> = { 1: 'FLOAT', 2: 'INT', 6: 'FLOATS', 7: 'INTS' };
const numberKinds: Readonly<Record<string, number>> = { float: 1, int: 2, floats: 6, ints: 7 };

/** Whole numbers and floats are different kinds, although both become numbers here. */
function checkNumberKind(attribute: AttributeProto, spec: AttributeSpec<unknown> | undefined, where: string): void {
  const expected = spec && numberKinds[spec.kind];
  const given = attribute.type && kindNames[attribute.type];
  if (expected === undefined || !given || attribute.type === expected) return;
  // That one number is no list is said of all kinds alike.
  if (given.endsWith('S') !== kindNames[expected]!.endsWith('S')) return;
  throw problem(where, `attribute ${attribute.name} is of kind ${given}; expected ${kindNames[expected]}.`);
}

/** Models of IR version 1 do not say the kind. */
function guessType(attribute: AttributeProto): number {
  if (attribute.f !== undefined) return 1;
  if (attribute.i !== undefined) return 2;
  if (attribute.s !== undefined) return 3;
  if (attribute.t !== undefined) return 4;
  if (attribute.g !== undefined) return 5;
  if (attribute.floats.length > 0) return 6;
  if (attribute.strings.length > 0) return 8;
  return 7;
}

/** The value of a Constant node, in whichever of its attributes it stands. */
export function constantNodeTensor(
  attribute: AttributeProto,
  where: string,
  context: AttributeContext,
  make: {
    scalar(value: number | bigint, dtype: 'float32' | 'int64'): Value;
    list(values: readonly (number | bigint)[], dtype: 'float32' | 'int64'): Value;
    strings(values: readonly Uint8Array[], scalar: boolean): Value;
  },
): Value {
  switch (attribute.name) {
    case 'value':
      if (attribute.t) return context.tensor(attribute.t);
      break;
    case 'sparse_value':
      if (attribute.sparseTensor) return context.sparse(attribute.sparseTensor);
      break;
    case 'value_float':
      return make.scalar(attribute.f ?? 0, 'float32');
    case 'value_floats':
      return make.list(attribute.floats, 'float32');
    case 'value_int':
      return make.scalar(attribute.i ?? 0n, 'int64');
    case 'value_ints':
      return make.list(attribute.ints, 'int64');
    case 'value_string':
      return make.strings([attribute.s ?? new Uint8Array()], true);
    case 'value_strings':
      return make.strings(attribute.strings, false);
  }
  throw problem(where, `Constant has no value that we know (attribute ${JSON.stringify(attribute.name ?? '')}).`);
}

export const extents = (dims: readonly number[]): ReturnType<typeof int>[] => dims.map(int);
