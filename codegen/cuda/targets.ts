// The targets that print CUDA, one for each generation of processors.

import type { Target } from '../../ir/target.ts';
import { generateCuda } from './program.ts';

interface Generation {
  readonly name: string;
  readonly description: string;
  /** As nvcc calls it, without sm_. */
  readonly architecture: string;
  /** Whether later processors can run it, compiled once more when it is loaded. */
  readonly isForLater: boolean;
  readonly sharedBytes: number;
  readonly l2Bytes: number;
}

function cudaTarget({ name, description, architecture, isForLater, sharedBytes, l2Bytes }: Generation): Target {
  const codeFor = (kind: string): string => `-gencode=arch=compute_${architecture},code=${kind}_${architecture}`;
  const compilerFlags = [codeFor('sm'), ...(isForLater ? [codeFor('compute')] : [])];
  return {
    name,
    description,
    language: 'cuda',
    features: new Set(['cuda', `sm${architecture}`]),
    // Threads are the vectors.
    lanes: {},
    registers: 255,
    cacheBytes: { l1: sharedBytes, l2: l2Bytes },
    // Neighbouring threads read neighbouring columns of a panel.
    tiles: { rows: 4, vectors: 32, vectorsOfOneRow: 32, windowPositions: 4, unrollLimit: 64 },
    compilerFlags,
    generate: (program, options) => generateCuda(program, options, { targetName: name, compilerFlags }),
  };
}

const ampere: Generation = {
  name: 'cuda-sm80',
  description: 'CUDA for NVIDIA A100 and later (compute capability 8.0)',
  architecture: '80',
  isForLater: true,
  sharedBytes: 163 << 10,
  l2Bytes: 40 << 20,
};
const hopper: Generation = {
  name: 'cuda-sm90a',
  description: 'CUDA for NVIDIA H100 and H200 (compute capability 9.0)',
  architecture: '90a',
  isForLater: false,
  sharedBytes: 227 << 10,
  l2Bytes: 50 << 20,
};
const usual: Generation = { ...ampere, name: 'cuda', description: 'the same as cuda-sm80' };

export const cudaTargets: Readonly<Record<string, Target>> = Object.fromEntries(
  [usual, ampere, hopper].map((generation) => [generation.name, cudaTarget(generation)]),
);
