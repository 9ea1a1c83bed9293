// The graph: an immutable DAG of tensor operators, reached from its outputs. Nodes are made only by the Builder of
// `src/ops/builder.ts`, which computes types, shares equal nodes and refuses ill-typed ones.

import type { DType } from './dtype.ts';
import type { Expr, Var } from './expr.ts';
import type { Forms } from './form.ts';

export interface TensorType {
  readonly kind: 'tensor';
  readonly dtype: DType;
  readonly shape: readonly Expr[];
}
export interface SequenceType {
  readonly kind: 'sequence';
  readonly element: Type;
}
export interface OptionalType {
  readonly kind: 'optional';
  readonly element: Type;
}
export interface MapType {
  readonly kind: 'map';
  readonly key: DType;
  readonly value: Type;
}
export type Type = TensorType | SequenceType | OptionalType | MapType;

/**
 * What a value that is no plain tensor is made of. Only import knows such values: no node of a finished graph has one.
 * The parts are as `form.ts` lays them out; `longest` bounds the bytes of one string; a list is a sequence whose elements
 * are known one by one; `dims` are the extents that all elements have, where known, `empty` where there is none yet; without a value an optional is empty.
 */
export type Structure =
  | { readonly kind: 'strings'; readonly spans: Value; readonly bytes: Value; readonly longest: Expr }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | {
      readonly kind: 'sequence';
      readonly count: Value;
      readonly shapes: Value;
      readonly data: Value;
      readonly dims?: readonly (Expr | undefined)[] | 'empty' | undefined;
    }
  | { readonly kind: 'optional'; readonly present: Value; readonly value?: Value | undefined }
  | { readonly kind: 'map' | 'maps'; readonly keys: Value; readonly values: Value };

/** A value has a producer, or a constant, or neither: then it is an input of its graph. */
export interface Value {
  readonly name: string;
  readonly type: Type;
  readonly producer?: Node;
  /** Which output of the producer this is. */
  readonly output?: number;
  /** Little-endian bytes as ONNX stores them. */
  readonly constant?: Uint8Array;
  /** Where the value is no plain tensor. */
  readonly structure?: Structure;
  /** The elements, row-major, where they are known as expressions: constants, shapes, and arithmetic on them. */
  readonly elements?: readonly Expr[];
}

export type AttributeValue =
  | number
  | bigint
  | string
  | Value
  | Graph
  | Type
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | readonly Value[]
  | readonly Graph[];

export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** What the graph knows of an operator; the whole declaration is `Operator` of `src/ops/define.ts`. */
export interface OperatorName {
  readonly name: string;
  readonly domain: string;
}

export interface Node<Op extends OperatorName = OperatorName> {
  readonly name: string;
  readonly op: Op;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Sizes that only a run finds out: the node's kernel writes them in this order, or `sizeValues` says what they are. */
  readonly sizes: readonly Var[];
  /** The sizes in terms of the inputs' elements, where no kernel writes them. */
  readonly sizeValues?: readonly Expr[];
}

/** `captures` are values of enclosing graphs that a subgraph reads. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** As the model names them; one value may be several outputs. */
  readonly outputNames: readonly string[];
  readonly captures: readonly Value[];
  /** The symbolic dimensions that the inputs' types bind. */
  readonly dims: readonly Var[];
  /** Of a whole model that has values which are no plain tensors. */
  readonly forms?: Forms;
}
