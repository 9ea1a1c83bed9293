// Program → NAME.wasm, NAME.js, NAME.d.ts, and NAME.bin where the weights are large; or all in NAME.js and NAME.d.ts.

import type { Program } from '../../ir/program.ts';
import type { GenerateOptions, OutputFile } from '../../ir/target.ts';
import { declarationsOf } from './declarations.ts';
import { interfaceOf } from './interface.ts';
import { javascriptOf } from './javascript.ts';
import { valueDeclarations } from './javascript-values.ts';
import { generateModule } from './program.ts';

/** Weights up to this size are part of the module; larger ones go straight from their file to where they are used. */
const weightsLimit = 192 * 1024;

export async function generateWasm(
  program: Program,
  options: GenerateOptions,
  features: ReadonlySet<string>,
): Promise<readonly OutputFile[]> {
  const { name } = options;
  const relaxed = features.has('relaxed-simd');
  const isOneFile = options.wasm === 'embed';
  const externalWeights =
    program.weights.length > 0 &&
    (options.weights === 'external' || (program.weights.length > weightsLimit && !isOneFile));
  const { bytes, layout } = await generateModule(program, {
    features: { simd: features.has('simd128'), relaxed, threads: options.threads },
    contract: relaxed && options.math === 'fast',
    embedWeights: !externalWeights,
  });
  const tensors = interfaceOf(program);
  const text = javascriptOf(program, layout, tensors, {
    name,
    externalWeights,
    relaxed,
    threads: options.threads,
    ...(isOneFile ? { embedded: bytes } : {}),
  });
  const declarations = declarationsOf(name, tensors, options.threads) + valueDeclarations(program.forms);
  const encoder = new TextEncoder();
  const files: OutputFile[] = [
    ...(isOneFile ? [] : [{ path: `${name}.wasm`, bytes }]),
    { path: `${name}.js`, bytes: encoder.encode(text) },
    { path: `${name}.d.ts`, bytes: encoder.encode(declarations) },
  ];
  return externalWeights ? [...files, { path: `${name}.bin`, bytes: program.weights }] : files;
}
