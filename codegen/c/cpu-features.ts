// Which vector instructions and caches the machine that we run on has, without asking a compiler.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cpu {
  /** x86-64 levels 1 to 4, or the architecture as Node names it. */
  readonly x86Level?: 1 | 2 | 3 | 4;
  readonly architecture: string;
  readonly l1: number;
  readonly l2: number;
}

const level2 = ['cx16', 'lahf_lm', 'popcnt', 'pni', 'sse4_1', 'sse4_2', 'ssse3'];
const level3 = ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'];
const level4 = ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'];

/** The x86-64 level of a list of /proc/cpuinfo flags. */
export function x86Level(flags: ReadonlySet<string>): 1 | 2 | 3 | 4 {
  const has = (names: readonly string[]): boolean => names.every((name) => flags.has(name));
  if (!has(level2)) return 1;
  if (!has(level3)) return 2;
  return has(level4) ? 4 : 3;
}

let known: Cpu | undefined;
export function hostCpu(): Cpu {
  known ??= detect();
  return known;
}

function detect(): Cpu {
  const architecture = process.arch;
  const caches = { l1: cacheSize(0) ?? 32 << 10, l2: cacheSize(2) ?? 1 << 20 };
  if (architecture !== 'x64') return { architecture, ...caches };
  const flags = process.platform === 'darwin' ? sysctlFlags() : cpuinfoFlags();
  // Every x86-64 machine that runs a current Node has at least level 2.
  return { architecture, x86Level: flags ? x86Level(flags) : 2, ...caches };
}

function cpuinfoFlags(): ReadonlySet<string> | undefined {
  const line = readText('/proc/cpuinfo')?.match(/^flags\s*:\s*(.*)$/m)?.[1];
  return line === undefined ? undefined : new Set(line.split(' '));
}

/** The names of macOS, changed into those of Linux. */
function sysctlFlags(): ReadonlySet<string> | undefined {
  try {
    const text = execFileSync('sysctl', ['-n', 'machdep.cpu.features', 'machdep.cpu.leaf7_features'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const names = text.toLowerCase().replaceAll('.', '_').split(/\s+/);
    return new Set([...names, 'lahf_lm', 'pni', 'abm', ...(names.includes('avx1_0') ? ['avx'] : [])]);
  } catch {
    return undefined;
  }
}

/** Bytes of the data cache of one core that Linux lists at this index. */
function cacheSize(index: number): number | undefined {
  const text = readText(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`)?.trim();
  const match = text?.match(/^(\d+)([KM])$/);
  return match ? Number(match[1]) << (match[2] === 'K' ? 10 : 20) : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
