// Runs orders on several processes, within limits: a case that takes too long or too much memory is a bug of its own and
// takes its process with it. What is found does not depend on how fast the machine is, unless time runs out, which is said.

import { type ChildProcess, fork } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { CampaignResult } from './campaign.ts';
import type { ChildMessage } from './child.ts';
import type { Order } from './order.ts';

export interface CrewLimits {
  readonly jobs: number;
  readonly secondsForCase: number;
  readonly megabytes: number;
  /** When to stop, by `performance.now()`; what runs then is given up. */
  readonly deadline: number;
}

export interface CrewOptions extends CrewLimits {
  /** Another program than the one that runs orders: for tests. */
  readonly childFile?: string;
  readonly onResult: (order: Order, result: CampaignResult) => void;
}

/** Undefined where time ran out. */
type Ending = CampaignResult | undefined;

const usualChild = path.join(import.meta.dirname, 'child.ts');

/** A process is replaced between orders when it has grown to this part of the limit. */
const grown = 0.5;
const watchMilliseconds = 250;

/** How many orders were carried out. Orders are made as they are needed, so they may be endless. */
export async function runOrders(orders: Iterator<Order>, options: CrewOptions): Promise<number> {
  let done = 0;
  const work = async (): Promise<void> => {
    let child: ChildProcess | undefined;
    while (performance.now() < options.deadline) {
      const next = orders.next();
      if (next.done) break;
      if (!child?.connected || child.killed) child = startChild(options);
      const result = await carryOut(child, next.value, options);
      if (!result) break;
      done++;
      options.onResult(next.value, result);
      if (megabytesOf(child) > options.megabytes * grown) child.disconnect();
    }
    if (child?.connected) child.disconnect();
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return done;
}

const startChild = ({ megabytes, childFile = usualChild }: CrewOptions): ChildProcess =>
  fork(childFile, {
    // Maps are sent as they are.
    serialization: 'advanced',
    execArgv: ['--import=tsx', `--max-old-space-size=${megabytes}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

function carryOut(child: ChildProcess, order: Order, limits: CrewLimits): Promise<Ending> {
  return new Promise((resolve) => {
    let description = 'the first case';
    let began = performance.now();
    const finish = (ending: Ending): void => {
      clearInterval(watch);
      child.off('message', hear);
      child.off('exit', died);
      resolve(ending);
    };
    const end = (ending: Ending): void => {
      finish(ending);
      child.kill('SIGKILL');
    };
    const lost = (why: string): Ending => ({
      passed: 0,
      skipped: new Map(),
      unsupported: new Map(),
      bug: `${description}\n${why}`,
    });
    const hear = (message: ChildMessage): void => {
      if (message.kind === 'result') finish(message.result);
      else description = message.description;
      began = performance.now();
    };
    const died = (code: number | null, signal: string | null): void =>
      finish(lost(`the process ended with ${signal ?? `exit code ${code}`}`));
    const watch = setInterval(() => {
      const now = performance.now();
      if (now > limits.deadline) end(undefined);
      else if (now - began > limits.secondsForCase * 1000)
        end(lost(`the case took more than ${limits.secondsForCase} s`));
      else if (megabytesOf(child) > limits.megabytes) end(lost(`the case took more than ${limits.megabytes} MB`));
    }, watchMilliseconds);
    child.on('message', hear);
    child.on('exit', died);
    child.send(order);
  });
}

/** What the process holds in memory; 0 where the system does not say so in a file. */
function megabytesOf({ pid }: ChildProcess): number {
  try {
    const pages = Number(fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return (pages * 4096) / 2 ** 20;
  } catch {
    return 0;
  }
}
