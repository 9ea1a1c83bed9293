// Folders that must not outlive the process, however it ends: an interrupt leaves nothing behind.

import * as fs from 'node:fs';

const folders = new Set<string>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function removeAll(): void {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}

/** Removes the folder when the process ends, unless the function that this gives is called before. */
export function removeLater(folder: string): () => void {
  if (folders.size === 0) {
    process.on('exit', removeAll);
    for (const signal of signals) process.on(signal, endBySignal);
  }
  folders.add(folder);
  return () => {
    folders.delete(folder);
    if (folders.size > 0) return;
    process.off('exit', removeAll);
    for (const signal of signals) process.off(signal, endBySignal);
  };
}

function endBySignal(signal: NodeJS.Signals): void {
  removeAll();
  for (const each of signals) process.off(each, endBySignal);
  process.kill(process.pid, signal);
}
