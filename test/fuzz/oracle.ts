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
      child ??= start();
      const asked = child;
      const id = questions++;
      return new Promise((resolve) => {
        const finish = (answer: OracleAnswer): void => {
          asked.off('message', finish);
          asked.off('exit', died);
          resolve(answer);
        };
        const died = (): void => {
          child = undefined;
          finish({ id, error: 'ONNX Runtime ended its process' });
        };
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
