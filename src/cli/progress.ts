// A line that counts, on terminals only.

export interface Progress {
  advance(): void;
  /** Takes the line away, so that something else can be printed. */
  clear(): void;
}

export function createProgress(total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { advance: () => undefined, clear: () => undefined };
  let done = 0;
  return {
    advance: () => {
      done++;
      stream.write(`\r${done}/${total}`);
    },
    clear: () => {
      stream.write('\r\u001b[K');
    },
  };
}
