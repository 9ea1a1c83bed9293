// The border of a model whose inputs or outputs are no plain tensors: which ports stand for a value, and the value that
// is made of them. `Forms` say so to whoever calls the program. What a caller gives is checked where it comes in.

import { dtypeFromOnnx } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { constantOf, int, product, sub } from '../../ir/expr-make.ts';
import type { Form, NamedForm } from '../../ir/form.ts';
import type { TensorType, Type, Value } from '../../ir/graph.ts';
import { problem } from '../errors.ts';
import type { Builder } from '../ops/define.ts';
import { ScalarOf } from '../ops/scan.ts';
import { CheckedShapes } from '../ops/sequence-kernels.ts';
import { CheckedSpans } from '../ops/string-parts.ts';
import { mapOf, optionalOf, sequenceOf, stringsOf } from '../ops/structure.ts';
import { inputType, type Symbols, symbol } from './import-types.ts';
import type { TypeProto } from './proto-types.ts';

export interface Ports {
  readonly value: Value;
  readonly form: Form;
}

interface Border {
  readonly g: Builder;
  readonly symbols: Symbols;
  /** All inputs so far: a port is a position in this list. */
  readonly inputs: Value[];
}

function port({ g, inputs }: Border, name: string, type: TensorType): { readonly value: Value; readonly port: number } {
  const value = g.input(name, type);
  inputs.push(value);
  return { value, port: inputs.length - 1 };
}

const tensor = (dtype: TensorType['dtype'], shape: readonly Expr[]): TensorType => ({ kind: 'tensor', dtype, shape });

/** Ports for an input; `type` is what the model declares. */
export function inputPorts(
  proto: TypeProto | undefined,
  name: string,
  border: Border,
  shaped: (type: Type) => Type = (type) => type,
): Ports {
  const where = `input ${JSON.stringify(name)}`;
  if (proto?.sequenceType) return sequencePorts(proto.sequenceType.elemType, name, border);
  if (proto?.optionalType) {
    const present = port(border, `${name}_present`, tensor('bool', []));
    const inner = inputPorts(proto.optionalType.elemType, name, border);
    const { value } = inner;
    return {
      value: optionalOf(present.value, value, value.type, name),
      form: { kind: 'optional', present: present.port, value: inner.form },
    };
  }
  if (proto?.mapType) return mapPorts(proto.mapType.keyType ?? 0, proto.mapType.valueType, name, border);
  const type = shaped(inputType(proto, name, border.symbols));
  if (type.kind !== 'tensor') throw problem(where, `is of kind ${type.kind}, which is not supported.`);
  return tensorPorts(type, name, border);
}

function tensorPorts(type: TensorType, name: string, border: Border): Ports {
  if (type.dtype !== 'string') {
    const own = port(border, name, type);
    return { value: own.value, form: { kind: 'tensor', port: own.port } };
  }
  const { g, symbols } = border;
  const length = symbol(symbols, `${name}_bytes`);
  const spans = port(border, `${name}_spans`, tensor('int64', type.shape));
  const bytes = port(border, `${name}_bytes`, tensor('uint8', [length]));
  const checked = g.apply(CheckedSpans, [spans.value, g.sizes([length])]);
  return {
    value: stringsOf(checked, bytes.value, length, name),
    form: { kind: 'strings', spans: spans.port, bytes: bytes.port },
  };
}

/** Sizes with the same name in each element may differ: only constants count. */
function sequencePorts(proto: TypeProto | undefined, name: string, border: Border): Ports {
  const where = `input ${JSON.stringify(name)}`;
  const element = proto?.tensorType;
  if (!element) throw problem(where, 'is a sequence of something else than tensors, which is not supported.');
  const dtype = dtypeFromOnnx(element.elemType ?? 0);
  if (!dtype) throw problem(where, `has unknown element type ${element.elemType ?? 0}.`);
  const { g, symbols } = border;
  const dims = element.shape?.dim.map(({ dimValue }) => (dimValue === undefined ? undefined : int(Number(dimValue))));
  const width = dims ? int(dims.length + 1) : symbol(symbols, `${name}_width`);
  const most = symbol(symbols, `${name}_elements`);
  const shapes = port(border, `${name}_shapes`, tensor('int64', [symbol(symbols, `${name}_length`), width]));
  const data = tensorPorts(tensor(dtype, [most]), `${name}_data`, border);
  const checked = g.apply(CheckedShapes, [shapes.value, g.sizes([most])]);
  const count = g.sizes([symbol(symbols, `${name}_length`)]);
  return {
    value: sequenceOf({ count: g.apply(ScalarOf, [count]), shapes: checked, data: data.value, dims }, name),
    form: { kind: 'sequence', shapes: shapes.port, data: data.form, dtype },
  };
}

function mapPorts(keyType: number, proto: TypeProto | undefined, name: string, border: Border): Ports {
  const where = `input ${JSON.stringify(name)}`;
  const key = dtypeFromOnnx(keyType);
  const dtype = dtypeFromOnnx(proto?.tensorType?.elemType ?? 0);
  if (!key || !dtype) throw problem(where, 'is a map of something else than tensors, which is not supported.');
  const length = symbol(border.symbols, `${name}_length`);
  const keys = tensorPorts(tensor(key, [length]), `${name}_keys`, border);
  const values = tensorPorts(tensor(dtype, [length]), `${name}_values`, border);
  return {
    value: mapOf(keys.value, values.value, 'map', name),
    form: { kind: 'map', keys: keys.form, values: values.form },
  };
}

/** An input of more integers is data, not sizes. */
const mostSizes = 8;

/**
 * What an input of a few integers says, in sizes that the caller gives beforehand: in a port [n, m, …, n', m', …, 0] that
 * holds nothing, where n is the integer if it is positive, n' its distance below 0 otherwise. This is the one at
 * `position`; without it, what a single integer is above 0. Undefined for any other value.
 */
export function sizeOfInput(
  value: Value,
  position: number | undefined,
  forms: NamedForm[],
  border: Border,
): Expr | undefined {
  const own = border.inputs.indexOf(value);
  const at = forms.findIndex(({ form }) => form.kind === 'tensor' && form.port === own);
  const type = value.type;
  if (at < 0 || type.kind !== 'tensor' || !['int32', 'int64'].includes(type.dtype)) return undefined;
  const count = constantOf(product(type.shape)) ?? 0;
  if (count < 1 || count > (position === undefined ? 1 : mostSizes)) return undefined;
  const { name, form } = forms[at]!;
  if (form.kind !== 'tensor') return undefined;
  const labels = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}_${i}`));
  const above = labels.map((label) => symbol(border.symbols, label));
  const below = labels.map((label) => symbol(border.symbols, `${label}_below`));
  if (form.size === undefined && [...above, ...below].some((size) => constantOf(size) === undefined)) {
    const { port: size } = port(border, `${name}_size`, tensor('uint8', [...above, ...below, int(0)]));
    forms[at] = { name, form: { ...form, size } };
  }
  return position === undefined ? above[0] : sub(above[position]!, below[position]!);
}

/** Ports for the outputs: the plain tensors that they are made of, by name, and how they make them. */
export function outputPorts(outputs: readonly { readonly name: string; readonly value: Value }[]): {
  readonly values: readonly Value[];
  readonly names: readonly string[];
  readonly forms: readonly NamedForm[];
} {
  const values: Value[] = [];
  const names: string[] = [];
  const add = (name: string, value: Value): number => {
    values.push(value);
    names.push(name);
    return values.length - 1;
  };
  const formOf = (name: string, value: Value): Form => {
    const { structure } = value;
    switch (structure?.kind) {
      case undefined:
        return { kind: 'tensor', port: add(name, value) };
      case 'strings':
        return {
          kind: 'strings',
          spans: add(`${name}_spans`, structure.spans),
          bytes: add(`${name}_bytes`, structure.bytes),
        };
      case 'list':
        return { kind: 'list', items: structure.items.map((item, i) => formOf(`${name}_${i}`, item)) };
      case 'sequence': {
        const dtype = structure.data.type.kind === 'tensor' ? structure.data.type.dtype : 'float32';
        const count = add(`${name}_length`, structure.count);
        const shapes = add(`${name}_shapes`, structure.shapes);
        return { kind: 'sequence', count, shapes, data: formOf(`${name}_data`, structure.data), dtype };
      }
      case 'optional':
        return {
          kind: 'optional',
          present: add(`${name}_present`, structure.present),
          ...(structure.value ? { value: formOf(name, structure.value) } : {}),
        };
      case 'map':
      case 'maps':
        return {
          kind: structure.kind,
          keys: formOf(`${name}_keys`, structure.keys),
          values: formOf(`${name}_values`, structure.values),
        };
    }
  };
  const forms = outputs.map(({ name, value }) => ({ name, form: formOf(name, value) }));
  return { values, names, forms };
}

export const isPlain = ({ form }: NamedForm): boolean => form.kind === 'tensor' && form.size === undefined;
