// A target: data that schedules read, and one function that prints a program.

import type { DType } from './dtype.ts';
import type { Program } from './program.ts';

/** Numbers that the recipes read; see `src/schedule`. All counts are in elements of float32 unless said. */
export interface TileTable {
  /** Rows of the accumulator tile of a contraction. */
  readonly rows: number;
  /** Vectors a row of that tile; the packed panel is vectors * lanes wide. */
  readonly vectors: number;
  /** Vectors a row where there is a single row (matrix times vector). */
  readonly vectorsOfOneRow: number;
  /** Output positions a tile of a depthwise or pooling window. */
  readonly windowPositions: number;
  /** Most loop iterations that a schedule may unroll into straight-line code. */
  readonly unrollLimit: number;
  /**
   * Kernels that differ in constants only are shared if no innermost loop needs more parameters than this as distances
   * between accesses: each takes a register. Absent: kernels must be equal to be shared.
   */
  readonly sharedDistances?: number;
}

export interface OutputFile {
  /** Relative to the output folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface GenerateOptions {
  /** A safe identifier for functions and files. */
  readonly name: string;
  readonly weights: 'embed' | 'external';
  /** `embed` puts a WebAssembly module into its JavaScript; otherwise it is a file beside. */
  readonly wasm?: 'embed' | 'external';
  readonly threads: boolean;
  readonly math: 'fast' | 'strict';
}

export interface Target {
  readonly name: string;
  /** One line for `lapidary targets`. */
  readonly description: string;
  /** 'c', 'wasm' or 'cuda': which printer. */
  readonly language: 'c' | 'wasm' | 'cuda';
  /** For example 'avx512', 'simd128', 'relaxed-simd', 'sm80'. */
  readonly features: ReadonlySet<string>;
  /** Widest vector for an element type; absent or 1 means scalar code. */
  readonly lanes: Partial<Readonly<Record<DType, number>>>;
  readonly registers: number;
  readonly cacheBytes: { readonly l1: number; readonly l2: number };
  readonly tiles: TileTable;
  /** Flags for the C compiler, where there is one. */
  readonly compilerFlags: readonly string[];
  generate(program: Program, options: GenerateOptions): readonly OutputFile[] | Promise<readonly OutputFile[]>;
}
