// MurmurHash3 (com.microsoft): the hash of 32 bits for x86 by Austin Appleby, of numbers and of strings.

import { type DType, dtypes } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, binary, bitcast, cast, constant, int, le, lt, mul } from '../../ir/expr-make.ts';
import { block, ifThen, store, whileLoop } from '../../ir/kernel-walk.ts';
import { intAttribute } from './attributes.ts';
import { op } from './define.ts';
import { grow, read, register, set, withRegisters } from './sequence-layout.ts';
import { bytesType } from './string-parts.ts';
import { textOf } from './structure.ts';
import { byteAt, forEachText } from './text-kernels.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

const word = (value: number): Expr => constant(value >>> 0, 'uint32');
const xor = (a: Expr, b: Expr): Expr => binary('xor', a, b);
const rotated = (x: Expr, by: number): Expr =>
  binary('or', binary('shl', x, word(by)), binary('shr', x, word(32 - by)));
const mixed = (h: Expr, shift: number): Expr => xor(h, binary('shr', h, word(shift)));

/** The hash with four bytes more, or with those that are left in the end. */
const scrambled = (bytes: Expr): Expr => mul(rotated(mul(bytes, word(0xcc9e2d51)), 15), word(0x1b873593));
const withBlock = (hash: Expr, bytes: Expr): Expr =>
  add(mul(rotated(xor(hash, scrambled(bytes)), 13), word(5)), word(0xe6546b64));

function finished(hash: Expr, length: Expr): Expr {
  const first = mul(mixed(xor(hash, length), 16), word(0x85ebca6b));
  return mixed(mul(mixed(first, 13), word(0xc2b2ae35)), 16);
}

/** The words of 32 bits that an element is stored in, the lowest first. */
function wordsOf(x: Expr): readonly Expr[] {
  const { bits } = dtypes[x.dtype];
  const unsigned: DType = bits === 64 ? 'uint64' : 'uint32';
  const raw = x.dtype === unsigned ? x : bitcast(x, unsigned);
  if (bits === 32) return [raw];
  return [cast(raw, 'uint32'), cast(binary('shr', raw, constant(32n, 'uint64')), 'uint32')];
}

const attributes = { positive: intAttribute(1, [0, 1]), seed: intAttribute(0) };

const HashedTexts = op('HashedTexts', {
  domain: 'lapidary',
  inputs: ['spans', 'bytes'],
  attributes,
  types: { spans: sizeType, bytes: bytesType },
  type: ({ spans }, { positive }) => tensorOf(positive ? 'uint32' : 'int32', spans.shape),
  kernel: ({ spans, bytes }, [Y], { seed }) => {
    const [at, hash, rest] = [register('at'), register('hash', 'uint32'), register('rest', 'uint32')];
    const body = forEachText(spans, bytes, (text, index) => {
      const byte = (k: number): Expr => binary('shl', cast(byteAt(text, add(read(at), int(k))), 'uint32'), word(8 * k));
      const four = [1, 2, 3].reduce((bytesSoFar, k) => binary('or', bytesSoFar, byte(k)), byte(0));
      const takeByte = (k: number) =>
        ifThen(lt(add(read(at), int(k)), text.length), set(rest, binary('or', read(rest), byte(k))));
      return block([
        set(at, int(0)),
        set(hash, word(seed)),
        whileLoop(
          le(add(read(at), int(4)), text.length),
          block([set(hash, withBlock(read(hash), four)), grow(at, int(4))]),
        ),
        set(rest, word(0)),
        ...[0, 1, 2].map(takeByte),
        // Of no bytes this is the hash itself.
        store(Y!, index, cast(finished(xor(read(hash), scrambled(read(rest))), cast(text.length, 'uint32')), Y!.dtype)),
      ]);
    });
    return withRegisters([at, hash, rest], body);
  },
});

export const MurmurHash3 = op('MurmurHash3', {
  domain: 'com.microsoft',
  inputs: ['X'],
  attributes,
  types: { X: typeSet('T1', ['uint32', 'int32', 'uint64', 'int64', 'float32', 'float64', 'string']) },
  type: ({ X }, { positive }) => tensorOf(positive ? 'uint32' : 'int32', X.shape),
  compute: ({ X }, { seed }, index, { types }) => {
    const blocks = wordsOf(X.at(...index));
    return cast(finished(blocks.reduce(withBlock, word(seed)), word(4 * blocks.length)), types[0]!.dtype);
  },
  build: ({ X }, given, g) => g.apply(HashedTexts, [textOf(X).spans, textOf(X).bytes], given),
});
