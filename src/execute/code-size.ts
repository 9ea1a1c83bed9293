// How many bytes of instructions a model became, without its weights and without what comes with every program.

import * as fs from 'node:fs';
import { functionSymbols } from './elf-symbols.ts';

/** Of an executable whose model is in NAME.c; null where its format is not understood. */
export function nativeCodeBytes(file: string, name: string): number | null {
  const symbols = functionSymbols(fs.readFileSync(file)).filter(
    (symbol) => symbol.file === `${name}.c` || symbol.name === `${name}_run` || symbol.name === `${name}_arena_bytes`,
  );
  return symbols.length === 0 ? null : symbols.reduce((sum, { bytes }) => sum + bytes, 0);
}

const codeSection = 10;

/** The code section of a WebAssembly module. */
export function wasmCodeBytes(module: Uint8Array): number {
  let at = 8;
  while (at < module.length) {
    const section = module[at++];
    let bytes = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = module[at++] ?? 0;
      bytes += (byte & 127) * 2 ** shift;
      more = byte > 127;
    }
    if (section === codeSection) return bytes;
    at += bytes;
  }
  return 0;
}
