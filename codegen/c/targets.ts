// The targets that print C: for each the numbers that schedules read and the flags that its code is compiled with.

import type { DType } from '../../ir/dtype.ts';
import type { Target, TileTable } from '../../ir/target.ts';
import { type Cpu, hostCpu } from './cpu-features.ts';
import { gnuC, portableC } from './dialect.ts';
import { generateC } from './program.ts';

/** Widths of vectors of `bytes` bytes. */
function lanesOf(bytes: number): Target['lanes'] {
  const widths: readonly (readonly [readonly DType[], number])[] = [
    [['float64', 'int64', 'uint64', 'index'], 8],
    [['float32', 'int32', 'uint32'], 4],
    [['int16', 'uint16', 'float16', 'bfloat16'], 2],
    [['int8', 'uint8', 'bool'], 1],
  ];
  return Object.fromEntries(widths.flatMap(([types, width]) => types.map((type) => [type, bytes / width])));
}

interface Processor {
  readonly name: string;
  readonly description: string;
  readonly features: readonly string[];
  /** Bytes of a vector register; 0 for scalar code. */
  readonly vectorBytes: number;
  readonly registers: number;
  readonly l1?: number;
  readonly l2?: number;
  readonly tiles: TileTable;
  readonly flags: readonly string[];
}

// Neither changes a result; both let compilers turn loops over lanes into single instructions.
const mathFlags = ['-fno-math-errno', '-fno-trapping-math'];
// Loops are vectorized and unrolled by us: -O3 takes twice the time and gains nothing (measured on whole models).
const gnuFlags = ['-O2', ...mathFlags, '-Wno-psabi'];

function cTarget(processor: Processor): Target {
  const { name, description, vectorBytes, flags } = processor;
  const vectors = vectorBytes > 0;
  const compilerFlags = [...(vectors ? gnuFlags : ['-O2', ...mathFlags]), ...flags];
  const dialect = vectors ? gnuC : portableC;
  const arenaAlignment = vectors ? 64 : 16;
  return {
    name,
    description,
    language: 'c',
    features: new Set(processor.features),
    lanes: vectors ? lanesOf(vectorBytes) : {},
    registers: processor.registers,
    cacheBytes: { l1: processor.l1 ?? 32 << 10, l2: processor.l2 ?? 1 << 20 },
    tiles: processor.tiles,
    compilerFlags,
    generate: (program, options) =>
      generateC(program, options, { dialect, arenaAlignment, targetName: name, compilerFlags }),
  };
}

const tiles512: TileTable = {
  rows: 14,
  vectors: 2,
  vectorsOfOneRow: 8,
  windowPositions: 14,
  unrollLimit: 144,
  sharedDistances: 1,
};
const tiles256: TileTable = {
  rows: 6,
  vectors: 2,
  vectorsOfOneRow: 4,
  windowPositions: 4,
  unrollLimit: 256,
  sharedDistances: 1,
};
const tiles128: TileTable = {
  rows: 4,
  vectors: 2,
  vectorsOfOneRow: 4,
  windowPositions: 4,
  unrollLimit: 128,
  sharedDistances: 1,
};
const tilesNeon: TileTable = {
  rows: 6,
  vectors: 4,
  vectorsOfOneRow: 8,
  windowPositions: 7,
  unrollLimit: 256,
  sharedDistances: 3,
};
const tilesScalar: TileTable = {
  rows: 2,
  vectors: 4,
  vectorsOfOneRow: 4,
  windowPositions: 2,
  unrollLimit: 32,
  sharedDistances: 3,
};

const x86v4: Processor = {
  name: 'x86-64-v4',
  description: 'x86-64 with AVX-512 (servers since 2017, Zen 4 and later)',
  features: ['x86', 'sse4.1', 'avx', 'avx2', 'fma', 'avx512'],
  vectorBytes: 64,
  registers: 32,
  tiles: tiles512,
  flags: ['-march=x86-64-v4', '-mprefer-vector-width=512'],
};
const x86v3: Processor = {
  name: 'x86-64-v3',
  description: 'x86-64 with AVX2 and FMA (most desktops since 2013)',
  features: ['x86', 'sse4.1', 'avx', 'avx2', 'fma'],
  vectorBytes: 32,
  registers: 16,
  tiles: tiles256,
  flags: ['-march=x86-64-v3'],
};
const x86v2: Processor = {
  name: 'x86-64-v2',
  description: 'x86-64 with SSE4.2 (any since 2009)',
  features: ['x86', 'sse4.1'],
  vectorBytes: 16,
  registers: 16,
  tiles: tiles128,
  flags: ['-march=x86-64-v2'],
};
const x86v1: Processor = { ...x86v2, name: 'x86-64', description: 'any x86-64', features: ['x86'], flags: [] };
const aarch64: Processor = {
  name: 'aarch64',
  description: '64-bit Arm with Neon',
  features: ['arm', 'neon', 'fma'],
  vectorBytes: 16,
  registers: 32,
  l1: 64 << 10,
  tiles: tilesNeon,
  flags: [],
};
const riscv64: Processor = {
  name: 'riscv64',
  description: '64-bit RISC-V, scalar code',
  features: ['riscv', 'fma'],
  vectorBytes: 0,
  registers: 32,
  tiles: { ...tilesScalar, rows: 4 },
  flags: ['-march=rv64gc'],
};
const portable: Processor = {
  name: 'c',
  description: 'portable scalar C99, for any compiler',
  features: [],
  vectorBytes: 0,
  registers: 16,
  tiles: tilesScalar,
  flags: [],
};
/** Microcontrollers: code size counts, and there is no second cache. */
const cortex = (model: string, features: readonly string[], flags: readonly string[]): Processor => ({
  ...portable,
  name: `cortex-${model}`,
  description: `Arm Cortex-${model.toUpperCase()}, scalar code`,
  features: ['arm', ...features],
  l1: 16 << 10,
  l2: 64 << 10,
  tiles: { ...tilesScalar, vectors: 2, unrollLimit: 16, sharedDistances: 24 },
  flags: ['-mthumb', `-mcpu=cortex-${model}`, ...flags],
});

function hostProcessor(cpu: Cpu): Processor {
  const base = { x64: [x86v1, x86v2, x86v3, x86v4][(cpu.x86Level ?? 1) - 1], arm64: aarch64, riscv64 }[
    cpu.architecture as string
  ];
  const like = base ?? portable;
  return {
    ...like,
    name: 'host',
    description: `this machine (like ${like.name})`,
    l1: cpu.l1,
    l2: cpu.l2,
    flags: like === x86v4 ? ['-march=native', '-mprefer-vector-width=512'] : nativeFlags(like),
  };
}

const nativeFlags = (like: Processor): readonly string[] => {
  if (like.features.includes('x86')) return ['-march=native'];
  return like === aarch64 ? ['-mcpu=native'] : [];
};

const processors: readonly Processor[] = [
  x86v2,
  x86v3,
  x86v4,
  aarch64,
  riscv64,
  cortex('m0', [], ['-mfloat-abi=soft']),
  cortex('m4', ['fpu'], ['-mfloat-abi=hard', '-mfpu=fpv4-sp-d16']),
  cortex('m7', ['fpu'], ['-mfloat-abi=hard', '-mfpu=fpv5-d16']),
  cortex('m55', ['fpu'], ['-mfloat-abi=hard']),
  portable,
];

export const cTargets: Readonly<Record<string, Target>> = Object.fromEntries(
  [hostProcessor(hostCpu()), ...processors].map((processor) => [processor.name, cTarget(processor)]),
);
