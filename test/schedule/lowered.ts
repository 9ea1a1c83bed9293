// Kernels as lowering makes them, for the tests and the benchmark of schedules.

import type { DType } from '../../ir/dtype.ts';
import type { Expr, ReduceOp, Var } from '../../ir/expr.ts';
import {
  add,
  and,
  binary,
  call,
  constant,
  div,
  float,
  indexVar,
  int,
  load,
  lt,
  max,
  mod,
  mul,
  select,
  sub,
} from '../../ir/expr-make.ts';
import { freeVars } from '../../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { allocate, block, loops, store } from '../../ir/kernel-walk.ts';

export type Size = number | Expr;
export const size = (extent: Size): Expr => (typeof extent === 'number' ? int(extent) : extent);

export const argument = (name: string, shape: readonly Size[], dtype: DType = 'float32'): Buffer => ({
  name,
  dtype,
  shape: shape.map(size),
  memory: 'argument',
});

export const axis = (name: string, extent: Size): Var => indexVar(name, extent);

const identity: Readonly<Record<ReduceOp, number>> = {
  sum: 0,
  prod: 1,
  min: Number.POSITIVE_INFINITY,
  max: Number.NEGATIVE_INFINITY,
};
const operation = { sum: 'add', prod: 'mul', min: 'min', max: 'max' } as const;

/** acc = identity; for axes { acc = acc op body }; then what `rest` does with acc. */
export function reduction(
  op: ReduceOp,
  axes: readonly Var[],
  body: Expr,
  rest: (total: Expr) => Stmt,
  name = 'acc',
): Stmt {
  const acc: Buffer = { name, dtype: body.dtype, shape: [], memory: 'register' };
  const total = load(acc, []);
  return allocate(
    acc,
    block([
      store(acc, [], constant(identity[op], body.dtype)),
      loops(axes, store(acc, [], binary(operation[op], total, body))),
      rest(total),
    ]),
  );
}

const dimsOf = (sizes: readonly Size[]): readonly Var[] => [
  ...new Set(sizes.flatMap((extent) => (typeof extent === 'number' ? [] : [...freeVars(extent)]))),
];

export const relu = (value: Expr): Expr => max(value, float(0));

export interface Product {
  readonly rows: Size;
  readonly columns: number;
  readonly depth: Size;
  /** Width of the packed panels; undefined: the right operand is plain [depth, columns]. */
  readonly panel?: number;
  readonly dtype?: DType;
}

/** C = relu(A B + bias), B packed or plain. */
export function product({ rows, columns, depth, panel, dtype = 'float32' }: Product): Kernel {
  const A = argument('A', [rows, depth], dtype);
  const B = panel
    ? argument('B', [Math.ceil(columns / panel), depth, panel], dtype)
    : argument('B', [depth, columns], dtype);
  const bias = argument('bias', [columns], dtype);
  const C = argument('C', [rows, columns], dtype);
  const [m, n, k] = [axis('m', rows), axis('n', columns), axis('k', depth)];
  const right = panel ? load(B, [div(n, int(panel)), k, mod(n, int(panel))]) : load(B, [k, n]);
  const body = reduction('sum', [k], mul(load(A, [m, k]), right), (total) =>
    store(C, [m, n], max(add(total, load(bias, [n])), constant(0, dtype))),
  );
  return { name: 'product', params: [A, B, bias, C], dims: dimsOf([rows, depth]), body: loops([m, n], body) };
}

export interface Convolution {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly panel: number;
  readonly batch?: Size;
}

/** Channels last, input already padded. `height` and `width` are those of the output. */
export function convolution(shape: Convolution): Kernel {
  const { height, width, channels, outputs, kernel, stride = 1, panel, batch = 1 } = shape;
  const reach = (extent: number): number => (extent - 1) * stride + kernel;
  const A = argument('A', [batch, reach(height), reach(width), channels]);
  const W = argument('W', [Math.ceil(outputs / panel), kernel, kernel, channels, panel]);
  const bias = argument('bias', [outputs]);
  const Y = argument('Y', [batch, height, width, outputs]);
  const [b, y, x, n] = [axis('b', batch), axis('y', height), axis('x', width), axis('n', outputs)];
  const [ky, kx, c] = [axis('ky', kernel), axis('kx', kernel), axis('c', channels)];
  const at = (position: Var, tap: Var): Expr => add(mul(position, int(stride)), tap);
  const body = reduction(
    'sum',
    [ky, kx, c],
    mul(load(A, [b, at(y, ky), at(x, kx), c]), load(W, [div(n, int(panel)), ky, kx, c, mod(n, int(panel))])),
    (total) => store(Y, [b, y, x, n], relu(add(total, load(bias, [n])))),
  );
  return { name: 'convolution', params: [A, W, bias, Y], dims: dimsOf([batch]), body: loops([b, y, x, n], body) };
}

export interface Window {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly op?: 'depthwise' | 'max';
}

export function window({ height, width, channels, kernel, stride = 1, op = 'depthwise' }: Window): Kernel {
  const reach = (extent: number): number => (extent - 1) * stride + kernel;
  const A = argument('A', [1, reach(height), reach(width), channels]);
  const W = argument('W', [kernel, kernel, channels]);
  const Y = argument('Y', [1, height, width, channels]);
  const [b, y, x, c] = [axis('b', 1), axis('y', height), axis('x', width), axis('c', channels)];
  const [ky, kx] = [axis('ky', kernel), axis('kx', kernel)];
  const at = (position: Var, tap: Var): Expr => add(mul(position, int(stride)), tap);
  const tap = load(A, [b, at(y, ky), at(x, kx), c]);
  const isMax = op === 'max';
  const body = reduction(isMax ? 'max' : 'sum', [ky, kx], isMax ? tap : mul(tap, load(W, [ky, kx, c])), (total) =>
    store(Y, [b, y, x, c], isMax ? total : relu(total)),
  );
  return { name: 'window', params: isMax ? [A, Y] : [A, W, Y], dims: [], body: loops([b, y, x, c], body) };
}

/** Softmax over the last axis. */
export function softmax(rows: Size, columns: Size): Kernel {
  const X = argument('X', [rows, columns]);
  const Y = argument('Y', [rows, columns]);
  const r = axis('r', rows);
  const at = (name: string): Var => axis(name, columns);
  const shifted = (greatest: Expr, c: Var): Expr => call('exp', sub(load(X, [r, c]), greatest));
  const [c0, c1, c2] = [at('c'), at('c'), at('c')];
  const body = reduction('max', [c0], load(X, [r, c0]), (greatest) =>
    reduction('sum', [c1], shifted(greatest, c1), (sum) =>
      loops([c2], store(Y, [r, c2], div(shifted(greatest, c2), sum))),
    ),
  );
  return { name: 'softmax', params: [X, Y], dims: dimsOf([rows, columns]), body: loops([r], body) };
}

/** Mean over the last axis, or over the axes before it. */
export function mean(rows: Size, columns: Size, over: 'last' | 'first'): Kernel {
  const X = argument('X', [rows, columns]);
  const Y = argument('Y', [over === 'last' ? rows : columns]);
  const [r, c] = [axis('r', rows), axis('c', columns)];
  const [kept, reduced] = over === 'last' ? [r, c] : [c, r];
  const body = reduction('sum', [reduced], load(X, [r, c]), (sum) => store(Y, [kept], mul(sum, float(0.125))));
  return { name: 'mean', params: [X, Y], dims: dimsOf([rows, columns]), body: loops([kept], body) };
}

/** Y[r] = X[r] + the sum of a number that is the same in every turn, as the border of a padded array leaves it. */
export function constantSum(rows: Size, count: Size): Kernel {
  const [X, Y] = [argument('X', [rows]), argument('Y', [rows])];
  const [r, c] = [axis('r', rows), axis('c', count)];
  const body = reduction('sum', [c], float(0.5), (sum) => store(Y, [r], add(load(X, [r]), sum)));
  return { name: 'constantSum', params: [X, Y], dims: dimsOf([rows, count]), body: loops([r], body) };
}

/** Y = relu(X * scale[last axis]) */
export function scaled(shape: readonly Size[]): Kernel {
  const X = argument('X', shape);
  const scale = argument('scale', shape.slice(-1));
  const Y = argument('Y', shape);
  const at = shape.map((extent, i) => axis(`i${i}`, extent));
  const body = store(Y, at, relu(mul(load(X, at), load(scale, at.slice(-1)))));
  return { name: 'scaled', params: [X, scale, Y], dims: dimsOf(shape), body: loops(at, body) };
}

/** Y = X + Z, same shapes. */
export function added(shape: readonly Size[]): Kernel {
  const [X, Z, Y] = [argument('X', shape), argument('Z', shape), argument('Y', shape)];
  const at = shape.map((extent, i) => axis(`i${i}`, extent));
  return {
    name: 'added',
    params: [X, Z, Y],
    dims: dimsOf(shape),
    body: loops(at, store(Y, at, add(load(X, at), load(Z, at)))),
  };
}

/** Y[y, x, c] = X[c, y, x] */
export function transposed(height: Size, width: Size, channels: Size): Kernel {
  const X = argument('X', [channels, height, width]);
  const Y = argument('Y', [height, width, channels]);
  const [y, x, c] = [axis('y', height), axis('x', width), axis('c', channels)];
  return {
    name: 'transposed',
    params: [X, Y],
    dims: dimsOf([height, width, channels]),
    body: loops([y, x, c], store(Y, [y, x, c], load(X, [c, y, x]))),
  };
}

/** Y[r] = A[r] followed by B[r] */
export function joined(rows: Size, first: number, second: number): Kernel {
  const [A, B] = [argument('A', [rows, first]), argument('B', [rows, second])];
  const Y = argument('Y', [rows, first + second]);
  const [r, c] = [axis('r', rows), axis('c', first + second)];
  const value = select(lt(c, int(first)), load(A, [r, c]), load(B, [r, sub(c, int(first))]));
  return { name: 'joined', params: [A, B, Y], dims: dimsOf([rows]), body: loops([r, c], store(Y, [r, c], value)) };
}

/** X with a border of zeros. */
export function bordered(height: Size, width: Size, channels: number, border: number): Kernel {
  const grown = (extent: Size): Expr => add(size(extent), int(2 * border));
  const X = argument('X', [height, width, channels]);
  const Y = argument('Y', [grown(height), grown(width), channels]);
  const [y, x, c] = [axis('y', grown(height)), axis('x', grown(width)), axis('c', channels)];
  const within = (at: Expr, extent: Size): Expr => and(lt(int(-1), at), lt(at, size(extent)));
  const [fromY, fromX] = [sub(y, int(border)), sub(x, int(border))];
  const inside = and(within(fromY, height), within(fromX, width));
  const value = select(inside, load(X, [fromY, fromX, c]), float(0));
  return {
    name: 'bordered',
    params: [X, Y],
    dims: dimsOf([height, width]),
    body: loops([y, x, c], store(Y, [y, x, c], value)),
  };
}
