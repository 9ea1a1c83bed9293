// Asks ONNX Runtime, which lives in a child process and is started anew when a model ends it.

import { type ChildProcess, fork } from 'node:child_process';
import * as path from 'node:path';
import type { Tensor } from './case.ts';

export type OracleTensor = Tensor;
export type OracleFeed = readonly { readonly name: string; readonly tensor: OracleTensor }[];

export interface OracleQuestion {
  readonly id: number;
  readonly model: Uint8Array;
  /** The model is run on each. */
  readonly feeds: readonly OracleFeed[];
}
export type OracleAnswer =
  | { readonly id: number; readonly results: readonly (readonly OracleTensor[])[]; readonly error?: undefined }
  | { readonly id: number; readonly error: string };

export interface Oracle {
  ask(model: Uint8Array, feeds: readonly OracleFeed[]): Promise<OracleAnswer>;
  close(): void;
}

/** Its process is replaced now and then, whatever it may keep. */
const questionsForProcess = 1000;
const millisecondsForQuestion = 60_000;

export function startOracle(): Oracle {
  let child: ChildProcess | undefined;
  let questions = 0;
  const start = (): ChildProcess =>
    fork(path.join(import.meta.dirname, 'oracle-child.ts'), {
      serialization: 'advanced',
      execArgv: ['--import=tsx'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
  return {
    ask(model, feeds) {
      if (questions % questionsForProcess === questionsForProcess - 1) this.close();
      child ??= start();
      const asked = child;
      const id = questions++;
      return new Promise((resolve) => {
        const finish = (answer: OracleAnswer): void => {
          clearTimeout(timer);
          asked.off('message', finish);
          asked.off('exit', died);
          resolve(answer);
        };
        const stopped = (error: string): void => {
          child = undefined;
          finish({ id, error });
        };
        const died = (): void => stopped('ONNX Runtime ended its process');
        const timer = setTimeout(() => {
          asked.kill('SIGKILL');
          stopped('ONNX Runtime took too long');
        }, millisecondsForQuestion);
        asked.on('message', finish);
        asked.on('exit', died);
        asked.send({ id, model, feeds } satisfies OracleQuestion);
      });
    },
    close() {
      child?.kill();
      child = undefined;
    },
  };
}
