// Tables and numbers as text for people.

/** Columns padded to the same width; numbers, and what looks like one, to the right. */
export function formatTable(rows: readonly (readonly (string | number)[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, `${cell}`.length);
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        typeof cell === 'number' || /^[\d.,]+( [a-zA-Zµ]+)?$/.test(cell)
          ? `${cell}`.padStart(widths[column]!)
          : cell.padEnd(widths[column]!),
      );
      return `${indent}${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** 12345 → `12.3 kB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

/** 1234567 → `1,234,567`, whatever the locale. */
export const formatCount = (count: number): string => `${count}`.replace(/\B(?=(\d{3})+(?!\d))/g, ',');

export const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/** Names come from models: control characters must not reach a terminal, nor a megabyte of text. */
export function printable(name: string, longest = 60): string {
  const quoted = JSON.stringify(name).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
  const text = /^"[\w.:/-]+"$/.test(quoted) ? quoted.slice(1, -1) : quoted;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
