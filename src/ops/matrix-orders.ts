// The orders of matrices in memory that NVIDIA's cuBLASLt knows, of 8-bit integers: rows, columns, and tiles of 32
// columns. A tensor in such an order keeps its logical shape; what stands where in its memory differs.

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, div, int, mod, mul } from '../../ir/expr-make.ts';
import { simplify } from '../../ir/simplify.ts';
import type { Operand, TypeContext } from './define.ts';
import { unflatten } from './flat-index.ts';

/** Column by column; row by row; tiles of 32 columns; and of these with 8 and with 32 rows interleaved. */
export const orders = { column: 0, row: 1, column32: 2, interleaved8: 3, interleaved32: 4 } as const;
export const orderValues: readonly number[] = Object.values(orders);

interface Place {
  readonly row: Expr;
  readonly column: Expr;
}

const sum = (...terms: readonly Expr[]): Expr => terms.reduce(add);
const times = (a: Expr, b: number): Expr => mul(a, int(b));
const over = (a: Expr, b: number): Expr => div(a, int(b));
const rest = (a: Expr, b: number): Expr => mod(a, int(b));

/** Where in the memory of a matrix with so many rows and columns an element stands. */
function offsetOf(order: number, { row, column }: Place, rows: Expr, columns: Expr): Expr {
  if (order === orders.row) return add(mul(row, columns), column);
  if (order === orders.column) return add(mul(column, rows), row);
  const [tile, inside] = [mul(over(column, 32), times(rows, 32)), rest(column, 32)];
  if (order === orders.column32) return sum(tile, times(row, 32), inside);
  if (order === orders.interleaved8) {
    // Tiles of 8 rows: four even rows before four odd ones, in groups of 8 columns, each of two times 4 columns.
    const group = sum(times(rest(row, 2), 4), over(inside, 8));
    const quarter = sum(times(over(rest(inside, 8), 4), 4), over(rest(row, 8), 2));
    return sum(tile, times(over(row, 8), 256), times(group, 32), times(quarter, 4), rest(inside, 4));
  }
  const own = rest(row, 32);
  const line = add(times(add(times(over(rest(own, 8), 2), 4), over(own, 8)), 2), rest(own, 2));
  return sum(tile, times(over(row, 32), 1024), times(line, 32), inside);
}

/** Which element stands at a place of the memory: the inverse of the former. */
function placeOf(order: number, offset: Expr, rows: Expr, columns: Expr): Place {
  if (order === orders.row) return { row: div(offset, columns), column: mod(offset, columns) };
  if (order === orders.column) return { row: mod(offset, rows), column: div(offset, rows) };
  const size = times(rows, 32);
  const [tile, inside] = [times(div(offset, size), 32), mod(offset, size)];
  if (order === orders.column32) return { row: over(inside, 32), column: add(tile, rest(inside, 32)) };
  if (order === orders.interleaved8) {
    const within = rest(inside, 256);
    const [group, part] = [over(within, 32), rest(within, 32)];
    const quarter = over(part, 4);
    const row = sum(times(over(inside, 256), 8), times(rest(quarter, 4), 2), over(group, 4));
    return { row, column: sum(tile, times(rest(group, 4), 8), times(over(quarter, 4), 4), rest(part, 4)) };
  }
  const within = rest(inside, 1024);
  const line = over(within, 32);
  const pair = over(line, 2);
  const row = sum(times(over(inside, 1024), 32), times(rest(pair, 4), 8), times(over(pair, 4), 2), rest(line, 2));
  return { row, column: add(tile, rest(within, 32)) };
}

const sizesOf = (shape: readonly Expr[]): readonly [Expr, Expr] =>
  shape.length < 2 ? [int(1), shape[0] ?? int(1)] : [shape.at(-2)!, shape.at(-1)!];

/**
 * Reads an element by its logical index; a matrix may lack its axis of rows, and batches come first. The memory of a
 * transposed matrix holds its transpose in that order.
 */
export function readOrdered(operand: Operand, order: number, index: readonly Expr[], transposed = false): Expr {
  if (order === orders.row || operand.rank < 2) return operand.at(...index);
  const [rows, columns] = sizesOf(operand.shape);
  const [row, column] = [index.at(-2)!, index.at(-1)!];
  const offset = transposed
    ? offsetOf(order, { row: column, column: row }, columns, rows)
    : offsetOf(order, { row, column }, rows, columns);
  return operand.at(...index.slice(0, -2), ...unflatten(simplify(offset), [rows, columns]));
}

/** The logical index of the element that stands at an index of a tensor in an order. */
export function logicalIndex(index: readonly Expr[], order: number, shape: readonly Expr[]): readonly Expr[] {
  if (order === orders.row || shape.length < 2) return index;
  const [rows, columns] = sizesOf(shape);
  const { row, column } = placeOf(order, add(mul(index.at(-2)!, columns), index.at(-1)!), rows, columns);
  return [...index.slice(0, -2), simplify(row), simplify(column)];
}

/** Refuses a matrix that does not fill the tiles of its order. */
export function checkOrder(name: string, shape: readonly Expr[], order: number, context: TypeContext): void {
  const [rows, columns] = sizesOf(shape).map((extent) => constantOf(extent));
  const columnTile = order >= orders.column32 ? 32 : 1;
  const rowTile = order === orders.interleaved8 ? 8 : order === orders.interleaved32 ? 32 : 1;
  if (columnTile > 1 && (rows === undefined || columns === undefined))
    context.fail(`the sizes of ${name} must be known for order ${order}.`);
  if ((rows ?? 0) % rowTile !== 0 || (columns ?? 0) % columnTile !== 0)
    context.fail(
      `${name} is a matrix of ${rows} x ${columns}; order ${order} needs multiples of ${rowTile} x ${columnTile}.`,
    );
}
