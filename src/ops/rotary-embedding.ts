// RotaryEmbedding: turns pairs of elements of each head by angles that depend on the position in the sequence.

import type { Expr } from '../../ir/expr.ts';
import { add, and, cast, constantOf, div, eq, int, lt, mod, mul, select, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { accumulatorType } from './accumulate.ts';
import { ofBatch } from './attention-core.ts';
import { headShape, packHeads, unpackHeads } from './attention-heads.ts';
import { floatAttribute, intAttribute, optionalInt } from './attributes.ts';
import { tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { checked, within } from './run-time-operands.ts';
import { anyFloat, readBroadcast, tensorOf, typeSet } from './types.ts';

const positionType = typeSet('M', ['int64', 'int32']);

/**
 * X [batch, heads, rows, size] with the first `turned` elements of each head turned (0: all). The tables have a row for
 * each position and half as many columns, or are given for each row: [batch, rows, columns]. Positions: [batch, rows],
 * or of the first row: [batch] or [1]. Pairs are neighbours (interleaved) or lie half of the turned part apart.
 */
export const Rotate = op('Rotate', {
  domain: 'lapidary',
  inputs: ['X', 'cos', 'sin', 'positions?'],
  attributes: { interleaved: intAttribute(0, [0, 1]), turned: intAttribute(0) },
  types: { X: anyFloat, cos: anyFloat, sin: anyFloat, positions: positionType },
  type: ({ X }) => tensorOf(X.dtype, X.shape),
  compute: ({ X, cos, sin, positions }, { interleaved, turned }, index) => {
    const [batch, head, row, at] = index as readonly [Expr, Expr, Expr, Expr];
    const width = turned > 0 ? int(turned) : X.shape[3]!;
    const half = simplify(div(width, int(2)));
    const wide = accumulatorType(X.dtype);
    const read = (position: Expr): Expr => cast(X.at(batch, head, row, simplify(position)), wide);
    const angle = (table: Operand, pair: Expr): Expr => cast(tableAt(table, positions, X, { batch, row, pair }), wide);
    const real = (pair: Expr, x: Expr, y: Expr): Expr => sub(mul(angle(cos, pair), x), mul(angle(sin, pair), y));
    const imaginary = (pair: Expr, x: Expr, y: Expr): Expr => add(mul(angle(sin, pair), x), mul(angle(cos, pair), y));
    const pair = simplify(div(at, int(2)));
    const upper = simplify(sub(at, half));
    const result = interleaved
      ? select(
          simplify(eq(mod(at, int(2)), int(0))),
          real(pair, read(at), read(add(at, int(1)))),
          imaginary(pair, read(sub(at, int(1))), read(at)),
        )
      : select(
          simplify(lt(at, half)),
          real(at, read(at), read(add(at, half))),
          imaginary(upper, read(upper), read(at)),
        );
    return select(simplify(lt(at, width)), cast(result, X.dtype), X.at(...index));
  },
});

/** The angle's cosine or sine for a pair of a row; tables without an axis of batches are looked up by position. */
function tableAt(table: Operand, positions: Operand | undefined, X: Operand, index: Place): Expr {
  const { batch, row, pair } = index;
  const [batches, , rows] = X.shape as readonly [Expr, Expr, Expr, Expr];
  if (table.rank === 3) {
    const entry = readBroadcast(table, [batch, row], [batches, rows], [pair]);
    return checked(simplify(lt(pair, table.shape[2]!)), entry);
  }
  const given = (): Expr => {
    if (!positions) return row;
    if (positions.rank === 2) return cast(readBroadcast(positions, [batch, row], [batches, rows]), 'index');
    return add(ofBatch(positions, batch, batches), row);
  };
  const position = given();
  const inside = and(within(position, table.shape[0]!), simplify(lt(pair, table.shape[1]!)));
  return checked(simplify(inside), table.at(position, pair));
}

interface Place {
  readonly batch: Expr;
  readonly row: Expr;
  readonly pair: Expr;
}

interface Tables {
  readonly cos: Value;
  readonly sin: Value;
  readonly positions: Value | undefined;
}

/** Rotates an input of rank 4, or one of rank 3 with its heads packed into the last axis. */
export function rotate(
  g: Builder,
  X: Value,
  { cos, sin, positions }: Tables,
  heads: number | undefined,
  attributes: { readonly interleaved: number; readonly turned: number },
): Value {
  const packed = tensorTypeOf(X).shape.length === 3;
  const turned = g.apply(Rotate, [packed ? unpackHeads(g, X, heads!) : X, cos, sin, positions], attributes);
  return packed ? packHeads(g, turned) : turned;
}

export function checkRotary(
  operands: {
    readonly X: Operand;
    readonly cos: Operand;
    readonly sin: Operand;
    readonly positions?: Operand | undefined;
  },
  heads: number | undefined,
  turned: number,
  context: TypeContext,
): void {
  const { X, cos, sin, positions } = operands;
  const size = constantOf(headShape(X, 'input', heads, 'num_heads', context)[3]!);
  if (size !== undefined && (turned > size || (turned || size) % 2 !== 0)) {
    context.fail(`rotary_embedding_dim is ${turned}; expected an even number of at most ${size}.`);
  }
  const columns = constantOf(cos.shape.at(-1) ?? int(0));
  const pairs = turned > 0 ? turned / 2 : size === undefined ? undefined : size / 2;
  if (pairs !== undefined && columns !== undefined && columns < pairs) {
    context.fail(`cos_cache has ${columns} columns; expected ${pairs}.`);
  }
  const rank = positions ? 2 : 3;
  if (cos.rank !== sin.rank || (cos.rank !== 2 && cos.rank !== rank)) {
    context.fail(`cos_cache and sin_cache have ranks ${cos.rank} and ${sin.rank}; expected ${rank}.`);
  }
}

export const RotaryEmbedding = op('RotaryEmbedding', {
  inputs: ['X', 'cos_cache', 'sin_cache', 'position_ids?'],
  attributes: { interleaved: intAttribute(0, [0, 1]), num_heads: optionalInt, rotary_embedding_dim: intAttribute(0) },
  types: { X: anyFloat, cos_cache: anyFloat, sin_cache: anyFloat, position_ids: typeSet('M', ['int64']) },
  since: 23,
  type: ({ X, cos_cache, sin_cache, position_ids }, { num_heads, rotary_embedding_dim }, context) => {
    const operands = { X, cos: cos_cache, sin: sin_cache, positions: position_ids };
    checkRotary(operands, num_heads, rotary_embedding_dim, context);
    return tensorOf(X.dtype, X.shape);
  },
  expand: ({ X, cos_cache, sin_cache, position_ids }, { interleaved, num_heads, rotary_embedding_dim }, g) => {
    const tables = { cos: cos_cache, sin: sin_cache, positions: position_ids };
    return rotate(g, X, tables, num_heads, { interleaved, turned: rotary_embedding_dim });
  },
});

/** The older form: positions come second, and the number of heads may follow from the tables. */
export const MicrosoftRotaryEmbedding = op('RotaryEmbedding', {
  domain: 'com.microsoft',
  inputs: ['input', 'position_ids', 'cos_cache', 'sin_cache'],
  outputs: ['output'],
  attributes: {
    interleaved: intAttribute(0, [0, 1]),
    is_packed_batching: intAttribute(0, [0, 1]),
    num_heads: intAttribute(0),
    rotary_embedding_dim: intAttribute(0),
    scale: floatAttribute(1),
  },
  types: { input: anyFloat, cos_cache: anyFloat, sin_cache: anyFloat, position_ids: positionType },
  type: ({ input, position_ids, cos_cache, sin_cache }, attributes, context) => {
    if (attributes.scale !== 1) context.fail(`scale is ${attributes.scale}; only 1 is supported.`);
    if (attributes.rotary_embedding_dim > 0 && attributes.num_heads <= 0) {
      context.fail('num_heads must be given with rotary_embedding_dim.');
    }
    const heads = headsOf(input.shape, cos_cache.shape, attributes.num_heads);
    const operands = { X: input, cos: cos_cache, sin: sin_cache, positions: position_ids };
    checkRotary(operands, heads, attributes.rotary_embedding_dim, context);
    return tensorOf(input.dtype, input.shape);
  },
  expand: ({ input, position_ids, cos_cache, sin_cache }, attributes, g) => {
    const heads = headsOf(tensorTypeOf(input).shape, tensorTypeOf(cos_cache).shape, attributes.num_heads);
    const tables = { cos: cos_cache, sin: sin_cache, positions: position_ids };
    return rotate(g, input, tables, heads, {
      interleaved: attributes.interleaved,
      turned: attributes.rotary_embedding_dim,
    });
  },
});

/** Without a number of heads, a head is as wide as two rows of the table. */
function headsOf(shape: readonly Expr[], table: readonly Expr[], heads: number): number | undefined {
  if (heads > 0) return heads;
  const [width, half] = [constantOf(shape.at(-1)!), constantOf(table.at(-1)!)];
  return width === undefined || !half ? undefined : width / (2 * half);
}
