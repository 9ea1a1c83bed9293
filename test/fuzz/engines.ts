// Runs a fuzz case through the compiler: in the evaluator, as WebAssembly in this process, or as C.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { targets } from '../../codegen/index.ts';
import type { Target } from '../../ir/target.ts';
import { importBytes, toProgram } from '../../src/compile.ts';
import { runProgram } from '../../src/evaluate.ts';
import { buildExecutable } from '../../src/execute/build.ts';
import { type ExecuteOptions, type GivenInput, tensorIn } from '../../src/execute/executable.ts';
import { inputsFor } from '../../src/execute/match-inputs.ts';
import { writeNpy } from '../../src/npy.ts';
import type { FuzzCase, Tensor } from './case.ts';
import type { OracleFeed } from './oracle.ts';

export interface Engine {
  readonly name: string;
  readonly target: string;
  readonly options: ExecuteOptions;
  /** Gives the same bits as all other exact ones. */
  readonly exact: boolean;
}

export const engines = {
  js: { name: 'js', target: 'js', options: {}, exact: false },
  'js-strict': { name: 'js-strict', target: 'js of wasm', options: { math: 'strict' }, exact: true },
  'js-checked': { name: 'js-checked', target: 'checked js', options: {}, exact: false },
  wasm: { name: 'wasm', target: 'wasm', options: {}, exact: false },
  'wasm-strict': { name: 'wasm-strict', target: 'wasm', options: { math: 'strict' }, exact: true },
  c: { name: 'c', target: 'host', options: {}, exact: false },
  'c-strict': { name: 'c-strict', target: 'host', options: { math: 'strict' }, exact: true },
  'c-plain': { name: 'c-plain', target: 'c', options: {}, exact: false },
  'c-sanitized': { name: 'c-sanitized', target: 'c', options: { sanitize: true }, exact: false },
} as const satisfies Readonly<Record<string, Engine>>;

export type EngineName = keyof typeof engines;

export const feedOf = ({ inputs }: FuzzCase): OracleFeed =>
  inputs.filter(({ constant }) => !constant).map(({ name, tensor }) => ({ name, tensor }));

/** Outputs in the order of the case. Throws what the compiler or the run throws. */
export async function runEngine(
  engine: Engine,
  fuzzCase: FuzzCase,
  model: Uint8Array,
): Promise<readonly (Tensor | undefined)[]> {
  if (engine.target === 'js of wasm') return evaluate(fuzzCase, model, { target: targets.wasm!, checked: false });
  if (engine.target === 'checked js') return evaluate(fuzzCase, model, { target: undefined, checked: true });
  const executable = await buildExecutable({ bytes: model, file: '' }, engine.target, engine.options);
  const folder = engine.target.includes('wasm') || engine.target === 'js' ? undefined : temporaryFolder();
  try {
    const outputs = await executable.run(feedOf(fuzzCase).map((input, position) => given(input, position, folder)));
    const byName = new Map(outputs.map((output) => [output.name, tensorIn(output)]));
    return fuzzCase.outputs.map((name) => byName.get(name));
  } finally {
    executable.dispose();
    if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
  }
}

interface Evaluation {
  /** The program as it is printed for a target, with its schedules and elementary functions. */
  readonly target: Target | undefined;
  /** Whether an access outside of a buffer's shape is an error. */
  readonly checked: boolean;
}

function evaluate(
  fuzzCase: FuzzCase,
  model: Uint8Array,
  { target, checked }: Evaluation,
): readonly (Tensor | undefined)[] {
  const program = toProgram(importBytes(model), target, { math: 'strict' });
  const given = feedOf(fuzzCase).map(({ name, tensor }): GivenInput => ({ name, file: '', tensor }));
  const outputs = runProgram(
    program,
    inputsFor(program, given).map(({ tensor }) => tensor),
    { checked },
  );
  const byName = new Map(program.outputs.map(({ name }, position) => [name, outputs[position]]));
  return fuzzCase.outputs.map((name) => byName.get(name));
}

const temporaryFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-fuzz-'));

/** Programs of their own read their inputs from files. */
function given({ name, tensor }: OracleFeed[number], position: number, folder: string | undefined): GivenInput {
  if (folder === undefined) return { name, file: '', tensor };
  const file = path.join(folder, `${position}.npy`);
  fs.writeFileSync(file, writeNpy(tensor));
  return { name, file, tensor };
}
