// What generators draw their decisions from. fast-check records every decision, so a failing case shrinks by making
// single decisions smaller: each method puts its plainest answer first.

import fc from 'fast-check';

export interface Draw {
  /** Shrinks towards `min`. */
  integer(min: number, max: number): number;
  /** Shrinks towards the first option. */
  pick<T>(options: readonly T[]): T;
  /** True so many times in a hundred; shrinks towards false. */
  chance(percent: number): boolean;
  /** Starts a sequence of random numbers of its own, for the contents of tensors. */
  seed(): number;
}

type Generate = fc.GeneratorValue;

const between = (min: number, max: number): fc.Arbitrary<number> => fc.noBias(fc.integer({ min, max }));
/** Small answers mean false, so that shrinking takes things away. */
const ofHundred = (): fc.Arbitrary<number> => fc.noBias(fc.integer({ min: 0, max: 99 }));
const anySeed = (): fc.Arbitrary<number> => fc.noBias(fc.nat(1_000_000));

const drawFrom = (generate: Generate): Draw => ({
  integer: (min, max) => (min >= max ? min : generate(between, min, max)),
  pick: (options) => options[options.length > 1 ? generate(between, 0, options.length - 1) : 0]!,
  chance: (percent) => generate(ofHundred) >= 100 - percent,
  seed: () => generate(anySeed),
});

/** An arbitrary of what a function makes of its draws. */
export const drawn = <T>(make: (draw: Draw) => T): fc.Arbitrary<T> =>
  fc.gen().map((generate) => make(drawFrom(generate)));

/** A small generator of numbers in [0, 1) (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = (seed * 2_654_435_769) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
