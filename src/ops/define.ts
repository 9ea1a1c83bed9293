// What an operator declaration looks like: names, attributes, types, and exactly one meaning.
//   compute: one output element as an expression of the inputs. Fusion, folding and symbolic shapes come from it.
//   expand:  a composition of other operators.
//   kernel:  hand-written loops, for sequential algorithms.
//   control: If and Loop, which `src/lower` turns into program steps.
//   build:   what it is made of, built at once: the only meaning that sees values which are no plain tensors.
// Input names end in `?` (may be absent) or `...` (any number, last); TypeScript gives each its type.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import type { Attributes, AttributeValue, TensorType, Type, Value } from '../../ir/graph.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { CompilerBug } from '../errors.ts';
import type { AttributeSpecs, AttributeValues } from './attributes.ts';
import type { NodeForm } from './node-form.ts';

type Named<S extends string, T> = S extends `${infer N}...`
  ? { readonly [K in N]: readonly T[] }
  : S extends `${infer N}?`
    ? { readonly [K in N]: T | undefined }
    : { readonly [K in S]: T };
type Intersect<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void ? I : never;
/** The inputs by name. */
export type Inputs<I extends readonly string[], T> = I extends readonly []
  ? Record<never, T>
  : Intersect<Named<I[number], T>>;
type BareName<S extends string> = S extends `${infer N}...` ? N : S extends `${infer N}?` ? N : S;

/** An input as `type` and `compute` see it. */
export interface Operand {
  readonly value: Value;
  readonly dtype: DType;
  readonly shape: readonly Expr[];
  readonly rank: number;
  /** The elements, row-major, where they are known at compile time (perhaps in terms of symbolic sizes). */
  readonly elements?: readonly Expr[];
  /** One element, of this dtype, by indices of dtype index. */
  at(...index: readonly Expr[]): Expr;
}

/** The element types that an input accepts. Inputs whose sets share a name must have the same type. */
export interface TypeSet {
  readonly name: string;
  readonly dtypes: readonly DType[];
}

export interface TypeContext {
  /** Refuses the node: `rule` is a whole sentence with expected and got. */
  fail(rule: string): never;
  /** What the model itself says of an output's type; used where the shape depends on values not known. */
  readonly declared: readonly (Type | undefined)[];
  /** Shapes that bound those of the outputs, aligned at the last axis: what they are broadcast to. */
  readonly limits: readonly (Type | undefined)[];
  /**
   * A size that only a run finds out, at most `max`. The node's kernel stores it (see KernelContext.sizes); of an
   * operator with a `compute`, `value` says what it is, in terms of the inputs' elements.
   */
  fresh(name: string, max: Expr, value?: Expr): Expr;
  /** Bounds where all else fails, of what the caller gives beforehand: an integer input, a size that follows from some. */
  sizeOf(value: Value): Expr | undefined;
  givenBound(size: Expr): Expr | undefined;
  /** Number of outputs that the node asks for, and which of them are present. */
  readonly outputs: readonly boolean[];
}

export interface ComputeContext {
  /** Which output is computed, and the types of all. */
  readonly output: number;
  readonly types: readonly TensorType[];
}

export interface KernelContext {
  /** Receives the sizes made by TypeContext.fresh, in order; rank 1, int64. Undefined where there are none. */
  readonly sizes: Buffer | undefined;
  readonly types: readonly TensorType[];
}

export interface BuildContext {
  /** Refuses the node, as in TypeContext. */
  fail(rule: string): never;
  readonly declared: readonly (Type | undefined)[];
  readonly outputs: readonly boolean[];
  /** For the one node that is the operator itself among those that are built. */
  readonly options: ApplyOptions;
}

type Build<I extends readonly string[], A extends AttributeSpecs> = (
  inputs: Inputs<I, Value>,
  attributes: AttributeValues<A>,
  g: Builder,
  context: BuildContext,
) => Value | readonly (Value | undefined)[];

interface Head<I extends readonly string[], A extends AttributeSpecs> extends NodeForm {
  readonly domain?: string;
  readonly inputs: I;
  /** Names of outputs; `?` marks one that a node may leave out, `...` any number. Default ['Y']. */
  readonly outputs?: readonly string[];
  readonly attributes?: A;
  readonly types?: { readonly [K in BareName<I[number]>]?: TypeSet };
  /** One type for each output. */
  type(inputs: Inputs<I, Operand>, attributes: AttributeValues<A>, context: TypeContext): Type | readonly Type[];
  /**
   * For operators with subgraphs: the types of the subgraph's inputs, by attribute name, from the types of the node's
   * inputs and its other attributes, in the node's own opset version. A subgraph is imported with these.
   */
  readonly bodyInputs?: (
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    opset: number,
  ) => Readonly<Record<string, readonly Type[]>>;
  /** False for operators that must not be shared or removed as equal (random numbers). */
  readonly pure?: false;
  /** The newest opset version in which the operator's meaning changed. */
  readonly since?: number;
  /** Rewrites a node of an older opset into today's meaning. */
  upgrade?(node: OldNode, opset: number): OldNode;
  /** What the operator is made of where an input or output is no plain tensor, if it does more than move elements. */
  readonly build?: Build<I, A>;
}

interface Computed<I extends readonly string[], A extends AttributeSpecs> {
  compute(
    inputs: Inputs<I, Operand>,
    attributes: AttributeValues<A>,
    index: readonly Expr[],
    context: ComputeContext,
  ): Expr;
  expand?: never;
  kernel?: never;
  control?: never;
}
interface Expanded<I extends readonly string[], A extends AttributeSpecs> {
  /** Gives as many values as the node has outputs (undefined for one that is absent). */
  expand(
    inputs: Inputs<I, Value>,
    attributes: AttributeValues<A>,
    g: Builder,
    context: { readonly types: readonly Type[]; readonly outputs: readonly boolean[] },
  ): Value | readonly (Value | undefined)[];
  compute?: never;
  kernel?: never;
  control?: never;
}
interface HandWritten<I extends readonly string[], A extends AttributeSpecs> {
  /** Loops that read `inputs` and write every element of `outputs`. */
  kernel(
    inputs: Inputs<I, Buffer>,
    outputs: readonly Buffer[],
    attributes: AttributeValues<A>,
    context: KernelContext,
  ): Stmt;
  compute?: never;
  expand?: never;
  control?: never;
}
interface Control {
  readonly control: 'if' | 'loop';
  compute?: never;
  expand?: never;
  kernel?: never;
}

interface Built<I extends readonly string[], A extends AttributeSpecs> {
  readonly build: Build<I, A>;
  type?: never;
  compute?: never;
  expand?: never;
  kernel?: never;
  control?: never;
}

export type Declaration<I extends readonly string[], A extends AttributeSpecs> =
  | (Head<I, A> & (Computed<I, A> | Expanded<I, A> | HandWritten<I, A> | Control))
  | (Omit<Head<I, A>, 'type' | 'build'> & Built<I, A>);

/** A node as `upgrade` sees it: ONNX names, before any checks. Inputs may be added with `constant`. */
export interface OldNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputCount: number;
  /** Makes a constant input: int64 or float32 values of rank 1, or a scalar where `scalar` is set. */
  constant(values: readonly number[], dtype: DType, scalar?: boolean): Value;
}

/** A declaration with its types erased: what tables and passes hold. */
export interface Operator extends NodeForm {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: AttributeSpecs;
  readonly types: Readonly<Record<string, TypeSet | undefined>>;
  readonly pure: boolean;
  readonly since: number;
  readonly type: (
    inputs: Named<string, Operand>,
    attributes: Attributes,
    context: TypeContext,
  ) => Type | readonly Type[];
  readonly compute?: (inputs: never, attributes: Attributes, index: readonly Expr[], context: ComputeContext) => Expr;
  readonly expand?: (
    inputs: never,
    attributes: Attributes,
    g: Builder,
    context: { readonly types: readonly Type[]; readonly outputs: readonly boolean[] },
  ) => Value | readonly (Value | undefined)[];
  readonly kernel?: (inputs: never, outputs: readonly Buffer[], attributes: Attributes, context: KernelContext) => Stmt;
  readonly control?: 'if' | 'loop';
  readonly build?: (
    inputs: never,
    attributes: Attributes,
    g: Builder,
    context: BuildContext,
  ) => Value | readonly (Value | undefined)[];
  readonly bodyInputs?: (
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    opset: number,
  ) => Readonly<Record<string, readonly Type[]>>;
  readonly upgrade?: (node: OldNode, opset: number) => OldNode;
}

export interface ApplyOptions {
  readonly name?: string;
  /** What the model says of the outputs' types. */
  readonly declared?: readonly (Type | undefined)[];
  readonly limits?: readonly (Type | undefined)[];
  /** Which outputs the node has; all required ones by default. */
  readonly outputs?: readonly boolean[];
  readonly outputNames?: readonly string[];
  /** Run-time sizes to use again, where a node is rebuilt: other types refer to them. */
  readonly sizes?: readonly Var[];
  readonly sizeOf?: (value: Value, position?: number) => Expr | undefined;
}

export interface Builder {
  /** Adds a node and gives its first output. */
  apply(op: Operator, inputs: readonly (Value | undefined)[], attributes?: Attributes, options?: ApplyOptions): Value;
  /** Adds a node and gives all its outputs. */
  applyAll(
    op: Operator,
    inputs: readonly (Value | undefined)[],
    attributes?: Attributes,
    options?: ApplyOptions,
  ): readonly Value[];
  constant(type: TensorType, bytes: Uint8Array, name?: string): Value;
  /** A rank-0 constant of any element type that holds plain numbers. */
  scalar(value: number | bigint, dtype: DType): Value;
  /** A rank-1 int64 constant. */
  ints(values: readonly number[]): Value;
  /** A rank-1 int64 tensor of sizes, perhaps symbolic. */
  sizes(values: readonly Expr[]): Value;
  /** A value of the given type that is no node's output: a graph input. */
  input(name: string, type: Type): Value;
}

const typeOfBuilt = (): never => {
  throw new CompilerBug('an operator that is only built has no type of its own');
};

/** Declares an operator. */
export function op<const I extends readonly string[], A extends AttributeSpecs = Record<never, never>>(
  name: string,
  declaration: Declaration<I, A>,
): Operator {
  const { domain = '', outputs = ['Y'], attributes = {}, types = {}, pure = true, since = 1 } = declaration;
  const type = declaration.type ?? typeOfBuilt;
  // The one place where the declared types are erased: the Builder checks names, counts and kinds against the
  // declaration before it calls any of these functions.
  return { ...declaration, type, name, domain, outputs, attributes, types, pure, since } as unknown as Operator;
}

export const bareName = (input: string): string => input.replace(/(\?|\.\.\.)$/, '');

/** Arranges positional inputs under their declared names. */
export function byName<T>(
  operator: Operator,
  inputs: readonly (T | undefined)[],
): Readonly<Record<string, T | readonly T[] | undefined>> {
  const named: Record<string, T | readonly T[] | undefined> = {};
  for (const [position, declared] of operator.inputs.entries()) {
    if (declared.endsWith('...')) {
      named[bareName(declared)] = inputs.slice(position).filter((input): input is T & {} => input !== undefined);
    } else {
      named[bareName(declared)] = inputs[position];
    }
  }
  return named;
}

/** Attribute values with defaults filled in. */
export function withDefaults(operator: Operator, attributes: Attributes): Attributes {
  const filled: Record<string, AttributeValue | undefined> = { ...attributes };
  for (const [name, spec] of Object.entries(operator.attributes))
    if (filled[name] === undefined && !spec.required) filled[name] = spec.default as AttributeValue | undefined;
  return filled;
}
