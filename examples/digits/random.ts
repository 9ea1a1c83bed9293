// A seeded stream of random numbers, so that every run of the training gives the same model.

/** Each call gives the next number, at least 0 and below 1. */
export type Random = () => number;

/** Xorshift on 32 bits: short, fast, and good enough for pictures and first weights. */
export function randomFrom(seed: number): Random {
  // Neighbouring seeds are spread apart; the state must never be 0.
  let state = Math.imul(seed + 1, 0x9e3779b1) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)];
}

/** A number from the normal distribution with mean 0 and deviation 1 (Box and Muller's formula). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
