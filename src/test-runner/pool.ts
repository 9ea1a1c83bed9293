// Runs test cases on several processes; each case gets an answer, also when its process does not live to give one.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestCase } from './cases.ts';
import type { CaseResult, TestSettings } from './run-case.ts';
import type { Order } from './worker.ts';

export interface PoolOptions {
  readonly jobs: number;
  readonly timeoutSeconds: number;
  readonly onResult: (result: CaseResult) => void;
}

/** How long a process that was asked to end may take. */
const graceMilliseconds = 2000;

/** Results in the order of the cases. */
export async function runCases(
  cases: readonly TestCase[],
  settings: TestSettings,
  options: PoolOptions,
): Promise<readonly CaseResult[]> {
  const results = new Array<CaseResult>(cases.length);
  let next = 0;
  const work = async (): Promise<void> => {
    let worker: ChildProcess | undefined;
    while (next < cases.length) {
      const position = next++;
      worker = worker?.connected ? worker : startWorker();
      const result = await runOn(worker, { test: cases[position]!, settings }, options.timeoutSeconds);
      results[position] = result;
      options.onResult(result);
    }
    if (worker?.connected) worker.disconnect();
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, cases.length) }, work));
  return results;
}

/** The worker is a TypeScript file while this one is. */
const workerFile = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url),
);

const startWorker = (): ChildProcess => fork(workerFile, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });

function runOn(worker: ChildProcess, order: Order, timeoutSeconds: number): Promise<CaseResult> {
  return new Promise((resolve) => {
    let stopped = '';
    const timer = setTimeout(() => {
      stopped = `it took more than ${timeoutSeconds} s and was stopped`;
      worker.kill('SIGTERM');
      // A process that is busy does not hear the polite signal.
      setTimeout(() => worker.kill('SIGKILL'), graceMilliseconds).unref();
    }, timeoutSeconds * 1000);
    const finish = (result: CaseResult): void => {
      clearTimeout(timer);
      worker.off('message', finish);
      worker.off('exit', ended);
      resolve(result);
    };
    const ended = (code: number | null, signal: string | null): void =>
      finish(lostResult(order.test, stopped || `its process ended with ${signal ?? `exit code ${code}`}`));
    worker.on('message', finish);
    worker.on('exit', ended);
    worker.send(order);
  });
}

const lostResult = ({ name, folder }: TestCase, message: string): CaseResult => ({
  name,
  folder,
  status: 'error',
  message,
  maxAbs: null,
  maxRel: null,
  maxUlp: null,
});
