// Strings of `.npy` files: U (four bytes a character, UTF-32) or S (bytes), padded with NUL to a fixed width.

import { problem } from './errors.ts';

export function decodeStrings(
  data: Uint8Array,
  count: number,
  size: number,
  kind: string,
  where: string,
): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const field = data.subarray(index * size, (index + 1) * size);
    return kind === 'S' ? withoutPadding(field) : utf8OfUtf32(field, where);
  });
}

function withoutPadding(field: Uint8Array): Uint8Array {
  let end = field.length;
  while (end > 0 && field[end - 1] === 0) end -= 1;
  return field.subarray(0, end);
}

function utf8OfUtf32(field: Uint8Array, where: string): Uint8Array {
  const view = new DataView(field.buffer, field.byteOffset, field.byteLength);
  const points = Array.from({ length: field.length / 4 }, (_, index) => view.getUint32(index * 4, true));
  while (points.at(-1) === 0) points.pop();
  const bad = points.find((point) => point > 0x10ffff || (point >= 0xd800 && point < 0xe000));
  if (bad !== undefined) throw problem(where, `A string holds ${bad.toString(16)}, which is no Unicode character.`);
  return new TextEncoder().encode(points.map((point) => String.fromCodePoint(point)).join(''));
}

/** UTF-8 strings as fields of one width, in characters. Bytes that are not UTF-8 become U+FFFD. */
export function encodeStrings(strings: readonly Uint8Array[]): { readonly width: number; readonly bytes: Uint8Array } {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const texts = strings.map((text) => Array.from(decoder.decode(text), (character) => character.codePointAt(0) ?? 0));
  const width = texts.reduce((widest, text) => Math.max(widest, text.length), 1);
  const bytes = new Uint8Array(texts.length * width * 4);
  const view = new DataView(bytes.buffer);
  texts.forEach((text, row) => {
    text.forEach((point, column) => {
      view.setUint32((row * width + column) * 4, point, true);
    });
  });
  return { width, bytes };
}
