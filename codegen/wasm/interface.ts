// The inputs and outputs as users of the module see them: safe keys, names of the model, typed arrays, shapes.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { constantOf, IrError } from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import type { Port, Program } from '../../ir/program.ts';
import { simplify } from '../../ir/simplify.ts';
import { identifiers } from '../identifiers.ts';

export interface TensorInterface {
  /** An identifier: the property under which the tensor is given or found. */
  readonly key: string;
  /** As the model calls it. */
  readonly name: string;
  readonly dtype: DType;
  readonly array: string;
  readonly shape: readonly Expr[];
}

export interface Interface {
  readonly inputs: readonly TensorInterface[];
  readonly outputs: readonly TensorInterface[];
  /** Keys of the symbolic sizes, in order. */
  readonly dims: readonly { readonly key: string; readonly variable: Var }[];
  /** Every size is known now. */
  readonly isFixed: boolean;
}

const arrays: Partial<Readonly<Record<DType, string>>> = {
  bool: 'Uint8Array',
  int2: 'Int8Array',
  int4: 'Int8Array',
  int8: 'Int8Array',
  int16: 'Int16Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
  uint2: 'Uint8Array',
  uint4: 'Uint8Array',
  uint8: 'Uint8Array',
  uint16: 'Uint16Array',
  uint32: 'Uint32Array',
  uint64: 'BigUint64Array',
  float4e2m1: 'Uint8Array',
  float8e4m3fn: 'Uint8Array',
  float8e4m3fnuz: 'Uint8Array',
  float8e5m2: 'Uint8Array',
  float8e5m2fnuz: 'Uint8Array',
  float8e8m0: 'Uint8Array',
  float16: 'Uint16Array',
  bfloat16: 'Uint16Array',
  float32: 'Float32Array',
  float64: 'Float64Array',
};

/** Properties that every object has, or that would be mistaken for a method. */
const reserved = new Set([
  'constructor',
  'prototype',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toString',
  'toLocaleString',
  'valueOf',
  'then',
]);

export function interfaceOf(program: Program): Interface {
  const dimKeys = identifiers(
    program.dims.map((dim) => dim.name),
    reserved,
  );
  const inputs = tensorsOf(program.inputs);
  const outputs = tensorsOf(program.outputs);
  return {
    inputs,
    outputs,
    dims: program.dims.map((variable, position) => ({ key: dimKeys[position]!, variable })),
    isFixed: [...inputs, ...outputs].every(({ shape }) => shape.every((size) => constantOf(size) !== undefined)),
  };
}

function tensorsOf(ports: readonly Port[]): readonly TensorInterface[] {
  const keys = identifiers(
    ports.map((port) => port.name),
    reserved,
  );
  return ports.map(({ name, buffer }, position) => {
    const array = arrays[buffer.dtype];
    if (!array) throw new IrError(`${name}: tensors of ${buffer.dtype} cannot be passed to WebAssembly`);
    return {
      key: keys[position]!,
      name,
      dtype: buffer.dtype,
      array,
      shape: buffer.shape.map((size) => simplify(size)),
    };
  });
}

/** A size for people: a number, the name of a dimension, or a formula. */
export const sizeName = (size: Expr): number | string => constantOf(size) ?? printExpr(size);

/** JSON that is also safe inside a script element and a comment. */
export const jsonText = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>\u2028\u2029]|\*\//g, (found) =>
    found === '*/' ? '*\\/' : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
