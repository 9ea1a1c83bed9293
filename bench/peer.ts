// A conversation with one ONNX Runtime process.

import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import * as readline from 'node:readline';
import type { TensorData } from '../src/onnx/tensor.ts';

export interface Peer {
  /** The median of a round of runs, in microseconds. */
  round(runs: number): Promise<number>;
  stop(): void;
}

export interface PeerInput {
  readonly name: string;
  readonly tensor: TensorData;
}

export async function startPeer(
  variant: 'node' | 'web',
  model: string,
  inputs: readonly PeerInput[],
  threads: number,
  folder: string,
): Promise<Peer> {
  const inputsFile = path.join(folder, `inputs-${variant}.json`);
  const plain = inputs.map(({ name, tensor: { dtype, dims, bytes } }) => ({
    name,
    dtype,
    dims,
    base64: Buffer.from(bytes).toString('base64'),
  }));
  fs.writeFileSync(inputsFile, JSON.stringify(plain));
  const worker = path.join(import.meta.dirname, 'onnxruntime-worker.mjs');
  const child = spawn(process.execPath, [worker, variant, model, inputsFile, `${threads}`], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const next = linesOf(child);
  const first = await next();
  if (!first) throw new Error('ONNX Runtime could not run the model');
  return {
    round: async (runs) => {
      child.stdin!.write(`${runs}\n`);
      const line = await next();
      if (!line) throw new Error('ONNX Runtime stopped');
      return (JSON.parse(line) as { readonly medianUs: number }).medianUs;
    },
    stop: () => child.kill(),
  };
}

/** Lines that are JSON, one a call; undefined when the process ends. */
function linesOf(child: ChildProcess): () => Promise<string | undefined> {
  const lines = readline.createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) return undefined;
      if (value.startsWith('{')) return value;
    }
  };
}
