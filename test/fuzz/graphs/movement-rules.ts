// Rules for graphs: values that only change places or shapes.

import { int, ints, text } from '../case.ts';
import { shuffled } from '../operators/movement.ts';
import { int64s } from '../tensors.ts';
import { type GraphState, type GraphValue, type Rule, sizeOf } from './state.ts';

const most = 20_000;

const transpose: Rule = (x, state) => {
  const perm = shuffled(
    state.builder.draw,
    x.dims.map((_, axis) => axis),
  );
  return state.add(
    'Transpose',
    [x.name],
    { perm: ints(perm) },
    perm.map((axis) => x.dims[axis]!),
    x.dtype,
  );
};

const reshape: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length < 2 || sizeOf(x.dims) === 0) return undefined;
  const at = draw.integer(0, x.dims.length - 2);
  const joined = [...x.dims.slice(0, at), x.dims[at]! * x.dims[at + 1]!, ...x.dims.slice(at + 2)];
  const axis = draw.integer(0, joined.length - 1);
  const factors = [2, 3, 4].filter((factor) => joined[axis]! % factor === 0);
  const dims =
    factors.length > 0 && draw.chance(60)
      ? [...joined.slice(0, axis), draw.pick(factors), 0, ...joined.slice(axis + 1)]
      : joined;
  const hole = dims.indexOf(0);
  const full = dims.map((size, i) => (i === hole ? joined[axis]! / dims[axis]! : size));
  // One size may be left to be found.
  const open = hole >= 0 ? hole : draw.chance(50) ? draw.integer(0, full.length - 1) : -1;
  const target = full.map((size, i) => (i === open ? -1 : size));
  return state.add('Reshape', [x.name, state.integers(target)], {}, full, x.dtype);
};

/** Shape → Gather → Concat → Reshape, with the first size from the run. */
const reshapeByShape: Rule = (x, state) => {
  if (x.dims.length < 2 || sizeOf(x.dims) === 0) return undefined;
  const [batch] = x.dims as [number, ...number[]];
  const shape = state.builder.node('Shape', [x.name])[0]!;
  const zero = state.builder.input({ dtype: 'int64', dims: [], bytes: new Uint8Array(8) }, { constant: 100 });
  const size = state.builder.node('Gather', [shape, zero], { axis: int(0) })[0]!;
  const row = state.builder.node('Unsqueeze', [size, state.integers([0])])[0]!;
  const target = state.builder.node('Concat', [row, state.integers([-1])], { axis: int(0) })[0]!;
  return state.add('Reshape', [x.name, target], {}, [batch, sizeOf(x.dims) / batch], x.dtype);
};

const slice: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length === 0) return undefined;
  const axis = draw.integer(0, x.dims.length - 1);
  const size = x.dims[axis]!;
  if (size < 2) return undefined;
  const step = draw.pick([1, 1, 2, -1]);
  const [begin, end] = step < 0 ? [size - 1, -size - 1] : [draw.integer(0, size - 1), size];
  const count = step < 0 ? size : Math.ceil((end - begin) / step);
  const operands = [[begin], [end], [axis], [step]].map((values) => state.integers(values));
  return state.add(
    'Slice',
    [x.name, ...operands],
    {},
    x.dims.map((own, i) => (i === axis ? count : own)),
    x.dtype,
  );
};

const concat: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length === 0) return undefined;
  const axis = draw.integer(0, x.dims.length - 1);
  const fits = (other: GraphValue): boolean =>
    other.dtype === x.dtype &&
    other.dims.length === x.dims.length &&
    other.dims.every((size, i) => i === axis || size === x.dims[i]);
  const others = state.values.filter(fits);
  const parts = [x, ...Array.from({ length: draw.integer(1, 2) }, () => draw.pick(others.length > 0 ? others : [x]))];
  const size = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
  const dims = x.dims.map((own, i) => (i === axis ? size : own));
  if (sizeOf(dims) > most) return undefined;
  return state.add(
    'Concat',
    shuffled(draw, parts).map(({ name }) => name),
    { axis: int(axis) },
    dims,
    x.dtype,
  );
};

/** Both halves go on: a channel shuffle begins so. */
const split: Rule = (x, state) => {
  const { draw } = state.builder;
  const axes = x.dims.flatMap((size, axis) => (size >= 2 ? [axis] : []));
  if (axes.length === 0) return undefined;
  const axis = draw.pick(axes);
  const first = draw.integer(1, x.dims[axis]! - 1);
  const sizes = [first, x.dims[axis]! - first];
  const names = state.builder.node('Split', [x.name, state.integers(sizes)], { axis: int(axis) }, { outputs: 2 });
  const [left, right] = sizes.map((size, i) => ({
    name: names[i]!,
    dtype: x.dtype,
    dims: x.dims.map((own, at) => (at === axis ? size : own)),
  }));
  const active = state.add('Relu', [left.name], {}, left.dims);
  return state.add(
    'Concat',
    draw.chance(50) ? [active.name, right.name] : [right.name, active.name],
    { axis: int(axis) },
    x.dims,
  );
};

const pad: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length === 0) return undefined;
  const mode = draw.pick(['constant', 'constant', 'edge', 'reflect']);
  const pads = [...x.dims, ...x.dims].map((size) =>
    draw.chance(50) ? draw.integer(0, mode === 'reflect' ? Math.min(2, size - 1) : 2) : 0,
  );
  const rank = x.dims.length;
  const dims = x.dims.map((size, axis) => size + pads[axis]! + pads[axis + rank]!);
  if (sizeOf(dims) > most || dims.some((size) => size === 0)) return undefined;
  return state.add('Pad', [x.name, state.integers(pads)], { mode: text(mode) }, dims, x.dtype);
};

const axes: Rule = (x, state) => {
  const ones = x.dims.flatMap((size, axis) => (size === 1 ? [axis] : []));
  if (ones.length > 0 && state.builder.draw.chance(60)) {
    return state.add(
      'Squeeze',
      [x.name, state.integers(ones)],
      {},
      x.dims.filter((size) => size !== 1),
      x.dtype,
    );
  }
  if (x.dims.length > 4) return undefined;
  const axis = state.builder.draw.integer(0, x.dims.length);
  return state.add(
    'Unsqueeze',
    [x.name, state.integers([axis])],
    {},
    [...x.dims.slice(0, axis), 1, ...x.dims.slice(axis)],
    x.dtype,
  );
};

const repeat: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length === 0) return undefined;
  const repeats = x.dims.map(() => draw.pick([1, 1, 2]));
  const dims = x.dims.map((size, axis) => size * repeats[axis]!);
  return sizeOf(dims) > most ? undefined : state.add('Tile', [x.name, state.integers(repeats)], {}, dims, x.dtype);
};

const expand: Rule = (x, state) => {
  const dims = x.dims.map((size) => (size === 1 ? state.builder.draw.integer(1, 4) : size));
  if (sizeOf(dims) > most) return undefined;
  return state.add(
    'Expand',
    [x.name, state.integers([2, ...dims].slice(x.dims.length < 4 && state.builder.draw.chance(30) ? 0 : 1))],
    {},
    dims,
    x.dtype,
  );
};

const gather: Rule = (x, state: GraphState) => {
  const { draw } = state.builder;
  if (x.dims.length === 0 || x.dims.some((size) => size === 0)) return undefined;
  const axis = draw.integer(0, x.dims.length - 1);
  const indices = Array.from({ length: draw.integer(1, 4) }, () => draw.integer(-x.dims[axis]!, x.dims[axis]! - 1));
  const input = state.builder.input(int64s(indices), { constant: 80, open: 0 });
  return state.add(
    'Gather',
    [x.name, input],
    { axis: int(axis) },
    x.dims.map((size, i) => (i === axis ? indices.length : size)),
    x.dtype,
  );
};

const resize: Rule = (x, state) => {
  const { draw } = state.builder;
  if (x.dims.length !== 4 || sizeOf(x.dims) > 3000 || x.dims.some((size) => size === 0)) return undefined;
  const mode = draw.pick(['nearest', 'linear']);
  const transform = draw.pick(['half_pixel', 'asymmetric']);
  const dims = x.dims.map((size, axis) => (axis < 2 ? size : size * 2));
  return state.add(
    'Resize',
    [x.name, undefined, state.numbers([1, 1, 2, 2])],
    { mode: text(mode), coordinate_transformation_mode: text(transform), nearest_mode: text('floor') },
    dims,
  );
};

const blocks: Rule = (x, state) => {
  if (x.dims.length !== 4) return undefined;
  const [N, C, H, W] = x.dims as [number, number, number, number];
  if (C % 4 === 0)
    return state.add(
      'DepthToSpace',
      [x.name],
      { blocksize: int(2), mode: text(state.builder.draw.pick(['DCR', 'CRD'])) },
      [N, C / 4, H * 2, W * 2],
    );
  if (H % 2 === 0 && W % 2 === 0)
    return state.add('SpaceToDepth', [x.name], { blocksize: int(2) }, [N, C * 4, H / 2, W / 2]);
  return undefined;
};

export const movementRules: readonly Rule[] = [
  transpose,
  transpose,
  reshape,
  reshape,
  reshapeByShape,
  slice,
  concat,
  concat,
  split,
  pad,
  axes,
  repeat,
  expand,
  gather,
  resize,
  blocks,
];
