// How constants come into the code: a C array where they are few, else a file that the assembler includes, or a file
// that the caller loads. Compilers need minutes and gigabytes for large arrays, and the assembler none.

import type { OutputFile } from '../../ir/target.ts';

export interface Weights {
  /** Declarations for the C file. */
  readonly declaration: string;
  /** A C expression of type const unsigned char *. */
  readonly pointer: string;
  /** The file that the caller must load, if any. */
  readonly externalFile?: string;
  readonly files: readonly OutputFile[];
}

const largestArray = 1 << 20;

/** `long` says that the compiler takes string literals of any length, which it reads far faster than numbers. */
export function printWeights(name: string, bytes: Uint8Array, how: 'embed' | 'external', long: boolean): Weights {
  const symbol = `${name}_weights`;
  if (how === 'external') {
    const path = `${symbol}.bin`;
    return {
      declaration: '',
      pointer: '(const unsigned char *)io->weights',
      externalFile: path,
      files: [{ path, bytes }],
    };
  }
  if (bytes.length <= largestArray) return long ? embeddedText(symbol, bytes) : embeddedWords(symbol, bytes);
  const declaration = `#if defined(__GNUC__)\n__attribute__((visibility("hidden")))\n#endif\nextern const unsigned char ${symbol}[];\n`;
  return {
    declaration,
    pointer: symbol,
    files: [
      { path: `${symbol}.bin`, bytes },
      { path: `${symbol}.S`, bytes: new TextEncoder().encode(assembly(symbol)) },
    ],
  };
}

/** Eight bytes a word: few tokens, and aligned for every element type. */
function embeddedWords(symbol: string, bytes: Uint8Array): Weights {
  const padded = new Uint8Array(Math.ceil(Math.max(1, bytes.length) / 8) * 8);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  const lines: string[] = [];
  for (let at = 0; at < padded.length; at += 64) {
    const words: string[] = [];
    for (let word = at; word < Math.min(at + 64, padded.length); word += 8) {
      const value = view.getBigUint64(word, true);
      words.push(value < 10n ? `${value}` : `0x${value.toString(16)}`);
    }
    lines.push(`  ${words.join(', ')},\n`);
  }
  const declaration = `${byteOrder}static const uint64_t ${symbol}[] LAP_ALIGNED = {\n${lines.join('')}};\n`;
  return { declaration, pointer: `(const unsigned char *)${symbol}`, files: [] };
}

const byteOrder =
  '/* Constants, as they lie in the memory of a little-endian machine. */\n' +
  '#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n' +
  '#error "the constants of this model need a little-endian machine"\n#endif\n';

function embeddedText(symbol: string, bytes: Uint8Array): Weights {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += bytesOfLine) {
    lines.push(`  "${escaped(bytes, at, Math.min(at + bytesOfLine, bytes.length))}"\n`);
  }
  const declaration =
    `${byteOrder}static const unsigned char ${symbol}[${bytes.length + 1}] LAP_ALIGNED =\n` +
    `${lines.join('').trimEnd()};\n`;
  return { declaration, pointer: symbol, files: [] };
}

const bytesOfLine = 64;
const line = Buffer.alloc(4 * bytesOfLine);
const backslash = 92;
const zero = 48;
const stands = Array.from(
  { length: 256 },
  (_, byte) => byte >= 32 && byte < 127 && !'"\\?'.includes(String.fromCharCode(byte)),
);

/** Octal escapes end after three digits, or before anything that is none. Megabytes pass through here. */
function escaped(bytes: Uint8Array, from: number, to: number): string {
  let length = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (stands[byte]) {
      line[length++] = byte;
      continue;
    }
    const next = at + 1 < to ? bytes[at + 1]! : 0;
    const whole = next >= zero && next < zero + 8;
    line[length++] = backslash;
    if (whole || byte >= 64) line[length++] = zero + (byte >> 6);
    if (whole || byte >= 8) line[length++] = zero + ((byte >> 3) & 7);
    line[length++] = zero + (byte & 7);
  }
  return line.toString('latin1', 0, length);
}

/** Understood by gcc and clang for ELF and Mach-O. */
function assembly(symbol: string): string {
  return `/* The constants of the model. Compile with -I and the folder of ${symbol}.bin. */
#if defined(__APPLE__)
#define SYMBOL _${symbol}
  .const_data
  .private_extern SYMBOL
#else
#define SYMBOL ${symbol}
  .section .rodata
  .hidden SYMBOL
#endif
  .globl SYMBOL
  .balign 64
SYMBOL:
  .incbin "${symbol}.bin"
#if defined(__ELF__)
  .size SYMBOL, . - SYMBOL
  .section .note.GNU-stack, "", %progbits
#endif
`;
}
