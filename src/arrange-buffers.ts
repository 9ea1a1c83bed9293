// Places intervals of memory: buffers that are live at the same time must not overlap, and the highest end should be low.
// Buffers are placed one after the other, each at the lowest offset that is free while it lives; what matters is the order.
// Several natural orders are tried, then the one that is best is improved by moving a buffer that reaches the top
// further to the front, until the bound is met or patience ends. Deterministic.

export interface Extent {
  readonly size: number;
  /** The steps from the first to the last use, both included. */
  readonly first: number;
  readonly last: number;
}

/** Work of the search, in comparisons of two buffers. */
const patience = 6_000_000;

export function arrangeBuffers(extents: readonly Extent[]): readonly number[] {
  const rivals = extents.map((a) =>
    [...extents.keys()].filter((i) => extents[i] !== a && extents[i]!.first <= a.last && a.first <= extents[i]!.last),
  );
  const bound = liveAtOnce(extents);
  let best = firstOrders(extents)
    .map((order) => place(order, extents, rivals))
    .reduce((a, b) => (b.top < a.top ? b : a), {
      order: [] as readonly number[],
      offsets: [] as readonly number[],
      top: Number.POSITIVE_INFINITY,
    });
  const cost = rivals.reduce((sum, list) => sum + list.length + 1, 0);
  const random = generator();
  for (let spent = 0; best.top > bound && spent < patience; spent += cost) {
    const next = place(moveUp(best.order, best.offsets, extents, best.top, random), extents, rivals);
    if (next.top <= best.top) best = next;
  }
  return best.offsets;
}

interface Placement {
  readonly order: readonly number[];
  readonly offsets: readonly number[];
  readonly top: number;
}

function place(
  order: readonly number[],
  extents: readonly Extent[],
  rivals: readonly (readonly number[])[],
): Placement {
  const offsets = new Array<number>(extents.length).fill(-1);
  let top = 0;
  for (const item of order) {
    const placed = rivals[item]!.filter((rival) => offsets[rival]! >= 0).sort((a, b) => offsets[a]! - offsets[b]!);
    let offset = 0;
    for (const rival of placed) {
      if (offset + extents[item]!.size <= offsets[rival]!) break;
      offset = Math.max(offset, offsets[rival]! + extents[rival]!.size);
    }
    offsets[item] = offset;
    top = Math.max(top, offset + extents[item]!.size);
  }
  return { order, offsets, top };
}

function firstOrders(extents: readonly Extent[]): readonly (readonly number[])[] {
  const by = (weight: (extent: Extent) => number): readonly number[] =>
    [...extents.keys()].sort((a, b) => weight(extents[b]!) - weight(extents[a]!) || a - b);
  const length = ({ first, last }: Extent): number => last - first + 1;
  return [
    by(({ size }) => size),
    by((extent) => extent.size * length(extent)),
    by((extent) => length(extent)),
    by(({ first }) => -first),
    by(({ last }) => last),
  ];
}

/** Moves one of the buffers that reach the top to an earlier turn. */
function moveUp(
  order: readonly number[],
  offsets: readonly number[],
  extents: readonly Extent[],
  top: number,
  random: () => number,
): readonly number[] {
  const highest = [...order.keys()].filter(
    (turn) => offsets[order[turn]!]! + extents[order[turn]!]!.size === top && turn > 0,
  );
  const turn = highest[Math.floor(random() * highest.length)] ?? Math.floor(random() * order.length);
  const moved = order[turn]!;
  const rest = order.filter((item) => item !== moved);
  const to = Math.floor(random() * (turn + 1));
  return [...rest.slice(0, to), moved, ...rest.slice(to)];
}

/** The largest sum of sizes at any step. */
export function liveAtOnce(extents: readonly Extent[]): number {
  const sums = extents.map(({ first }) =>
    extents.filter((other) => other.first <= first && first <= other.last).reduce((sum, { size }) => sum + size, 0),
  );
  return Math.max(0, ...sums);
}

/** A small generator (Park and Miller), so that equal inputs give equal placements. */
function generator(): () => number {
  let state = 20_011;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
