// SequenceMap as what the standard says it means: a Loop over the elements.
//   ys = SequenceMap(xs, t){ body }   →   ys = Loop(SequenceLength(xs)){ x = SequenceAt(xs, i); …body…; SequenceInsert(y) }

import { problem } from '../errors.ts';
import { type Item, type NodeItem, placeOf } from './import-scope.ts';
import type { AttributeProto, GraphProto, NodeProto, TypeProto, ValueInfoProto } from './proto-types.ts';

const attribute = (name: string, type: number, value: Partial<AttributeProto>): AttributeProto => ({
  name,
  type,
  floats: [],
  ints: [],
  strings: [],
  tensors: [],
  graphs: [],
  typeProtos: [],
  sparseTensors: [],
  ...value,
});

const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attributes: readonly AttributeProto[] = [],
): NodeProto => ({
  opType,
  input,
  output,
  attribute: attributes,
  name: output[0]!,
  metadataProps: [],
  deviceConfigurations: [],
});

const info = (name: string, type?: TypeProto): ValueInfoProto => ({
  name,
  metadataProps: [],
  ...(type ? { type } : {}),
});

/** What a SequenceMap stands for, or the node itself where it has no body. */
export function sequenceMapItems(item: NodeItem): readonly Item[] {
  const { node: own, name } = item;
  const body = own.attribute.find((given) => given.name === 'body')?.g;
  if (!body) throw problem(placeOf(item), 'attribute body is missing.');
  // No name of the model begins like this: names of outputs are unique, and these follow from them.
  const inner = (role: string, i: number | string = ''): string => `${own.output.join('/')}/${role}${i}`;
  const aliases = own.input.map((input, i) => node('Identity', [input], [inner('input', i)]));
  const [length, condition] = [inner('length'), inner('condition')];
  const empties = body.output.map(({ type }, i) => {
    const dtype = attribute('dtype', 2, { i: BigInt(type?.tensorType?.elemType ?? 1) });
    return node('SequenceEmpty', [], [inner('empty', i)], [dtype]);
  });
  const loop = loopBody(body, own, inner);
  const made = [
    ...aliases,
    node('SequenceLength', [inner('input', 0)], [length]),
    ...empties,
    {
      ...node('Loop', [length, '', ...empties.map(({ output }) => output[0]!)], own.output, [
        attribute('body', 5, { g: loop }),
      ]),
      name: name || condition,
    },
  ];
  return made.map((step): NodeItem => ({ ...item, node: step, name: step.name ?? name }));
}

function loopBody(body: GraphProto, own: NodeProto, inner: (role: string, i?: number | string) => string): GraphProto {
  const [iteration, condition] = [inner('iteration'), inner('going')];
  const elements = body.input.map(({ name = '' }, i) => ({
    ...node('ElementOrTensor', [inner('input', i), iteration], [name]),
    domain: 'lapidary',
  }));
  const grown = body.output.map(({ name = '' }, i) =>
    node('SequenceInsert', [inner('before', i), name], [inner('after', i)]),
  );
  return {
    ...body,
    input: [info(iteration), info(condition), ...body.output.map((_, i) => info(inner('before', i)))],
    node: [...elements, ...body.node, ...grown],
    output: [info(condition), ...body.output.map((_, i) => info(inner('after', i)))],
    name: own.name ?? '',
  };
}
