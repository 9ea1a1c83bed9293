// What a case of the corpus is, and how it is run: as a user would, through the command line.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';

const program = path.resolve(import.meta.dirname, '../../bin/lapidary.js');

export interface BadCase {
  readonly name: string;
  /** 1, the model, where nothing else is said. */
  readonly code?: number;
  /** The whole message, or a part of it. */
  readonly message: string | RegExp;
  /** Written to model.onnx. */
  readonly model?: Uint8Array;
  /** Makes whatever else must be there. */
  readonly prepare?: (folder: string) => void;
  /** After `compile model.onnx -o out`, where nothing else is said: --target c. */
  readonly options?: readonly string[];
  /** Instead of all that. */
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Ending {
  readonly code: number | null;
  readonly stderr: string;
  /** Of the processor. */
  readonly seconds: number;
  /** Everything in the folder afterwards that was not there before. */
  readonly written: readonly string[];
}

/** Tells on descriptor 3 how much time the process took itself: the machine may be busy with other tests. */
const clock = `data:text/javascript,${encodeURIComponent(
  'import { writeSync } from "node:fs"; process.on("exit", () => {' +
    ' const { user, system } = process.cpuUsage(); writeSync(3, String((user + system) / 1e6)); });',
)}`;

export function runCase(bad: BadCase, folder: string): Promise<Ending> {
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  if (bad.model) fs.writeFileSync(path.join(folder, 'model.onnx'), bad.model);
  bad.prepare?.(folder);
  const before = new Set(filesIn(folder));
  const usual = ['compile', 'model.onnx', '-o', 'out', ...(bad.options ?? ['--target', 'c'])];
  const child = spawn(process.execPath, ['--import', clock, program, ...(bad.arguments ?? usual)], {
    cwd: folder,
    env: { ...process.env, COLUMNS: '80', ...bad.environment },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: 100_000,
  });
  const [said, time] = [child.stdio[2], child.stdio[3]].map((stream) => {
    const parts: Buffer[] = [];
    stream?.on('data', (part: Buffer) => parts.push(part));
    return () => Buffer.concat(parts).toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        code,
        stderr: said!(),
        seconds: Number(time!()),
        written: filesIn(folder).filter((file) => !before.has(file)),
      }),
    );
  });
}

const filesIn = (folder: string): readonly string[] => fs.readdirSync(folder, { recursive: true }).map(String).sort();

/** Runs all, several at once. */
export async function runCases(cases: readonly BadCase[], folder: string): Promise<ReadonlyMap<BadCase, Ending>> {
  const endings = new Map<BadCase, Ending>();
  const waiting = [...cases];
  const work = async (): Promise<void> => {
    for (let bad = waiting.shift(); bad; bad = waiting.shift())
      endings.set(bad, await runCase(bad, path.join(folder, String(cases.indexOf(bad)))));
  };
  await Promise.all([work(), work(), work()]);
  return endings;
}
