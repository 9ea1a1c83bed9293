// Targets for the tests of schedules: only what recipes read.

import type { Target } from '../../ir/target.ts';

const common = {
  description: '',
  features: new Set<string>(),
  compilerFlags: [],
  cacheBytes: { l1: 32768, l2: 1048576 },
  generate: () => [],
};

export const wide: Target = {
  ...common,
  name: 'wide',
  language: 'c',
  lanes: { float32: 16, float64: 8, int8: 64, uint8: 64, int16: 32, int32: 16, int64: 8, bool: 64 },
  registers: 32,
  tiles: { rows: 12, vectors: 2, vectorsOfOneRow: 8, windowPositions: 7, unrollLimit: 128 },
};

export const scalar: Target = {
  ...common,
  name: 'scalar',
  language: 'c',
  lanes: {},
  registers: 16,
  tiles: { rows: 4, vectors: 4, vectorsOfOneRow: 4, windowPositions: 4, unrollLimit: 64 },
};

export const simd128: Target = {
  ...common,
  name: 'simd128',
  language: 'wasm',
  lanes: { float32: 4, float64: 2, int8: 16, uint8: 16, int16: 8, int32: 4, int64: 2 },
  registers: 14,
  tiles: { rows: 4, vectors: 2, vectorsOfOneRow: 4, windowPositions: 4, unrollLimit: 64 },
};

export const threads: Target = { ...scalar, name: 'threads', language: 'cuda' };
