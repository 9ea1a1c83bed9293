// Compiles a model for a target and makes it ready to run.

import { targets } from '../../codegen/index.ts';
import { UsageError } from '../errors.ts';
import type { Executable, ExecuteOptions, ModelSource } from './executable.ts';
import { buildJavaScript } from './javascript.ts';
import { buildNativeExecutable } from './native.ts';
import { buildWebAssemblyExecutable } from './webassembly.ts';

/** A name of the table of targets, or `js`: the evaluator in this process. */
export async function buildExecutable(
  model: ModelSource,
  targetName: string,
  options: ExecuteOptions,
): Promise<Executable> {
  if (targetName === 'js') return buildJavaScript(model, options);
  const target = targets[targetName];
  if (!target) throw new UsageError(`There is no target "${targetName}".`);
  if (target.language === 'c' || target.language === 'cuda') return buildNativeExecutable(model, target, options);
  if (target.language === 'wasm') return buildWebAssemblyExecutable(model, target, options);
  throw new UsageError(`Models for target ${targetName} cannot be run here.`);
}
