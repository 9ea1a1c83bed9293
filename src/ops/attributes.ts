// Attribute specifications: what a declaration says of an attribute, and the TypeScript type that follows from it.

import type { DType } from '../../ir/dtype.ts';
import type { Graph, Type, Value } from '../../ir/graph.ts';

export interface AttributeSpec<T> {
  readonly kind:
    | 'int'
    | 'float'
    | 'string'
    | 'ints'
    | 'floats'
    | 'strings'
    | 'tensor'
    | 'graph'
    | 'type'
    | 'dtype'
    | 'tensors';
  /** undefined: optional without a default. */
  readonly default: T;
  readonly required?: boolean;
  /** The legal values of a string or an int, where they are few. */
  readonly oneOf?: readonly (string | number)[];
}

export const intAttribute = (value: number, oneOf?: readonly number[]): AttributeSpec<number> => ({
  kind: 'int',
  default: value,
  ...(oneOf ? { oneOf } : {}),
});
export const optionalInt: AttributeSpec<number | undefined> = { kind: 'int', default: undefined };
export const requiredInt: AttributeSpec<number> = { kind: 'int', default: 0, required: true };
/** Attributes are float32 in ONNX, so a default means the nearest of those. */
export const floatAttribute = (value: number): AttributeSpec<number> => ({
  kind: 'float',
  default: Math.fround(value),
});
export const optionalFloat: AttributeSpec<number | undefined> = { kind: 'float', default: undefined };
export const stringAttribute = (value: string, oneOf?: readonly string[]): AttributeSpec<string> => ({
  kind: 'string',
  default: value,
  ...(oneOf ? { oneOf } : {}),
});
export const optionalString: AttributeSpec<string | undefined> = { kind: 'string', default: undefined };
export const requiredString: AttributeSpec<string> = { kind: 'string', default: '', required: true };
export const optionalInts: AttributeSpec<readonly number[] | undefined> = { kind: 'ints', default: undefined };
export const intsAttribute = (value: readonly number[]): AttributeSpec<readonly number[]> => ({
  kind: 'ints',
  default: value,
});
export const requiredInts: AttributeSpec<readonly number[]> = { kind: 'ints', default: [], required: true };
export const optionalFloats: AttributeSpec<readonly number[] | undefined> = { kind: 'floats', default: undefined };
export const optionalStrings: AttributeSpec<readonly string[] | undefined> = { kind: 'strings', default: undefined };
/** A constant tensor. */
export const optionalTensor: AttributeSpec<Value | undefined> = { kind: 'tensor', default: undefined };
export const requiredGraph: AttributeSpec<Graph> = { kind: 'graph', default: undefined as never, required: true };
export const optionalGraph: AttributeSpec<Graph | undefined> = { kind: 'graph', default: undefined };
export const optionalType: AttributeSpec<Type | undefined> = { kind: 'type', default: undefined };
/** An int attribute that holds an ONNX element type (`to` of Cast). */
export const dtypeAttribute = (value: DType): AttributeSpec<DType> => ({ kind: 'dtype', default: value });
export const requiredDtype: AttributeSpec<DType> = { kind: 'dtype', default: 'float32', required: true };
export const optionalDtype: AttributeSpec<DType | undefined> = { kind: 'dtype', default: undefined };

export type AttributeSpecs = Readonly<Record<string, AttributeSpec<unknown>>>;
export type AttributeValues<A extends AttributeSpecs> = {
  readonly [K in keyof A]: A[K] extends AttributeSpec<infer T> ? T : never;
};
