// The functions in an ELF executable: what code a model became, and to which of them an address belongs.

export interface FunctionSymbol {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  /** The source file of a local function. */
  readonly file: string | undefined;
}

const sectionTypes = { symbols: 2 };
const symbolTypes = { function: 2, file: 4 };

/** Gives nothing for files that are not little-endian ELF, or have no symbols. */
export function functionSymbols(elf: Uint8Array): readonly FunctionSymbol[] {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (elf.length < 64 || view.getUint32(0, false) !== 0x7f454c46 || elf[5] !== 1) return [];
  const wide = elf[4] === 2;
  const word = (at: number): number => (wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const sections = sectionHeaders(view, wide, word);
  const table = sections.find(({ type }) => type === sectionTypes.symbols);
  const names = table && sections[table.link];
  if (!table || !names) return [];
  const nameAt = (at: number): string => {
    const start = names.offset + at;
    return Buffer.from(elf.subarray(start, elf.indexOf(0, start))).toString('latin1');
  };
  const found: FunctionSymbol[] = [];
  let file: string | undefined;
  const step = wide ? 24 : 16;
  for (let at = table.offset; at < table.offset + table.bytes; at += step) {
    const info = elf[at + (wide ? 4 : 12)]!;
    const name = nameAt(view.getUint32(at, true));
    const isLocal = info >> 4 === 0;
    if ((info & 15) === symbolTypes.file) file = name;
    if ((info & 15) !== symbolTypes.function) continue;
    const address = word(at + (wide ? 8 : 4));
    found.push({ name, address, bytes: word(at + (wide ? 16 : 8)), file: isLocal ? file : undefined });
  }
  return found;
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  readonly link: number;
}

function sectionHeaders(view: DataView, wide: boolean, word: (at: number) => number): readonly Section[] {
  const start = word(wide ? 40 : 32);
  const size = view.getUint16(wide ? 58 : 46, true);
  const count = view.getUint16(wide ? 60 : 48, true);
  return Array.from({ length: count }, (_, position) => {
    const at = start + position * size;
    return {
      type: view.getUint32(at + 4, true),
      offset: word(at + (wide ? 24 : 16)),
      bytes: word(at + (wide ? 32 : 20)),
      link: view.getUint32(at + (wide ? 40 : 24), true),
    };
  });
}
