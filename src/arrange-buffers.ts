// Places intervals of memory: buffers that are live at the same time must not overlap, and the highest end should be low.
// Buffers are placed one after the other, each at the lowest offset that is free while it lives; what matters is the order.
// Several natural orders are tried; then the best is varied, by moving a buffer that reaches above the bound or one that
// lives beside it to another turn, until the bound is met or patience ends. At first slightly worse orders are accepted
// too, since a single move seldom helps where buffers of several sizes alternate. Deterministic.

export interface Extent {
  readonly size: number;
  /** The steps from the first to the last use, both included. */
  readonly first: number;
  readonly last: number;
}

/** Work of the search, in comparisons of two buffers. */
const patience = 6_000_000;
/** How much higher than the current a placement may be and still be accepted now and then, as a part of the bound. */
const tolerated = 0.01;
/** How often a neighbour is moved instead of the buffer that lies too high. */
const neighbours = 0.3;

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
  let current = best;
  for (let spent = 0; best.top > bound && spent < patience; spent += cost) {
    const next = place(varied(current, extents, rivals, bound, random), extents, rivals);
    const tolerance = tolerated * bound * (1 - spent / patience);
    if (next.top <= current.top || random() < Math.exp((current.top - next.top) / tolerance)) current = next;
    if (current.top < best.top) best = current;
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

/** Another order: a buffer that reaches above the bound, or one that is live with it, has its turn elsewhere. */
function varied(
  { order, offsets }: Placement,
  extents: readonly Extent[],
  rivals: readonly (readonly number[])[],
  bound: number,
  random: () => number,
): readonly number[] {
  const pick = (list: readonly number[]): number | undefined => list[Math.floor(random() * list.length)];
  const high = pick(order.filter((item) => offsets[item]! + extents[item]!.size > bound))!;
  const moved = (random() < neighbours ? pick(rivals[high]!) : undefined) ?? high;
  const rest = order.filter((item) => item !== moved);
  const to = Math.floor(random() * (rest.length + 1));
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
