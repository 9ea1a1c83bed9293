// The WebAssembly targets. 128-bit vectors and 16 registers on the machines below, hence tiles of 4 x 2 vectors; larger
// tiles spill in V8, and so does unrolling along the reduction.

import type { Target } from '../../ir/target.ts';
import { generateWasm } from './generate.ts';

const baseline: Omit<Target, 'name' | 'description' | 'features' | 'generate'> = {
  language: 'wasm',
  lanes: {
    bool: 16,
    int8: 16,
    uint8: 16,
    int16: 8,
    uint16: 8,
    float16: 8,
    bfloat16: 8,
    int32: 4,
    uint32: 4,
    index: 4,
    float32: 4,
    int64: 2,
    uint64: 2,
    float64: 2,
  },
  registers: 14,
  cacheBytes: { l1: 32 * 1024, l2: 512 * 1024 },
  tiles: { rows: 4, vectors: 2, vectorsOfOneRow: 4, windowPositions: 4, unrollLimit: 64, sharedDistances: 4 },
  compilerFlags: [],
};

const target = (
  name: string,
  description: string,
  features: readonly string[],
  changes: Partial<Omit<Target, 'generate'>> = {},
): Target => {
  const set = new Set(features);
  return {
    ...baseline,
    name,
    description,
    features: set,
    ...changes,
    generate: (program, options) => generateWasm(program, options, set),
  };
};

const wasm = target('wasm', 'WebAssembly with 128-bit SIMD: every browser since 2023, Node', ['simd128']);
const wasmRelaxed = target(
  'wasm-relaxed',
  'WebAssembly with relaxed SIMD (fused multiply-add): Chrome 114, Firefox 145, Node 22',
  ['simd128', 'relaxed-simd'],
);
const wasmScalar = target('wasm-scalar', 'WebAssembly without SIMD', [], { lanes: {}, registers: 14 });

export const wasmTargets: Readonly<Record<string, Target>> = {
  wasm,
  'wasm-relaxed': wasmRelaxed,
  'wasm-scalar': wasmScalar,
};
