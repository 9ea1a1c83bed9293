// Chooses the order in which kernels run, for a low peak of memory.
//   a = f(x); b = g(x); c = h(a); d = h(b)   →   a = f(x); c = h(a); b = g(x); d = h(b)     where c is smaller than a
// A beam search over what may run next; the given order stays where nothing better is found. Steps that are not calls
// stay where they are, and calls do not pass them. Deterministic.

import type { Buffer } from '../ir/kernel.ts';
import { writtenBuffers } from '../ir/kernel-walk.ts';
import type { Call, Step } from '../ir/program.ts';
import { type Lowered, storageOf } from './lower/lowered.ts';
import { buffersOf, estimatedBytes } from './plan-memory.ts';

/** Prefixes that are followed at the same time. */
const beamWidth = 8;
/** Longer runs of calls keep their order: the search would take too long. */
const longest = 1000;

export function orderSteps(lowered: Lowered): Lowered {
  const pinned = new Set<Buffer>([
    ...lowered.constants.keys(),
    ...[...lowered.inputs, ...lowered.outputs].map(({ buffer }) => storageOf(buffer, lowered.views)),
  ]);
  const body: Step[] = [];
  const { body: steps } = lowered;
  for (let start = 0; start < steps.length; ) {
    let end = start;
    while (steps[end]?.kind === 'call') end++;
    const run = steps.slice(start, end).filter((step) => step.kind === 'call');
    const rest = [...steps.slice(0, start), ...steps.slice(end)];
    if (run.length > 0) body.push(...orderRun(run, rest, pinned, lowered));
    if (end < steps.length) body.push(steps[end]!);
    start = end + 1;
  }
  return { ...lowered, body };
}

interface Storage {
  readonly bytes: number;
  /** Steps that touch it. */
  readonly uses: number;
}

interface Task {
  readonly call: Call;
  /** What it touches, of what lies in the arena and lives within the run. */
  readonly touched: readonly number[];
  /** Tasks that must have run before. */
  readonly before: readonly number[];
  readonly hash: number;
}

interface Plan {
  readonly tasks: readonly Task[];
  readonly storages: readonly Storage[];
}

function orderRun(
  run: readonly Call[],
  rest: readonly Step[],
  pinned: ReadonlySet<Buffer>,
  lowered: Lowered,
): readonly Call[] {
  if (run.length < 3 || run.length > longest) return run;
  const plan = planOf(run, rest, pinned, lowered);
  const given = peakOf(plan, [...run.keys()]);
  // No order needs less than a single step does.
  const least = Math.max(...plan.tasks.map(({ touched }) => sum(touched.map((item) => plan.storages[item]!.bytes))));
  if (given <= least) return run;
  const found = search(plan);
  return found && peakOf(plan, found) < given ? found.map((task) => run[task]!) : run;
}

function planOf(run: readonly Call[], rest: readonly Step[], pinned: ReadonlySet<Buffer>, { views }: Lowered): Plan {
  const elsewhere = new Set([...buffersOf(rest)].map((buffer) => storageOf(buffer, views)));
  const numbers = new Map<Buffer, number>();
  const uses: number[] = [];
  const lastWriter = new Map<Buffer, number>();
  const readers = new Map<Buffer, number[]>();
  const tasks = run.map((call, position): Task => {
    const written = writtenBuffers(call.kernel);
    const before = new Set<number>();
    const storages = new Map<Buffer, boolean>();
    for (const [i, buffer] of call.arguments.entries()) {
      const storage = storageOf(buffer, views);
      storages.set(storage, written.has(call.kernel.params[i]!) || storages.get(storage) === true);
    }
    for (const [storage, isWritten] of storages) {
      const writer = lastWriter.get(storage);
      if (writer !== undefined) before.add(writer);
      if (isWritten) {
        for (const reader of readers.get(storage) ?? []) before.add(reader);
        lastWriter.set(storage, position);
        readers.delete(storage);
      } else readers.set(storage, [...(readers.get(storage) ?? []), position]);
    }
    const touched = [...storages.keys()].filter((storage) => !pinned.has(storage) && !elsewhere.has(storage));
    for (const storage of touched) {
      if (!numbers.has(storage)) numbers.set(storage, numbers.size);
      const number = numbers.get(storage)!;
      uses[number] = (uses[number] ?? 0) + 1;
    }
    const hash = ((position + 1) * 2_654_435_761) % 4_294_967_291;
    return { call, touched: touched.map((storage) => numbers.get(storage)!), before: [...before], hash };
  });
  const storages = [...numbers.keys()].map((buffer, i) => ({ bytes: estimatedBytes(buffer), uses: uses[i]! }));
  return { tasks, storages };
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The largest sum of live storages. */
function peakOf({ tasks, storages }: Plan, order: readonly number[]): number {
  const left = storages.map(({ uses }) => uses);
  let live = 0;
  let peak = 0;
  for (const task of order) {
    const { touched } = tasks[task]!;
    for (const item of touched) if (left[item] === storages[item]!.uses) live += storages[item]!.bytes;
    peak = Math.max(peak, live);
    for (const item of touched) if (--left[item]! === 0) live -= storages[item]!.bytes;
  }
  return peak;
}

/** What has run so far. */
interface Prefix {
  readonly order: readonly number[];
  /** Uses that are still to come, by storage; and tasks that must still run before each task. */
  readonly left: readonly number[];
  readonly waiting: readonly number[];
  readonly ready: readonly number[];
  readonly live: number;
  readonly peak: number;
  readonly hash: number;
}

function search(plan: Plan): readonly number[] | undefined {
  const { tasks, storages } = plan;
  const followers = tasks.map((): number[] => []);
  for (const [task, { before }] of tasks.entries()) for (const earlier of before) followers[earlier]!.push(task);
  const waiting = tasks.map(({ before }) => before.length);
  const ready = [...tasks.keys()].filter((task) => waiting[task] === 0);
  const left = storages.map(({ uses }) => uses);
  let beam: readonly Prefix[] = [{ order: [], left, waiting, ready, live: 0, peak: 0, hash: 0 }];
  for (let turn = 0; turn < tasks.length; turn++) {
    const next = new Map<string, Choice>();
    for (const prefix of beam) {
      for (const task of prefix.ready) {
        const step = stepOf(prefix, task, plan);
        const key = `${step.hash} ${step.live}`;
        const known = next.get(key);
        if (!known || step.peak < known.peak) next.set(key, step);
      }
    }
    // Equally good choices stay in the order in which they were found: that of the given steps.
    const best = [...next.values()].sort((a, b) => a.peak - b.peak || a.live - b.live);
    beam = best.slice(0, beamWidth).map((step) => take(step, plan, followers));
  }
  return beam[0]?.order;
}

interface Choice {
  readonly prefix: Prefix;
  readonly task: number;
  readonly live: number;
  readonly peak: number;
  readonly hash: number;
}

function stepOf(prefix: Prefix, task: number, { tasks, storages }: Plan): Choice {
  let { live } = prefix;
  let freed = 0;
  for (const item of tasks[task]!.touched) {
    const { bytes, uses } = storages[item]!;
    if (prefix.left[item] === uses) live += bytes;
    if (prefix.left[item] === 1) freed += bytes;
  }
  const peak = Math.max(prefix.peak, live);
  return { prefix, task, live: live - freed, peak, hash: (prefix.hash + tasks[task]!.hash) % 4_503_599_627_370_449 };
}

function take(
  { prefix, task, live, peak, hash }: Choice,
  plan: Plan,
  followers: readonly (readonly number[])[],
): Prefix {
  const left = [...prefix.left];
  for (const item of plan.tasks[task]!.touched) left[item]!--;
  const waiting = [...prefix.waiting];
  const ready = prefix.ready.filter((other) => other !== task);
  for (const follower of followers[task]!) if (--waiting[follower]! === 0) ready.push(follower);
  ready.sort((a, b) => a - b);
  return { order: [...prefix.order, task], left, waiting, ready, live, peak, hash };
}
