// Pieces of C text that know how tightly they bind, and a writer of indented lines.

/** 0: a name, literal, call or element; 1: unary, casts; 2: * / %; 3: + -; 4: shifts, comparisons, bits; 5: && ||; 6: ?: */
export type Level = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface Text {
  readonly text: string;
  readonly level: Level;
}

export const primary = (text: string): Text => ({ text, level: 0 });

/** The text, in parentheses unless it binds at least as tightly as `level`. */
export const within = (piece: Text, level: Level): string => (piece.level <= level ? piece.text : `(${piece.text})`);

export function infix(left: Text, operator: string, right: Text, level: Level): Text {
  // Among the operators of one level from 4 on compilers ask for parentheses even where C does not.
  const looser = level >= 4 ? lower(level) : level;
  return { text: `${within(left, looser)} ${operator} ${within(right, lower(level))}`, level };
}

/** Compilers also ask for parentheses around arithmetic between bit operators. */
export const bitwise = (left: Text, operator: string, right: Text): Text => ({
  text: `${within(left, 1)} ${operator} ${within(right, 1)}`,
  level: 4,
});

/** The next tighter level. */
function lower(level: Level): Level {
  switch (level) {
    case 6:
      return 5;
    case 5:
      return 4;
    case 4:
      return 3;
    case 3:
      return 2;
    case 2:
      return 1;
    default:
      return 0;
  }
}

export const prefix = (operator: string, operand: Text): Text => ({
  text: `${operator}${within(operand, operator.endsWith(')') ? 1 : 0)}`,
  level: 1,
});

export const castTo = (type: string, value: Text): Text => prefix(`(${type})`, value);

export const applied = (name: string, ...operands: readonly Text[]): Text =>
  primary(`${name}(${operands.map((operand) => within(operand, 5)).join(', ')})`);

/** A pointer to an element further on. */
export const advanced = (pointer: Text, offset: Text): Text =>
  offset.text === '0' ? pointer : infix(pointer, '+', offset, 3);

export interface Writer {
  line(text: string): void;
  /** Ends a line with `{` or similar and indents what follows. */
  open(text: string): void;
  /** Undoes the indent and writes the closing line. */
  close(text?: string): void;
  /** How many blocks are open. */
  depth(): number;
  /** A line at the start of the open block of this depth: for what is found to be needed while printing. */
  atStart(depth: number, text: string): void;
  text(): string;
}

interface Block {
  readonly start: string[];
  readonly lines: string[];
}

export function writer(): Writer {
  const top: Block = { start: [], lines: [] };
  const blocks: Block[] = [];
  const current = (): Block => blocks.at(-1) ?? top;
  return {
    line: (text) => {
      current().lines.push('  '.repeat(blocks.length) + text);
    },
    open: (text) => {
      current().lines.push('  '.repeat(blocks.length) + text);
      blocks.push({ start: [], lines: [] });
    },
    close: (text = '}') => {
      const block = blocks.pop() ?? top;
      const { lines } = current();
      for (const line of block.start) lines.push(line);
      for (const line of block.lines) lines.push(line);
      lines.push('  '.repeat(blocks.length) + text);
    },
    depth: () => blocks.length,
    atStart: (depth, text) => {
      (blocks[depth - 1] ?? top).start.push('  '.repeat(depth) + text);
    },
    text: () => [...top.start, ...top.lines].map((line) => `${line}\n`).join(''),
  };
}
