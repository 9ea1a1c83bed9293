// Cases of com.microsoft's attention with caches and sparse masks.

import { type Attributes, float, int } from '../case.ts';
import { drawIntegers, tensorFrom } from '../tensors.ts';
import { type Generator, type Generators, oneNode, optional, put } from './generator.ts';

const domain = 'com.microsoft';
const near = { relative: 1e-3, absolute: 1e-4 };
const counts = (values: readonly number[]) => tensorFrom('int32', [values.length], values.map(BigInt));

/** One token, across given keys and values, or with a cache of full length. */
const decoderMasked: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [batch, heads, size] = [draw.integer(1, 3), draw.integer(1, 3), 4 * draw.integer(1, 3)];
    const hidden = heads * size;
    const across = draw.chance(40);
    const rows = draw.integer(2, 7);
    // Where a cache has room left, ONNX Runtime does not look at the length given, and fills it from its end.
    const past = rows - 1;
    const total = across ? rows : past + 1;
    const kept = { open: 0 };
    const token = (): string => put(builder, 'float32', [batch, 1, hidden]);
    const cache = (): string => put(builder, 'float32', [batch, heads, rows, size]);
    const mask = draw.chance(50) ? builder.input(drawIntegers(draw, 'int32', [batch, total], 0, 1), kept) : undefined;
    const bias = !across && draw.chance(50) ? put(builder, 'float32', [1, heads, 1, total]) : undefined;
    const given = across
      ? [token(), cache(), cache(), mask]
      : [token(), token(), token(), mask, bias, cache(), cache()];
    const length = across ? [] : [builder.input(counts([past]), { constant: 50, open: 0 })];
    const own = !across && draw.chance(40) ? [undefined, undefined, put(builder, 'float32', [3 * hidden])] : [];
    const attributes: Attributes = {
      num_heads: int(heads),
      past_present_share_buffer: across ? undefined : int(1),
      scale: optional(draw, float(0.3)),
    };
    const inputs = [...given, ...length, ...own];
    return { op: 'DecoderMaskedMultiHeadAttention', inputs, outputs: across ? 1 : 3, attributes, domain, ...near };
  });

/** ONNX Runtime answers only where the caches are one buffer, which is not said here. Layouts of blocks on and below the diagonal, which always stays. */
const sparse: Generator = (draw) =>
  oneNode(draw, 17, (builder) => {
    const [layouts, block] = [draw.integer(1, 2), 16];
    const [shared, groups, size] = [draw.integer(1, 2), draw.integer(1, 2), 8 * draw.integer(1, 2)];
    const heads = layouts * shared * groups;
    const kvHeads = layouts * shared;
    const blocks = draw.integer(1, 3);
    const table = Array.from({ length: layouts }, () =>
      Array.from({ length: blocks }, (_, row) =>
        Array.from({ length: row + 1 }, (__, column) => column).filter((column) => column === row || draw.chance(50)),
      ),
    );
    const most = Math.max(...table.map((rows) => rows.flat().length));
    const columns = table.flatMap((rows) => Array.from({ length: most }, (_, i) => rows.flat()[i] ?? -1));
    const edges = table.flatMap((rows) => [0, ...rows.map((_, i) => rows.slice(0, i + 1).flat().length)]);
    const integers = (dims: readonly number[], values: readonly number[]): string =>
      builder.input(tensorFrom('int32', dims, values.map(BigInt)), { constant: 60, open: 0 });
    const capacity = blocks * block;
    const prompt = draw.chance(50);
    const total = draw.integer(1, capacity);
    const [batch, length] = [draw.integer(1, 2), prompt ? total : 1];
    const packed = draw.chance(50);
    const part = (count: number): string => put(builder, 'float32', [batch, length, count * size]);
    const query = packed
      ? [part(heads + 2 * kvHeads), undefined, undefined]
      : [part(heads), part(kvHeads), part(kvHeads)];
    const cache = (): string => put(builder, 'float32', [batch, kvHeads, capacity, size]);
    const inputs = [
      ...query,
      cache(),
      cache(),
      integers([layouts, blocks + 1], edges),
      integers([layouts, most], columns),
      builder.input(tensorFrom('int32', [1], [BigInt(total)]), { constant: 60, open: 0 }),
      integers(
        [batch],
        Array.from({ length: batch }, () => total),
      ),
    ];
    const attributes = {
      num_heads: int(heads),
      kv_num_heads: int(kvHeads),
      sparse_block_size: int(block),
      scale: optional(draw, float(0.3)),
    };
    return { op: 'SparseAttention', inputs, outputs: 3, attributes, domain, ...near };
  });

export const microsoftAttention: Generators = {
  DecoderMaskedMultiHeadAttention: decoderMasked,
  SparseAttention: sparse,
};
