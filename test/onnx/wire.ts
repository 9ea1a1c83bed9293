// Builds protobuf bytes field by field, for files that no encoder would write.

const concat = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);

export const integer = (field: number, value: number | bigint): Uint8Array =>
  concat([varint(field * 8), varint(value)]);
export const delimited = (field: number, content: Uint8Array | string): Uint8Array => {
  const bytes = typeof content === 'string' ? text(content) : content;
  return concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
};
export const fixed32 = (field: number, bytes: readonly number[]): Uint8Array =>
  concat([varint(field * 8 + 5), Uint8Array.from(bytes)]);
export const startGroup = (field: number): Uint8Array => varint(field * 8 + 3);
export const endGroup = (field: number): Uint8Array => varint(field * 8 + 4);
export const message = (...parts: readonly Uint8Array[]): Uint8Array => concat(parts);
export const repeat = (part: Uint8Array, count: number): Uint8Array =>
  new Uint8Array(Buffer.alloc(part.length * count, part));

/** A ModelProto of IR version 8 with this content of its graph. */
export const modelOf = (...graph: readonly Uint8Array[]): Uint8Array =>
  message(integer(1, 8), delimited(7, message(...graph)));
