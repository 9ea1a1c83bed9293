// A range of code points as sequences of ranges of bytes, as UTF-8 writes them.

type Bytes = readonly (readonly [low: number, high: number])[];

/** The last code points that are written in one, two, three and four bytes. */
const limits = [0x7f, 0x7ff, 0xffff, 0x10ffff];

const encoded = (code: number): readonly number[] => {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 63)];
  if (code < 0x10000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
};

export function byteSequences(low: number, high: number): readonly Bytes[] {
  const limit = limits.find((last) => low <= last && last < high);
  if (limit !== undefined) return [...byteSequences(low, limit), ...byteSequences(limit + 1, high)];
  // Within one length: cut until all but the first bytes run over everything or stand still.
  for (let shift = 6; shift <= 18; shift += 6) {
    const mask = (1 << shift) - 1;
    if (low >> shift === high >> shift || high < 0x80) continue;
    if ((low & mask) !== 0) return [...byteSequences(low, low | mask), ...byteSequences((low | mask) + 1, high)];
    if ((high & mask) !== mask)
      return [...byteSequences(low, (high & ~mask) - 1), ...byteSequences(high & ~mask, high)];
  }
  const [from, to] = [encoded(low), encoded(high)];
  return [from.map((byte, i) => [byte, to[i]!] as const)];
}
