// How threads share a parallel loop. The memory holds one job at a time: which loop, how far, and a ticket that counts the
// portions left. Whoever takes the ticket above zero has a portion: the main thread the next from the start, a worker the
// next from the end, so that each mostly reads what it wrote in the job before. Since a new job is published only once
// every portion of the last is done, what a taker reads belongs to its portion. The main thread never sleeps: it takes
// portions itself and spins only for those that are under way. Workers spin for a while, then sleep until a job wakes them.

import type { Code, ModuleBuilder } from './binaryen.ts';

/** Stacks are laid out for so many threads. */
export const mostThreads = 8;
/** Turns that a worker spins before it sleeps: some tens of microseconds. */
const patience = 50_000;

/** Words of the job, as offsets; what is written all the time has a cache line of its own. */
const words = {
  ticket: 0,
  done: 64,
  fromEnd: 128,
  wake: 192,
  sleepers: 196,
  workers: 200,
  loop: 256,
  extent: 260,
  portion: 264,
  count: 268,
  fromStart: 272,
};
const firstArgument = 276;

export const jobBytes = (operands: number): number => firstArgument + 4 * operands;
/** Where JavaScript writes how many workers there are. */
export const workersAt = (base: number): number => base + words.workers;

/** The global that holds the address of this thread's stack. */
export const stackGlobal = 'stack';

export interface Job {
  readonly module: ModuleBuilder;
  /** Where the job lies. */
  readonly base: number;
}

type Word = keyof typeof words;
const pointer = ({ module, base }: Job): Code => module.i32(base);
const read = (job: Job, word: Word): Code => job.module.atomic('load', words[word], pointer(job));
const write = (job: Job, word: Word, value: Code): Code => job.module.atomicStore(words[word], pointer(job), value);
const increase = (job: Job, word: Word, by: number): Code =>
  job.module.atomic('add', words[word], pointer(job), job.module.i32(by));

export const readArgument = (job: Job, position: number): Code =>
  job.module.load('i32.load', firstArgument + 4 * position, pointer(job));
export const writeArgument = (job: Job, position: number, value: Code): Code =>
  job.module.store('i32.store', firstArgument + 4 * position, pointer(job), value);

export const hasWorkers = (job: Job): Code => read(job, 'workers');

/**
 * Adds the functions `share(loop, extent, portion)`, which runs a job whose arguments are in place, and `work(stack)`, which
 * a worker never leaves. `loops` are the functions of (begin, end) that run a range of each loop.
 */
export function printThreads(job: Job, loops: readonly string[]): void {
  const { module } = job;
  module.function('dispatch', ['i32', 'i32', 'i32'], undefined, [], dispatch(module, loops, 0, loops.length));
  module.function('take', ['i32'], 'i32', ['i32', 'i32'], take(job));
  module.function('share', ['i32', 'i32', 'i32'], undefined, ['i32'], share(job));
  module.function('work', ['i32'], undefined, ['i32', 'i32'], work(job));
  module.exportFunction('work', 'work');
}

/** Finds the loop by halves. */
function dispatch(module: ModuleBuilder, loops: readonly string[], from: number, to: number): Code {
  if (to <= from) return module.block([]);
  if (to - from === 1) return module.call(loops[from]!, [module.get(1, 'i32'), module.get(2, 'i32')]);
  const middle = (from + to) >> 1;
  const isBelow = module.op('i32.lt_s', module.get(0, 'i32'), module.i32(middle));
  return module.if(isBelow, dispatch(module, loops, from, middle), dispatch(module, loops, middle, to));
}

/** Runs a portion, for a worker or the main thread; 0 if there is none. */
function take(job: Job): Code {
  const { module } = job;
  const [isWorker, begin, end] = [0, 1, 2];
  const get = (local: number): Code => module.get(local, 'i32');
  const none = (): Code => module.returns(module.i32(0));
  const last = module.op('i32.sub', read(job, 'count'), module.i32(1));
  const following = module.op('i32.add', get(begin), read(job, 'portion'));
  return module.block(
    [
      // Only a look, so that those who wait do not take the line from each other.
      module.if(module.op('i32.le_s', read(job, 'ticket'), module.i32(0)), none()),
      module.if(module.op('i32.le_s', increase(job, 'ticket', -1), module.i32(0)), none()),
      module.if(
        get(isWorker),
        module.set(begin, module.op('i32.sub', last, increase(job, 'fromEnd', 1))),
        module.set(begin, increase(job, 'fromStart', 1)),
      ),
      module.set(begin, module.op('i32.mul', get(begin), read(job, 'portion'))),
      module.set(end, following),
      module.if(module.op('i32.gt_s', get(end), read(job, 'extent')), module.set(end, read(job, 'extent'))),
      module.call('dispatch', [read(job, 'loop'), get(begin), get(end)]),
      module.drop(increase(job, 'done', 1)),
      module.i32(1),
    ],
    'i32',
  );
}

function share(job: Job): Code {
  const { module } = job;
  const [loop, extent, portion, count] = [0, 1, 2, 3];
  const get = (local: number): Code => module.get(local, 'i32');
  const lessOne = module.op('i32.sub', get(portion), module.i32(1));
  return module.block([
    module.set(count, module.op('i32.div_s', module.op('i32.add', get(extent), lessOne), get(portion))),
    write(job, 'loop', get(loop)),
    write(job, 'extent', get(extent)),
    write(job, 'portion', get(portion)),
    write(job, 'count', get(count)),
    write(job, 'fromStart', module.i32(0)),
    write(job, 'fromEnd', module.i32(0)),
    write(job, 'done', module.i32(0)),
    write(job, 'ticket', get(count)),
    module.if(
      read(job, 'sleepers'),
      module.block([
        module.drop(increase(job, 'wake', 1)),
        module.drop(module.notify(module.i32(job.base + words.wake))),
      ]),
    ),
    module.loop('taking', module.branch('taking', module.call('take', [module.i32(0)], 'i32'))),
    module.loop('waiting', module.branch('waiting', module.op('i32.ne', read(job, 'done'), get(count)))),
  ]);
}

function work(job: Job): Code {
  const { module } = job;
  const [stack, turns, wake] = [0, 1, 2];
  const get = (local: number): Code => module.get(local, 'i32');
  const rest = (): Code => module.tee(turns, module.op('i32.sub', get(turns), module.i32(1)), 'i32');
  return module.block([
    module.setGlobal(stackGlobal, get(stack)),
    module.loop(
      'forever',
      module.block([
        module.set(turns, module.i32(patience)),
        module.loop(
          'awake',
          module.block([
            module.if(module.call('take', [module.i32(1)], 'i32'), module.set(turns, module.i32(patience))),
            module.branch('awake', rest()),
          ]),
        ),
        // A job published after this look finds a sleeper, or has changed the word that the wait expects.
        module.set(wake, read(job, 'wake')),
        module.drop(increase(job, 'sleepers', 1)),
        module.if(
          module.op('i32.le_s', read(job, 'ticket'), module.i32(0)),
          module.drop(module.wait(module.i32(job.base + words.wake), get(wake))),
        ),
        module.drop(increase(job, 'sleepers', -1)),
        module.branch('forever'),
      ]),
    ),
  ]);
}
