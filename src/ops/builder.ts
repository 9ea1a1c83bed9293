// Makes graphs. The only maker of nodes: it checks a node against its declaration, computes its types, shares equal
// nodes, and turns nodes whose elements are all known into constants. So there is no untyped value and no dead node.

import { toBytes } from '../../ir/bytes.ts';
import { type DType, storedSize } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { exprKey } from '../../ir/expr-key.ts';
import { add, cast, constant, constantOf, int, variable } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Attributes, AttributeValue, Node, TensorType, Type, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { problem } from '../errors.ts';
import { applyStructured, isStructured } from './apply-structured.ts';
import { checkAttributes, checkInputs } from './check-node.ts';
import {
  type ApplyOptions,
  type Builder,
  byName,
  type Operand,
  type Operator,
  type TypeContext,
  withDefaults,
} from './define.ts';
import { constantBytes, countOf, elementsOf, evaluateElements, operandOf } from './elements.ts';
import { boundFromGivenSizes } from './given-sizes.ts';

export const tensor = (dtype: DType, shape: readonly Expr[]): TensorType => ({ kind: 'tensor', dtype, shape });

export function createBuilder(): Builder {
  const shared = new Map<string, readonly Value[]>();
  const ids = new Map<object, number>();
  const id = (item: object | undefined): string => {
    if (!item) return '-';
    if (!ids.has(item)) ids.set(item, ids.size);
    return String(ids.get(item));
  };
  let counter = 0;

  const keyOf = (
    op: Operator,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    options: ApplyOptions,
  ): string => {
    const entries = Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const text = entries.map(([name, value]) => `${name}=${attributeKey(value!, id)}`).join(',');
    const outputs = options.outputs?.map(Number).join('') ?? '';
    return `${op.domain}.${op.name}(${inputs.map(id).join(',')})[${text}]${outputs}`;
  };

  const makeConstant = (type: TensorType, bytes: Uint8Array, name?: string): Value => {
    const shape = type.shape.map((extent) => exprKey(extent)).join(',');
    const key = bytes.length <= 256 && `constant ${type.dtype}[${shape}] ${Buffer.from(bytes).toString('base64')}`;
    const known = key && shared.get(key)?.[0];
    if (known) return known;
    const made: Value = { name: name ?? `constant_${counter++}`, type, constant: bytes };
    if (key) shared.set(key, [made]);
    return made;
  };

  const applyAll: Builder['applyAll'] = (op, inputs, given = {}, options = {}) => {
    const name = options.name ?? `${op.name}_${counter}`;
    const where = `${op.name} "${name}"`;
    const trimmed = trimInputs(inputs);
    const attributes = withDefaults(op, given);
    checkInputs(op, trimmed, where);
    checkAttributes(op, attributes, where);
    if (isStructured(op, trimmed, attributes)) return applyStructured(op, trimmed, attributes, options, where, builder);
    const shareable = op.pure && !op.control;
    const key = shareable ? keyOf(op, trimmed, attributes, options) : '';
    const known = shareable && shared.get(key);
    if (known) return known;
    counter++;
    const made = makeNode(op, name, where, trimmed, attributes, options, makeConstant, builder);
    const outputs = made.some(isText) ? expandAtOnce(op, trimmed, attributes, made, builder) : made;
    if (shareable) shared.set(key, outputs);
    return outputs;
  };

  const builder: Builder = {
    applyAll,
    apply: (op, inputs, attributes, options) => applyAll(op, inputs, attributes, options)[0]!,
    constant: makeConstant,
    scalar: (value, dtype) => makeConstant(tensor(dtype, []), toBytes(dtype, [value])),
    ints: (values) => makeConstant(tensor('int64', [int(values.length)]), toBytes('int64', values.map(BigInt))),
    sizes: (values) => {
      const elements = values.map((value) => simplify(cast(value, 'int64')));
      const type = tensor('int64', [int(values.length)]);
      const bytes = constantBytes('int64', elements);
      return bytes ? makeConstant(type, bytes) : { name: `sizes_${counter++}`, type, elements };
    },
    input: (name, type) => ({ name, type }),
  };
  return builder;
}

const isText = ({ type }: Value): boolean => type.kind === 'tensor' && type.dtype === 'string';

/** A composition that makes strings is written out now: no later pass knows of them. */
function expandAtOnce(
  op: Operator,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  made: readonly Value[],
  builder: Builder,
): readonly Value[] {
  if (!op.expand) return made;
  const context = { types: made.map(({ type }) => type), outputs: made.map(() => true) };
  const expanded = op.expand(byName(op, inputs) as never, attributes, builder, context);
  return (Array.isArray(expanded) ? expanded : [expanded]) as readonly Value[];
}

/** Drops absent optional inputs at the end. */
function trimInputs(inputs: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  let length = inputs.length;
  while (length > 0 && inputs[length - 1] === undefined) length--;
  return inputs.slice(0, length);
}

function attributeKey(value: AttributeValue, id: (item: object) => string): string {
  if (Array.isArray(value))
    return `[${(value as readonly AttributeValue[]).map((item) => attributeKey(item, id)).join(' ')}]`;
  if (typeof value === 'object') return `@${id(value)}`;
  return Object.is(value, -0)
    ? '-0'
    : (JSON.stringify(typeof value === 'bigint' ? `${value}n` : value) ?? String(value));
}

type MakeConstant = (type: TensorType, bytes: Uint8Array, name?: string) => Value;

function makeNode(
  op: Operator,
  name: string,
  where: string,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  options: ApplyOptions,
  makeConstant: MakeConstant,
  builder: Builder,
): readonly Value[] {
  const sizes: Var[] = [];
  const sizeValues: Expr[] = [];
  const present = options.outputs ?? requiredOutputs(op);
  const context: TypeContext = {
    fail: (rule) => {
      throw problem(where, rule);
    },
    declared: options.declared ?? [],
    limits: options.limits ?? [],
    outputs: present,
    sizeOf: options.sizeOf ?? (() => undefined),
    givenBound: (size) => options.sizeOf && boundFromGivenSizes(size, options.sizeOf, builder),
    fresh: (label, limit, value) => {
      const fresh = variable(label, 'index', { extent: simplify(add(limit, int(1))) });
      const made = options.sizes?.find((size) => !sizes.includes(size) && isAlike(size, fresh)) ?? fresh;
      sizes.push(made);
      if (value) sizeValues.push(value);
      return made;
    },
  };
  const operands = inputs.map((input) => input && asOperand(input));
  const found = op.type(byName(op, operands) as never, attributes, context);
  const types = (Array.isArray(found) ? (found as readonly Type[]) : [found as Type]).map((type) =>
    checkedType(type, where),
  );
  const outputs: Value[] = [];
  const known = sizeValues.length > 0 ? { sizeValues } : {};
  const node: Node<Operator> = { name, op, inputs, attributes, outputs, sizes, ...known };
  const elements = elementsOfOutputs(op, operands, inputs, attributes, types, present, builder);
  for (const [position, type] of types.entries()) {
    const outputName = options.outputNames?.[position] || (position === 0 ? name : `${name}_${position}`);
    const own = elements?.[position];
    const bytes = own && type.kind === 'tensor' && constantBytes(type.dtype, own);
    outputs.push(
      bytes
        ? makeConstant(type as TensorType, bytes, outputName)
        : { name: outputName, type, producer: node, output: position, ...(own ? { elements: own } : {}) },
    );
  }
  return outputs;
}

const isAlike = (a: Var, b: Var): boolean => a.name === b.name && exprKey(a.extent!) === exprKey(b.extent!);

const requiredOutputs = (op: Operator): readonly boolean[] =>
  op.outputs.filter((output) => !/[?.]$/.test(output)).map(() => true);

/** Non-tensors (sequences, optionals) have no shape; operators that take them look at `value.type`. */
const asOperand = (value: Value): Operand =>
  value.type.kind === 'tensor'
    ? operandOf(value)
    : { value, dtype: 'float32', shape: [], rank: 0, at: () => constant(0, 'float32') };

function checkedType(type: Type, where: string): Type {
  if (type.kind !== 'tensor') return type;
  const shape = type.shape.map((extent) => simplify(extent));
  const negative = shape.find((extent) => (constantOf(extent) ?? 0) < 0);
  if (negative) throw problem(where, `the result would have a dimension of ${constantOf(negative)}.`);
  if (shape.some((extent) => contains(extent, dividesByZero))) {
    throw problem(where, 'the sizes of the result are found by a division by zero.');
  }
  refuseHugeTensor(type.dtype, shape, where, 'the result ');
  return { ...type, shape };
}

const dividesByZero = (expr: Expr): boolean =>
  expr.kind === 'binary' && (expr.op === 'div' || expr.op === 'mod') && constantOf(expr.right) === 0;

/** No memory of any target holds more; and all arithmetic on addresses stays far from overflow. */
const mostBytes = 2 ** 40;
const mostAxes = 16;

export function refuseHugeTensor(dtype: DType, shape: readonly Expr[], where: string, what = ''): void {
  if (shape.length > mostAxes)
    throw problem(where, `${what}has ${shape.length} axes; at most ${mostAxes} are supported.`);
  const bytes = shape.reduce((product, extent) => product * (constantOf(extent) ?? 1), storedSize(dtype, 1));
  const isEmpty = shape.some((extent) => constantOf(extent) === 0);
  if (bytes <= mostBytes || isEmpty) return;
  throw problem(where, `${what}has ${bytes.toLocaleString('en-US')} bytes, more than any target can hold.`);
}

/** What is known of the outputs' elements from what is known of the inputs'. */
function elementsOfOutputs(
  op: Operator,
  operands: readonly (Operand | undefined)[],
  inputs: readonly (Value | undefined)[],
  attributes: Attributes,
  types: readonly Type[],
  present: readonly boolean[],
  builder: Builder,
): readonly (readonly Expr[] | undefined)[] | undefined {
  if (!op.pure) return undefined;
  const small = types.map((type) => (type.kind === 'tensor' ? countOf(type) : undefined));
  if (small.every((count) => count === undefined || count > 128)) return undefined;
  if (op.compute) {
    const compute = op.compute;
    const tensors = types.filter((type): type is TensorType => type.kind === 'tensor');
    const named = byName(op, operands) as never;
    return tensors.map((type, output) =>
      evaluateElements(type, (index) => compute(named, attributes, index, { output, types: tensors })),
    );
  }
  if (op.expand && inputs.length > 0 && inputs.every((input) => !input || elementsOf(input) !== undefined)) {
    const expanded = op.expand(byName(op, inputs) as never, attributes, builder, { types, outputs: present });
    const list = Array.isArray(expanded) ? (expanded as readonly (Value | undefined)[]) : [expanded as Value];
    return list.map((value) => value && elementsOf(value));
  }
  return undefined;
}
