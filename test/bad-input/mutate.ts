// Damages models at random: bytes of the file, and values of its messages. Deterministic for a seed.

import proto from 'onnx-proto';

const { onnx } = proto;

export type Random = () => number;

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = <Item>(random: Random, items: readonly Item[]): Item => items[below(random, items.length)]!;

/** Truncated, flipped, overwritten, cut out, or doubled. */
export function mutateBytes(model: Uint8Array, random: Random): Uint8Array {
  const at = below(random, model.length);
  const length = 1 + below(random, Math.min(40, model.length - at));
  switch (below(random, 5)) {
    case 0:
      return model.slice(0, at);
    case 1: {
      const copy = Uint8Array.from(model);
      copy[at] = copy[at]! ^ (1 << below(random, 8));
      return copy;
    }
    case 2: {
      const copy = Uint8Array.from(model);
      for (let i = at; i < at + length; i++) copy[i] = pick(random, [0, 1, 0x7f, 0x80, 0xff, below(random, 256)]);
      return copy;
    }
    case 3:
      return Buffer.concat([model.slice(0, at), model.slice(at + length)]);
    default:
      return Buffer.concat([model.slice(0, at + length), model.slice(at)]);
  }
}

type Message = Record<string, unknown>;
type Place = { readonly holder: Message | unknown[]; readonly key: string | number };

const numbers = [
  0,
  -1,
  1,
  2,
  7,
  8,
  9,
  64,
  65535,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  2 ** 40,
  2 ** 53,
  2 ** 62,
  -(2 ** 62),
];
const reals = [0, -0, 1, -1, 0.5, 1e30, -1e30, Number.NaN, Number.POSITIVE_INFINITY];
const words = [
  '',
  'x',
  'y',
  'Add',
  'Loop',
  'linear',
  '__proto__',
  'constructor',
  'toString',
  'a/*b*/\n"',
  'SAME_UPPER',
];

/** A field of some message has another value, is missing, or stands twice. */
export function mutateMessage(model: Uint8Array, random: Random): Uint8Array {
  const message = onnx.ModelProto.toObject(onnx.ModelProto.decode(model), { longs: Number, bytes: Array }) as Message;
  for (let turn = 1 + below(random, 2); turn > 0; turn--) change(pick(random, placesIn(message)), random);
  return onnx.ModelProto.encode(onnx.ModelProto.fromObject(message)).finish();
}

function placesIn(holder: Message | unknown[]): readonly Place[] {
  const isBytes = Array.isArray(holder) && holder.length > 16 && holder.every((item) => typeof item === 'number');
  if (isBytes) return [{ holder, key: 0 }];
  const keys = Array.isArray(holder) ? [...holder.keys()] : Object.keys(holder);
  return keys.flatMap((key) => {
    const value = (holder as Message)[key];
    const inner = typeof value === 'object' && value !== null ? placesIn(value as Message) : [];
    return [{ holder, key }, ...inner];
  });
}

function change({ holder, key }: Place, random: Random): void {
  const values = holder as Message;
  if (random() < 0.15) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete values[key];
    return;
  }
  if (random() < 0.15 && Array.isArray(holder)) {
    holder.splice(below(random, holder.length + 1), 0, structuredClone(values[key]));
    return;
  }
  const value = values[key];
  if (typeof value === 'string') values[key] = pick(random, words);
  else if (typeof value === 'number') {
    const isReal = key === 'f' || !Number.isInteger(value);
    values[key] = isReal ? pick(random, reals) : random() < 0.5 ? below(random, 12) - 2 : pick(random, numbers);
  }
}
