// The two parts of a string tensor: spans, of its shape, and the bytes that they point into (`ir/form.ts`). Constants,
// and what brings several string tensors to the same bytes, so that operators which only move elements move spans.

import { readElement, toBytes } from '../../ir/bytes.ts';
import type { Expr } from '../../ir/expr.ts';
import { add, and, binary, cast, constant, failure, int, le, select } from '../../ir/expr-make.ts';
import { spanBits } from '../../ir/form.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { type Builder, op } from './define.ts';
import { Concat } from './join.ts';
import { type Strings, stringsOf } from './structure.ts';
import { sizeType, tensorOf, typeSet } from './types.ts';

export const bytesType = typeSet('bytes', ['uint8']);
const domain = 'lapidary';

const wide = (value: bigint): Expr => constant(value, 'int64');
const lengthMask = (1n << BigInt(spanBits)) - 1n;

export const offsetOf = (span: Expr): Expr => cast(binary('shr', span, wide(BigInt(spanBits))), 'index');
export const lengthOf = (span: Expr): Expr => cast(and(span, wide(lengthMask)), 'index');
/** offset * 2^32 + length. */
export const spanOf = (offset: Expr, length: Expr): Expr =>
  add(binary('shl', cast(offset, 'int64'), wide(BigInt(spanBits))), cast(length, 'int64'));

export const spanNumber = (offset: number, length: number): bigint =>
  (BigInt(offset) << BigInt(spanBits)) | BigInt(length);

export const encodeText = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A constant string tensor. */
export function constantStrings(
  g: Builder,
  strings: readonly Uint8Array[],
  shape: readonly Expr[],
  name = 'strings',
): Value {
  const total = strings.reduce((sum, text) => sum + text.length, 0);
  // At least one byte, so that there is an address.
  const bytes = new Uint8Array(Math.max(1, total));
  let offset = 0;
  const spans = strings.map((text) => {
    bytes.set(text, offset);
    offset += text.length;
    return spanNumber(text.length === 0 ? 0 : offset - text.length, text.length);
  });
  const longest = strings.reduce((most, text) => Math.max(most, text.length), 0);
  return stringsOf(
    g.constant(tensorOf('int64', shape), toBytes('int64', spans), `${name}_spans`),
    g.constant(tensorOf('uint8', [int(bytes.length)]), bytes, `${name}_bytes`),
    int(longest),
    name,
  );
}

export const textVector = (g: Builder, texts: readonly string[]): Value =>
  constantStrings(g, texts.map(encodeText), [int(texts.length)]);

/** The strings of a constant. */
export function constantTexts({ structure }: Value): readonly string[] {
  if (structure?.kind !== 'strings' || !structure.spans.constant || !structure.bytes.constant) return [];
  const { spans, bytes } = structure;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return Array.from({ length: spans.constant!.length / 8 }, (_, i) => {
    const span = BigInt(readElement('int64', spans.constant!, i));
    const start = Number(span >> BigInt(spanBits));
    return decoder.decode(bytes.constant!.subarray(start, start + Number(span & lengthMask)));
  });
}

/** Spans that a caller gives, each checked to lie within the bytes. */
export const CheckedSpans = op('CheckedSpans', {
  domain,
  inputs: ['spans', 'length'],
  types: { spans: sizeType, length: sizeType },
  type: ({ spans }) => tensorOf('int64', spans.shape),
  compute: ({ spans, length }, _, index) => {
    const span = spans.at(...index);
    const end = add(binary('shr', span, wide(BigInt(spanBits))), and(span, wide(lengthMask)));
    const legal = and(le(wide(0n), span), le(end, length.at(int(0))));
    return select(legal, span, failure('index', 'int64'));
  },
});

/** Spans into bytes that now lie further on. */
const MovedSpans = op('MovedSpans', {
  domain,
  inputs: ['spans', 'by'],
  types: { spans: sizeType, by: sizeType },
  type: ({ spans }) => tensorOf('int64', spans.shape),
  compute: ({ spans, by }, _, index) => add(spans.at(...index), binary('shl', by.at(int(0)), wide(BigInt(spanBits)))),
});

export interface Pooled {
  /** Spans of each of the string tensors, all into the same bytes. */
  readonly spans: readonly Value[];
  readonly bytes: Value;
}

/** Brings string tensors to the same bytes: those of all of them, one after another. */
export function pool(g: Builder, strings: readonly Strings[]): Pooled {
  const pools = [...new Set(strings.map(({ bytes }) => bytes))];
  if (pools.length === 1) return { spans: strings.map(({ spans }) => spans), bytes: pools[0]! };
  const starts = new Map<Value, Expr>();
  let end: Expr = int(0);
  for (const bytes of pools) {
    starts.set(bytes, end);
    if (bytes.type.kind === 'tensor') end = simplify(add(end, bytes.type.shape[0]!));
  }
  const spans = strings.map(({ spans: own, bytes }) =>
    bytes === pools[0] ? own : g.apply(MovedSpans, [own, g.sizes([starts.get(bytes)!])]),
  );
  return { spans, bytes: g.apply(Concat, pools, { axis: 0 }) };
}
