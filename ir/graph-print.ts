// Graphs as text for people, tests and --trace: inputs, one line a node in an order of evaluation, outputs.
//   graph "net"
//     %0 = input "image": float32[1, 3, N, N]
//     %1: float32[1, 8, N, N] = Conv "stem" (%0, float32[8, 3, 3, 3]) pads=[1, 1, 1, 1]
//     output "scores" = %1
// Values have numbers, since names of models may be equal, empty or long. Small constants are written out.

import { hasPlainElements, readElement } from './bytes.ts';
import { constantOf } from './expr-make.ts';
import { printExpr, printVar } from './expr-print.ts';
import type { AttributeValue, Graph, Node, TensorType, Type, Value } from './graph.ts';

/** Constants of more elements are printed as their type alone. */
const longestConstant = 8;
const longestName = 60;

interface Printing {
  readonly numbers: Map<Value, string>;
  readonly lines: string[];
}

export function printGraph(graph: Graph): string {
  const printing: Printing = { numbers: new Map(), lines: [] };
  addGraph(graph, '', printing);
  return printing.lines.join('\n');
}

function addGraph(graph: Graph, indent: string, printing: Printing): void {
  const { lines } = printing;
  lines.push(`${indent}graph ${quote(graph.name)}`);
  const inner = `${indent}  `;
  for (const dim of graph.dims) lines.push(`${inner}dim ${printVar(dim)}`);
  for (const input of graph.inputs) {
    lines.push(`${inner}${numberOf(input, printing)} = input ${quote(input.name)}: ${printValueType(input.type)}`);
  }
  for (const node of nodesOf(graph, printing)) addNode(node, inner, printing);
  for (const [position, value] of graph.outputs.entries()) {
    lines.push(`${inner}output ${quote(graph.outputNames[position] ?? '')} = ${operand(value, printing)}`);
  }
}

function addNode(node: Node, indent: string, printing: Printing): void {
  const outputs = node.outputs.map((value) => `${numberOf(value, printing)}: ${printValueType(value.type)}`);
  const inputs = node.inputs.map((value) => (value ? operand(value, printing) : '-'));
  const entries = Object.entries(node.attributes).filter(([, value]) => value !== undefined);
  const plain = entries.filter(([, value]) => !isGraph(value)).map(([name, value]) => ` ${name}=${attribute(value!)}`);
  const domain = node.op.domain ? `${node.op.domain}.` : '';
  const call = `${domain}${node.op.name} ${quote(node.name)} (${inputs.join(', ')})`;
  printing.lines.push(`${indent}${outputs.join(', ')} = ${call}${plain.join('')}`);
  for (const [name, value] of entries) {
    if (!isGraph(value)) continue;
    printing.lines.push(`${indent}  ${name}:`);
    addGraph(value, `${indent}    `, printing);
  }
}

/** Nodes that the outputs need, producers first; what enclosing graphs have printed already is left out. */
function nodesOf(graph: Graph, printing: Printing): readonly Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  // Graphs may be deeper than the stack, so the path is a list of its own.
  const path: { readonly node: Node; next: number }[] = [];
  const enter = (value: Value | undefined): void => {
    const node = value?.producer;
    if (!value || !node || seen.has(node) || printing.numbers.has(value)) return;
    seen.add(node);
    path.push({ node, next: 0 });
  };
  for (const output of graph.outputs) {
    enter(output);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const needed = [...top.node.inputs, ...capturesOf(top.node)];
      if (top.next < needed.length) enter(needed[top.next++]);
      else order.push(path.pop()!.node);
    }
  }
  return order;
}

const isGraph = (value: AttributeValue | undefined): value is Graph =>
  typeof value === 'object' && 'outputNames' in value;

const capturesOf = (node: Node): readonly Value[] =>
  Object.values(node.attributes).flatMap((value) => (isGraph(value) ? value.captures : []));

function numberOf(value: Value, { numbers }: Printing): string {
  const known = numbers.get(value);
  if (known) return known;
  const made = `%${numbers.size}`;
  numbers.set(value, made);
  return made;
}

function operand(value: Value, printing: Printing): string {
  if (value.constant) return printConstant(value, value.constant);
  if (!value.producer && value.elements) return `[${value.elements.map((element) => printExpr(element)).join(', ')}]`;
  return numberOf(value, printing);
}

function printConstant({ type }: Value, bytes: Uint8Array): string {
  const text = printValueType(type);
  if (type.kind !== 'tensor') return text;
  const count = type.shape.reduce((size, extent) => size * (constantOf(extent) ?? Number.NaN), 1);
  if (!(count <= longestConstant)) return text;
  if (!hasPlainElements(type.dtype)) return text;
  const elements = Array.from({ length: count }, (_, index) => `${readElement(type.dtype, bytes, index)}`);
  return `${text}{${elements.join(', ')}}`;
}

/** `float32[1, N]`, `sequence(float32[])`. */
export function printValueType(type: Type): string {
  switch (type.kind) {
    case 'tensor':
      return printTensorType(type);
    case 'sequence':
    case 'optional':
      return `${type.kind}(${printValueType(type.element)})`;
    case 'map':
      return `map(${type.key}, ${printValueType(type.value)})`;
  }
}

const printTensorType = ({ dtype, shape }: TensorType): string =>
  `${dtype}[${shape.map((extent) => printExpr(extent)).join(', ')}]`;

function attribute(value: AttributeValue): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return `${value}`;
  if ('outputNames' in value) return 'graph';
  if (isList(value)) return `[${value.map(attribute).join(', ')}]`;
  return 'kind' in value ? printValueType(value) : value.constant ? printConstant(value, value.constant) : value.name;
}

/** `Array.isArray` does not narrow readonly arrays. */
const isList = (value: object): value is readonly AttributeValue[] => Array.isArray(value);

function quote(text: string): string {
  return JSON.stringify(text.length > longestName ? `${text.slice(0, longestName)}…` : text);
}
