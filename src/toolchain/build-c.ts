// Builds what the C and CUDA targets generate: an executable, a shared or static library. The runtime around an executable does
// not depend on the model, so its object is kept in a cache between builds and processes.

import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { runtimeFolder } from '../../codegen/runtime-text.ts';
import type { OutputFile, Target } from '../../ir/target.ts';
import { ToolError } from '../errors.ts';
import { type Compiler, findCompiler } from './compiler.ts';
import { findCudaCompiler } from './cuda-compiler.ts';
import { runTool } from './run-tool.ts';

export interface BuildOptions {
  /** The generated files; written to `folder` unless they lie there already. */
  readonly files: readonly OutputFile[];
  readonly folder: string;
  /** As given to `generate`. */
  readonly name: string;
  readonly target: Pick<Target, 'name' | 'compilerFlags'>;
  readonly math: 'fast' | 'strict';
  readonly emit: 'executable' | 'shared' | 'static';
  /** Path of the result. */
  readonly output: string;
  /** Puts the parallel-for into a library. An executable always has it. */
  readonly threads?: boolean;
  /** Address and undefined-behaviour sanitizers that end the program. */
  readonly sanitize?: boolean;
  readonly compiler?: Compiler;
  /** After all other flags. */
  readonly flags?: readonly string[];
}

export const sanitizerFlags: readonly string[] = [
  '-g',
  '-fsanitize=address,undefined,float-cast-overflow',
  '-fno-sanitize-recover=all',
];

/** The flags that generated code of a target is compiled with. */
export const compileFlags = (
  target: Pick<Target, 'compilerFlags'>,
  math: 'fast' | 'strict',
  sanitize = false,
): readonly string[] => [
  '-std=c99',
  ...target.compilerFlags,
  `-ffp-contract=${math === 'strict' ? 'off' : 'fast'}`,
  ...(sanitize ? sanitizerFlags : []),
];

export async function buildC(options: BuildOptions): Promise<void> {
  const { target, math, sanitize, name, emit, output, folder } = options;
  const compiler = options.compiler ?? (await findCompiler(target));
  const sources = options.files.map(({ path }) => path).filter((path) => /\.(c|S|cu)$/.test(path));
  const cuda = sources.some(isCuda) ? await findCudaCompiler() : undefined;
  writeFiles(options.files, folder);
  const work = join(tmpdir(), `lapidary-build-${randomUUID()}`);
  mkdirSync(work, { recursive: true });
  try {
    const position = emit === 'shared' ? ['-fPIC'] : [];
    // The flags of a CUDA target are for its own compiler.
    const plain = compileFlags(cuda ? { compilerFlags: ['-O1'] } : target, math, sanitize);
    const flags = [...plain, ...position, ...(options.flags ?? [])];
    const cudaFlags = cuda?.compileFlags({
      target,
      math,
      sanitizers: sanitize ? sanitizerFlags : [],
      shared: emit === 'shared',
    });
    // An executable asks for its model under a fixed name, so that its runtime is the same for all models.
    const renamed = emit === 'executable' ? [`-D${name}_describe=lap_main_model`] : [];
    const [runtime, ...objects] = await Promise.all([
      runtimeObject(options, compiler),
      ...sources.map(async (source, index) => {
        const object = join(work, `${index}.o`);
        const inputs = [`-I${folder}`, '-c', join(folder, source), '-o', object];
        if (cuda && cudaFlags && isCuda(source)) await compile(cuda, [...cudaFlags, ...renamed, ...inputs]);
        else await compile(compiler, [...flags, ...renamed, ...inputs]);
        return object;
      }),
    ]);
    const all = [...objects, ...(runtime === undefined ? [] : [runtime])];
    const machine = target.compilerFlags.filter((flag) => flag.startsWith('-m'));
    const libraries = cuda?.linkFlags ?? ['-lm', '-pthread'];
    const link = [...machine, ...(sanitize ? sanitizerFlags : []), ...all, '-o', output, ...libraries];
    if (emit === 'static') {
      rmSync(output, { force: true });
      await runTool(compiler.archiver, ['rcs', output, ...all]);
    } else if (emit === 'shared' || cuda || sanitize) {
      const linker = cuda?.kind === 'device' ? cuda : compiler;
      await compile(linker, emit === 'shared' ? ['-shared', ...link] : link);
    } else {
      await linkProgram(compiler, link);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const isCuda = (source: string): boolean => source.endsWith('.cu');

const compile = ({ command, leading }: Pick<Compiler, 'command' | 'leading'>, args: readonly string[]): Promise<void> =>
  runTool(command, [...leading, ...args]);

/**
 * A program holds the C library itself where a static one is installed: it then runs on any Linux, starts at once, and
 * needs 0.7 MB less memory than with a shared one.
 */
async function linkProgram(compiler: Compiler, link: readonly string[]): Promise<void> {
  const alone = process.platform === 'linux' ? await canLinkAlone(compiler) : false;
  await compile(compiler, alone ? ['-static', ...link] : link);
}

const linksAlone = new Map<string, Promise<boolean>>();

function canLinkAlone(compiler: Compiler): Promise<boolean> {
  const { command, leading } = compiler;
  const key = [command, ...leading].join('\0');
  const known = linksAlone.get(key) ?? tryLinkAlone(command, leading);
  linksAlone.set(key, known);
  return known;
}

async function tryLinkAlone(command: string, leading: readonly string[]): Promise<boolean> {
  const source = 'int main(void) { return 0; }\n';
  const args = [...leading, '-static', '-pthread', '-xc', '-', '-o', '/dev/null', '-lm'];
  return !(await execa(command, args, { reject: false, input: source })).failed;
}

/** Files of several megabytes are not written again when a build follows a compile. */
function writeFiles(files: readonly OutputFile[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const { path, bytes } of files) {
    const place = join(folder, path);
    const same = existsSync(place) && statSync(place).size === bytes.length && readFileSync(place).equals(bytes);
    if (!same) writeFileSync(place, bytes);
  }
}

const building = new Map<string, Promise<string>>();

/** The object of the part of the runtime that goes into the result, if any does. */
async function runtimeObject(options: BuildOptions, compiler: Compiler): Promise<string | undefined> {
  const { emit, target, sanitize } = options;
  if (emit !== 'executable' && !options.threads) return undefined;
  const source = emit === 'executable' ? 'executable.c' : 'parallel.c';
  const machine = target.compilerFlags.filter((flag) => flag.startsWith('-m'));
  const flags = ['-std=c99', '-O1', '-pthread', ...machine, ...(sanitize ? sanitizerFlags : [])];
  const own = (options.flags ?? []).filter((flag) => flag.startsWith('-m') || flag.startsWith('-fsanitize'));
  const all = [...flags, ...own, ...(emit === 'shared' ? ['-fPIC'] : [])];
  const hash = createHash('sha256');
  for (const part of [compiler.command, ...compiler.leading, compiler.version, source, ...all])
    hash.update(`${part}\0`);
  hash.update(runtimeHash());
  const key = hash.digest('hex').slice(0, 40);
  const known = building.get(key) ?? buildRuntime(key, source, all, compiler);
  building.set(key, known);
  return known;
}

let hashed: string | undefined;
function runtimeHash(): string {
  if (hashed === undefined) {
    const folder = runtimeFolder();
    const hash = createHash('sha256');
    for (const name of readdirSync(folder).sort()) hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
    hashed = hash.digest('hex');
  }
  return hashed;
}

async function buildRuntime(
  key: string,
  source: string,
  flags: readonly string[],
  compiler: Compiler,
): Promise<string> {
  const object = join(cacheFolder(), `${key}.o`);
  if (existsSync(object)) return object;
  // Renaming is atomic: another process finds no object or a whole one.
  const unfinished = `${object}.${randomUUID()}`;
  await compile(compiler, [...flags, '-c', join(runtimeFolder(), source), '-o', unfinished]);
  renameSync(unfinished, object);
  return object;
}

/** Objects of the cache are linked into programs, so nobody else may be able to put them there. */
function cacheFolder(): string {
  const user = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `lapidary-cache-${user}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(folder);
  if (process.getuid && (uid !== user || (mode & 0o022) !== 0)) {
    throw new ToolError(`${folder} belongs to somebody else, or others can write to it. Remove it.`);
  }
  return folder;
}
