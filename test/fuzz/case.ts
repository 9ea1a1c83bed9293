// A fuzz case: a small model together with the values to run it on. Names are given by the builder.

import { type DType, dtypes } from '../../ir/dtype.ts';
import type { Draw } from './draw.ts';

export interface Tensor {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** As ONNX stores it. */
  readonly bytes: Uint8Array;
}

export interface CaseInput {
  readonly name: string;
  readonly tensor: Tensor;
  /** An initializer instead of an input of the graph. */
  readonly constant: boolean;
  /** The name of each axis that is left open until the run. */
  readonly symbols: readonly (string | undefined)[];
}

export interface Subgraph {
  readonly inputs: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly dims: readonly (number | string)[];
  }[];
  readonly constants: readonly CaseInput[];
  readonly nodes: readonly CaseNode[];
  readonly outputs: readonly string[];
}

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Subgraph };

export type Attributes = Readonly<Record<string, Attribute | undefined>>;

export interface CaseNode {
  readonly op: string;
  readonly domain: string;
  /** An empty name is an input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

export interface FuzzCase {
  readonly opset: number;
  readonly inputs: readonly CaseInput[];
  readonly nodes: readonly CaseNode[];
  readonly outputs: readonly string[];
  /** What the model says of its outputs; nothing where absent. */
  readonly declared?: readonly Pick<Tensor, 'dtype' | 'dims'>[];
  /** How far floats may be from the oracle's, relatively; by element type where absent. */
  readonly relative?: number;
  readonly absolute?: number;
  /** How far integers may be; 0 where absent. */
  readonly integer?: number;
}

export const int = (value: number): Attribute => ({ kind: 'int', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const text = (value: string): Attribute => ({ kind: 'string', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value });
export const strings = (value: readonly string[]): Attribute => ({ kind: 'strings', value });
export const graph = (value: Subgraph): Attribute => ({ kind: 'graph', value });

export interface InputOptions {
  /** In percent: how often it is an initializer. */
  readonly constant?: number;
  /** In percent: how often an axis stays open. */
  readonly open?: number;
  /** The axes that may stay open; all where absent. */
  readonly openAxes?: readonly number[];
}

export interface CaseBuilder {
  readonly draw: Draw;
  readonly opset: number;
  /** Adds an input or an initializer and gives its name. */
  input(tensor: Tensor, options?: InputOptions): string;
  /** Adds a node and gives the names of its outputs. */
  node(
    op: string,
    inputs: readonly (string | undefined)[],
    attributes?: Attributes,
    options?: NodeOptions,
  ): readonly string[];
  finish(outputs: readonly string[], options?: Pick<FuzzCase, 'relative' | 'absolute' | 'integer'>): FuzzCase;
}
export interface NodeOptions {
  readonly outputs?: number;
  readonly domain?: string;
}

/** Whether the sizes of a case are open, and whether equal sizes share a name, is decided once for the case. */
export function startCase(draw: Draw, opset: number): CaseBuilder {
  const inputs: CaseInput[] = [];
  const nodes: CaseNode[] = [];
  const opens = draw.pick(['none', 'none', 'by size', 'each'] as const);
  let values = 0;
  return {
    draw,
    opset,
    input(tensor, { constant = 20, open = 40, openAxes } = {}) {
      const name = `x${inputs.length}`;
      const isConstant = draw.chance(constant);
      const symbols = tensor.dims.map((size, axis) => {
        if (isConstant || opens === 'none' || openAxes?.includes(axis) === false || !draw.chance(open))
          return undefined;
        return opens === 'by size' ? `size${size}` : `${name}_${axis}`;
      });
      inputs.push({ name, tensor, constant: isConstant, symbols });
      return name;
    },
    node(op, given, attributes = {}, { outputs = 1, domain = '' } = {}) {
      const results = Array.from({ length: outputs }, () => `v${values++}`);
      const names = given.map((name) => name ?? '');
      while (names.at(-1) === '') names.pop();
      nodes.push({ op, domain, inputs: names, outputs: results, attributes });
      return results;
    },
    finish: (outputs, options = {}) => ({ opset, inputs, nodes, outputs, ...options }),
  };
}

export const elementCount = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

export const isFloatType = (dtype: DType): boolean => dtypes[dtype].class === 'float';
