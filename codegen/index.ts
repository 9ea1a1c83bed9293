// The table of targets.

import type { Target } from '../ir/target.ts';
import { cTargets } from './c/targets.ts';
import { cudaTargets } from './cuda/targets.ts';
import { wasmTargets } from './wasm/targets.ts';

export const targets: Readonly<Record<string, Target>> = { ...cTargets, ...wasmTargets, ...cudaTargets };
