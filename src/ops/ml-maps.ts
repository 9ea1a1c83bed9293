// Operators of ai.onnx.ml that make maps or take them: ZipMap, DictVectorizer, CastMap. A map is its keys and its values.

import type { Expr } from '../../ir/expr.ts';
import { add, cast, indexVar, int, load, lt, select } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { block, loop, store } from '../../ir/kernel-walk.ts';
import { intAttribute, optionalInts, optionalStrings, stringAttribute } from './attributes.ts';
import { castTo, tensorTypeOf } from './compose.ts';
import { type BuildContext, type Builder, op } from './define.ts';
import { Gather } from './gather.ts';
import { KeyPosition } from './key-position.ts';
import { vector } from './ml-forest-tables.ts';
import { asRows, mlDomain } from './ml-inputs.ts';
import { Reshape } from './reshape.ts';
import { ScatterElements } from './scatter.ts';
import { read, register, set, withRegisters } from './sequence-layout.ts';
import { Slice } from './slice.ts';
import { constantStrings, textVector } from './string-parts.ts';
import { positionOfText } from './string-search.ts';
import { mapOf, textOf } from './structure.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

/** Each row of X as a map from the class labels. */
export const ZipMap = op('ZipMap', {
  domain: mlDomain,
  inputs: ['X'],
  outputs: ['Z'],
  attributes: { classlabels_int64s: optionalInts, classlabels_strings: optionalStrings },
  types: { X: typeSet('T', ['float32']) },
  build: ({ X }, { classlabels_int64s: ints = [], classlabels_strings: texts = [] }, g, { fail }) => {
    if (ints.length > 0 === texts.length > 0) fail('needs either classlabels_int64s or classlabels_strings.');
    const keys = ints.length > 0 ? vector(g, ints, 'int64') : textVector(g, texts);
    return mapOf(keys, asRows(g, X), 'maps');
  },
});

function partsOfMap(value: Value, fail: BuildContext['fail']): { readonly keys: Value; readonly values: Value } {
  if (value.structure?.kind !== 'map') return fail(`X is of kind ${value.type.kind}; expected a map.`);
  return value.structure;
}

/** Zeros, or empty strings. */
function blank(g: Builder, like: Value, count: number): Value {
  const { dtype } = tensorTypeOf(like);
  const shape = [int(count)];
  if (dtype !== 'string')
    return vector(
      g,
      Array.from({ length: count }, () => 0),
      dtype,
    );
  return constantStrings(
    g,
    Array.from({ length: count }, () => new Uint8Array(0)),
    shape,
  );
}

/** The values of a map in the order of a vocabulary, zero for what it does not hold. */
export const DictVectorizer = op('DictVectorizer', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: { int64_vocabulary: optionalInts, string_vocabulary: optionalStrings },
  build: ({ X }, { int64_vocabulary: ints = [], string_vocabulary: texts = [] }, g, { fail }) => {
    const { keys, values } = partsOfMap(X, fail);
    const isText = tensorTypeOf(keys).dtype === 'string';
    const count = isText ? texts.length : ints.length;
    if (count === 0) fail(`the keys are ${tensorTypeOf(keys).dtype}, and the vocabulary for them is empty.`);
    const places = isText
      ? positionOfText(g, textOf(keys), texts)
      : g.apply(KeyPosition, [keys, vector(g, ints, 'int64')]);
    // What the vocabulary does not name goes to one more place, which is then left out.
    const all = g.apply(ScatterElements, [blank(g, values, count + 1), places, values]);
    const named = g.apply(Slice, [all, g.ints([0]), g.ints([count])]);
    return g.apply(Reshape, [named, g.ints([1, count])]);
  },
});

/** The places of all keys in ascending order. */
const OrderOfKeys = op('OrderOfKeys', {
  domain: 'lapidary',
  inputs: ['keys'],
  types: { keys: sizeType },
  type: ({ keys }) => tensorOf('int64', keys.shape),
  kernel: ({ keys }, [Y]) => {
    const rank = register('rank');
    const [i, j] = [indexVar('i', keys.shape[0]!), indexVar('j', keys.shape[0]!)];
    const before = (a: Expr, b: Expr): Expr => select(lt(load(keys, [a]), load(keys, [b])), int(1), int(0));
    const count = block([set(rank, int(0)), loop(j, set(rank, add(read(rank), before(j, i))))]);
    // Keys are different: each place is written once.
    return withRegisters([rank], loop(i, block([count, store(Y!, [read(rank)], cast(i, 'int64'))])));
  },
});

/** The values of a map with integer keys: in the order of the keys, or each at the place that its key names. */
export const CastMap = op('CastMap', {
  domain: mlDomain,
  inputs: ['X'],
  attributes: {
    cast_to: stringAttribute('TO_FLOAT', ['TO_FLOAT', 'TO_STRING', 'TO_INT64']),
    map_form: stringAttribute('DENSE', ['DENSE', 'SPARSE']),
    max_map: intAttribute(1),
  },
  build: ({ X }, { cast_to, map_form, max_map }, g, { fail }) => {
    const { keys, values } = partsOfMap(X, fail);
    if (tensorTypeOf(keys).dtype !== 'int64') fail('the keys must be integers.');
    const ordered =
      map_form === 'DENSE'
        ? g.apply(Gather, [values, g.apply(OrderOfKeys, [keys])])
        : g.apply(ScatterElements, [blank(g, values, max_map), keys, values]);
    const row = g.apply(Reshape, [ordered, g.ints([1, -1])]);
    return castTo(g, row, cast_to === 'TO_FLOAT' ? 'float32' : cast_to === 'TO_INT64' ? 'int64' : 'string');
  },
});
