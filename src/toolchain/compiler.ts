// Finds C compilers: the user's $CC, those on the path, and cross compilers for targets that are not this machine.

import { execa } from 'execa';
import type { Target } from '../../ir/target.ts';
import { ToolError } from '../errors.ts';

export interface Compiler {
  readonly command: string;
  /** What stands before all other arguments, for example what follows `ccache` in $CC. */
  readonly leading: readonly string[];
  readonly family: 'gcc' | 'clang';
  /** The first line of --version. */
  readonly version: string;
  /** The archiver that goes with it. */
  readonly archiver: string;
}

interface Toolchain {
  readonly candidates: readonly string[];
  readonly archiver: string;
  /** How to get it on Debian. */
  readonly install: string;
  /** Runs programs of this architecture here. */
  readonly emulator?: readonly string[];
}

const native: Toolchain = {
  candidates: ['cc', 'gcc', 'clang', ...[21, 20, 19, 18, 17, 16, 15, 14].map((number) => `clang-${number}`)],
  archiver: 'ar',
  install: 'apt install gcc, or xcode-select --install on macOS; or set CC',
};

const cross = (prefix: string, install: string, emulator?: readonly string[]): Toolchain => ({
  candidates: [`${prefix}-gcc`],
  archiver: `${prefix}-ar`,
  install,
  ...(emulator ? { emulator } : {}),
});

const aarch64 = cross('aarch64-linux-gnu', 'apt install gcc-aarch64-linux-gnu', [
  'qemu-aarch64',
  '-L',
  '/usr/aarch64-linux-gnu',
]);
const riscv64 = cross('riscv64-linux-gnu', 'apt install gcc-riscv64-linux-gnu', [
  'qemu-riscv64',
  '-L',
  '/usr/riscv64-linux-gnu',
]);
const x86 = cross('x86_64-linux-gnu', 'apt install gcc-x86-64-linux-gnu', [
  'qemu-x86_64',
  '-L',
  '/usr/x86_64-linux-gnu',
]);
const cortex = cross('arm-none-eabi', 'apt install gcc-arm-none-eabi');

/** Which compiler makes code for a target. `host` and `c` are compiled for this machine. */
function toolchainFor(target: Pick<Target, 'name'>): Toolchain {
  const { name } = target;
  if (name.startsWith('cortex-')) return cortex;
  if (name === 'aarch64' && process.arch !== 'arm64') return aarch64;
  if (name === 'riscv64' && process.arch !== 'riscv64') return riscv64;
  if (name.startsWith('x86-64') && process.arch !== 'x64') return x86;
  return native;
}

/** The words to put before a program of this target so that it runs here; empty where it runs by itself. */
export const emulatorFor = (target: Pick<Target, 'name'>): readonly string[] => toolchainFor(target).emulator ?? [];

const found = new Map<string, Promise<Compiler | undefined>>();

/** A compiler by its command, perhaps with leading arguments: `ccache gcc`. Undefined if it does not answer. */
export function tryCompiler(command: string, archiver = 'ar'): Promise<Compiler | undefined> {
  const key = `${command}\0${archiver}`;
  const known = found.get(key) ?? askVersion(command, archiver);
  found.set(key, known);
  return known;
}

async function askVersion(text: string, archiver: string): Promise<Compiler | undefined> {
  const [command, ...leading] = text.trim().split(/\s+/);
  if (!command) return undefined;
  const { failed, stdout } = await execa(command, [...leading, '--version'], { reject: false, stdin: 'ignore' });
  if (failed) return undefined;
  const version = stdout.split('\n')[0] ?? '';
  return { command, leading, family: /clang/i.test(stdout) ? 'clang' : 'gcc', version, archiver };
}

/** The compiler for a target. Throws a ToolError that says what to install. */
export async function findCompiler(target: Pick<Target, 'name'>): Promise<Compiler> {
  const { candidates, archiver, install } = toolchainFor(target);
  const chosen = process.env.CC;
  if (chosen && candidates === native.candidates) {
    const compiler = await tryCompiler(chosen, archiver);
    if (compiler) return compiler;
    throw new ToolError(`the compiler that CC names, "${chosen}", does not run`);
  }
  for (const candidate of candidates) {
    const compiler = await tryCompiler(candidate, archiver);
    if (compiler) return compiler;
  }
  const names = candidates === native.candidates ? 'a C compiler (cc, gcc or clang)' : candidates[0];
  throw new ToolError(`${names} is needed for target ${target.name} and was not found. Install it: ${install}.`);
}

/** One compiler of each family that is installed: what differential tests compare. */
export async function installedCompilers(): Promise<readonly Compiler[]> {
  const compilers: Compiler[] = [];
  for (const candidate of native.candidates) {
    const compiler = await tryCompiler(candidate);
    if (compiler && !compilers.some(({ family }) => family === compiler.family)) compilers.push(compiler);
  }
  return compilers;
}
