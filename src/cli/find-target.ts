// Names on the command line → entries of the table of targets.

import { targets } from '../../codegen/index.ts';
import type { Target } from '../../ir/target.ts';
import { UsageError } from '../errors.ts';
import { suggestion } from './closest.ts';

export function findTarget(name: string): Target {
  const target = Object.hasOwn(targets, name) ? targets[name] : undefined;
  if (target) return target;
  if (name === 'js') {
    throw new UsageError(
      'Target js only runs models inside of Lapidary: use it with `lapidary run` or `lapidary test`.',
    );
  }
  throw new UsageError(`There is no target "${name}".${suggestion(name, Object.keys(targets))}`);
}

/** As `findTarget`, for commands that can also run models in this process. */
export function checkRunnableTarget(name: string): string {
  if (name !== 'js') findTarget(name);
  return name;
}

/** This machine where a C compiler is found, else WebAssembly, which needs none. */
export async function defaultRunTarget(): Promise<string> {
  const { findCompiler } = await import('../toolchain/compiler.ts');
  try {
    await findCompiler({ name: 'host' });
    return 'host';
  } catch {
    return 'wasm';
  }
}
