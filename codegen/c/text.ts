// Pieces of C text that know how tightly they bind, and a writer of indented lines.

/** 0: a name, literal, call or element; 1: unary and casts; 2: * / %; 3: + -; 4: any other operator; 5: ?: and comma. */
export type Level = 0 | 1 | 2 | 3 | 4 | 5;

export interface Text {
  readonly text: string;
  readonly level: Level;
}

export const primary = (text: string): Text => ({ text, level: 0 });

/** The text, in parentheses unless it binds at least as tightly as `level`. */
export const within = (piece: Text, level: Level): string => (piece.level <= level ? piece.text : `(${piece.text})`);

export const infix = (left: Text, operator: string, right: Text, level: Level): Text => ({
  // Among the operators of level 4 compilers ask for parentheses even where C does not.
  text: `${within(left, level === 4 ? 3 : level)} ${operator} ${within(right, level === 4 ? 3 : ((level - 1) as Level))}`,
  level,
});

export const prefix = (operator: string, operand: Text): Text => ({
  text: `${operator}${within(operand, operator.endsWith(')') ? 1 : 0)}`,
  level: 1,
});

export const castTo = (type: string, value: Text): Text => prefix(`(${type})`, value);

export const applied = (name: string, ...operands: readonly Text[]): Text =>
  primary(`${name}(${operands.map((operand) => within(operand, 4)).join(', ')})`);

export interface Writer {
  line(text: string): void;
  /** Ends a line with `{` or similar and indents what follows. */
  open(text: string): void;
  /** Undoes the indent and writes the closing line. */
  close(text?: string): void;
  text(): string;
}

export function writer(): Writer {
  const lines: string[] = [];
  let indent = '';
  return {
    line: (text) => {
      lines.push(text === '' ? '' : indent + text);
    },
    open: (text) => {
      lines.push(indent + text);
      indent += '  ';
    },
    close: (text = '}') => {
      indent = indent.slice(2);
      lines.push(indent + text);
    },
    text: () => lines.map((line) => `${line}\n`).join(''),
  };
}
