// Decides which values get a buffer. Everything else is inlined into its readers: what comes before an operation into
// its loads, what comes after into its store, reductions into the row loop that they share with their readers.
// A value is inlined only where that repeats no real work.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import type { FusionPlan } from '../lower/state.ts';
import { physicalOrder } from '../lower/storage.ts';
import { type Access, accessOf, type Read } from './access.ts';
import { chooseLayouts, type Layouts } from './choose-layout.ts';
import { estimate } from './estimate.ts';
import { computable } from './reachable.ts';

/** Repeating this much work for each further reader is cheaper than a buffer. */
const cheapWork = 3;
const mostReaders = 4;
/** More operations than this behind a contraction are not gathered into its store. */
const mostBetween = 12;
/** An inlined expression may grow to this many operations. */
const mostWork = 300;

interface Reader {
  readonly access: Access;
  readonly read: Read;
}

interface Fusion {
  readonly accesses: ReadonlyMap<Value, Access>;
  readonly readers: ReadonlyMap<Value, readonly Reader[]>;
  /** Values that something other than an element expression reads. */
  readonly opaqueReads: ReadonlySet<Value>;
  /** Work for one element with everything inlined that was decided to be. */
  readonly work: Map<Value, number>;
  readonly inlined: Set<Value>;
  /** Values between a contraction and the one value in which its readers meet. */
  readonly forced: Set<Value>;
  readonly outputs: ReadonlySet<Value>;
  /** The order of computation. */
  readonly position: ReadonlyMap<Value, number>;
  /** Values into which a heavy reduction was inlined, and those that pass it on. */
  readonly heavy: Set<Value>;
  /** The same for any reduction. */
  readonly reducing: Set<Value>;
  readonly layouts: Layouts;
}

export function fuse(graph: Graph): FusionPlan {
  const everything = computable(graph.outputs, graph.captures);
  const order = readValues(graph, everything);
  const { layouts, wishes } = chooseLayouts(graph);
  const fusion = analyze(graph, order, layouts);
  const inputs = new Set([...graph.inputs, ...graph.captures]);
  const outputs = new Set(graph.outputs);
  for (const value of order) {
    const access = fusion.accesses.get(value);
    if (!access) continue;
    const total = access.work + inlinedWork(access, fusion);
    fusion.work.set(value, total);
    if (isHeavy(access)) fusion.heavy.add(value);
    if (access.reduces) fusion.reducing.add(value);
    for (const kinds of [fusion.heavy, fusion.reducing]) {
      if (access.reads.some(({ source }) => fusion.inlined.has(source) && kinds.has(source))) kinds.add(value);
    }
    const free = !outputs.has(value) && !fusion.opaqueReads.has(value);
    if (free && (fusion.forced.has(value) || canInline(access, fusion))) fusion.inlined.add(value);
  }
  return {
    materialized: order.filter((value) => !inputs.has(value) && !fusion.inlined.has(value)),
    layouts,
    // A contraction is computed in the order that its operands like, wherever the results go.
    loopOrders: new Map([...wishes].filter(([value]) => fusion.heavy.has(value))),
  };
}

/** Without the values that only say something about shapes: nobody loads them. */
function readValues(graph: Graph, order: readonly Value[]): readonly Value[] {
  const read = new Set<Value>(graph.outputs);
  for (const value of [...order].reverse()) {
    // What finds out a size is run for the size alone.
    if (findsSizes(value)) read.add(value);
    if (!read.has(value)) continue;
    const access = accessOf(value);
    if (access) for (const { source } of access.reads) read.add(source);
    if (!access || findsSizes(value)) for (const input of opaqueInputs(value)) read.add(input);
  }
  return order.filter((value) => read.has(value));
}

const findsSizes = ({ producer }: Value): boolean => producer !== undefined && producer.sizes.length > 0;

/** What a node that is no element expression reads: its inputs, and what its subgraphs capture. */
function opaqueInputs(value: Value): readonly Value[] {
  const node = value.producer;
  if (!node) return [];
  const captured = Object.values(node.attributes).flatMap((attribute) =>
    typeof attribute === 'object' && 'captures' in attribute ? attribute.captures : [],
  );
  return [...node.inputs, ...captured].filter((input) => input !== undefined);
}

function analyze(graph: Graph, order: readonly Value[], layouts: Layouts): Fusion {
  const accesses = new Map<Value, Access>();
  const readers = new Map<Value, Reader[]>();
  const opaqueReads = new Set<Value>();
  for (const value of order) {
    const access = accessOf(value);
    if (access) {
      accesses.set(value, access);
      for (const read of access.reads)
        readers.set(read.source, [...(readers.get(read.source) ?? []), { access, read }]);
    }
    if (!access || findsSizes(value)) for (const input of opaqueInputs(value)) opaqueReads.add(input);
    if (findsSizes(value)) opaqueReads.add(value);
  }
  const position = new Map(order.map((value, i) => [value, i] as const));
  const outputs = new Set(graph.outputs);
  return {
    accesses,
    readers,
    opaqueReads,
    outputs,
    position,
    work: new Map(),
    inlined: new Set(),
    forced: new Set(),
    heavy: new Set(),
    reducing: new Set(),
    layouts,
  };
}

/** A reduction that reads its operands again and again: a contraction, a window. It wants a schedule of its own. */
const isHeavy = (access: Access): boolean =>
  access.reduces && access.reads.some(({ reuse, axes }) => axes.length > 0 && reuse > 1.5);

/** A reduction inlined into a prefix of its reader's loops is computed once for many elements: it counts as a load. */
function inlinedWork(access: Access, fusion: Fusion): number {
  return access.reads
    .filter(({ source }) => fusion.inlined.has(source))
    .reduce((sum, { source }) => sum + (fusion.accesses.get(source)?.reduces ? 1 : (fusion.work.get(source) ?? 0)), 0);
}

function canInline(access: Access, fusion: Fusion): boolean {
  const readers = fusion.readers.get(access.value) ?? [];
  if (readers.length === 0) return false;
  const work = fusion.work.get(access.value) ?? 0;
  if (work > mostWork) return false;
  if (access.reduces || fusion.heavy.has(access.value)) return canInlineReduction(access, readers, fusion);
  if (!access.movement && work > 0 && readers.some((reader) => isGuarded(reader, fusion))) return false;
  if (access.movement) return readers.every((reader) => canInlineMovement(access, reader));
  const reuse = readers.reduce((sum, { read }) => sum + read.reuse, 0);
  const reductionsInside = access.reads.some(
    ({ source }) => fusion.inlined.has(source) && fusion.accesses.get(source)?.reduces,
  );
  if (fusion.reducing.has(access.value) && spoilsContraction(access, fusion)) return false;
  if (
    reductionsInside &&
    !readers.every(({ access: reader, read }) => isPrefix(read, reader, fusion) || isIdentity(read, reader))
  )
    return false;
  if (readers.some(({ access: reader }) => feedsHeavy(reader, fusion))) return false;
  // Inside of a contraction's kernel its columns would be cut where the choice turns, across panels and vectors.
  if (choosesByPlace(access) && spoilsContraction(access, fusion)) return false;
  return (
    reuse <= 1.01 ||
    (work <= cheapWork && readers.length <= mostReaders) ||
    (reductionsInside && readers.length <= mostReaders)
  );
}

/** Whether the reader, or one for which it only renames elements, reads again and again. */
const feedsHeavy = (reader: Access, fusion: Fusion): boolean =>
  isHeavy(reader) || passedOn(reader, fusion).some(({ access }) => feedsHeavy(access, fusion));

/** Whether the reader, or one for which it only renames elements, reads some elements only. */
const isGuarded = ({ access, read }: Reader, fusion: Fusion): boolean =>
  read.guarded || passedOn(access, fusion).some((reader) => isGuarded(reader, fusion));

/** The readers of a value that only renames elements and gets no buffer for that. */
const passedOn = ({ movement, value }: Access, fusion: Fusion): readonly Reader[] =>
  movement && !fusion.outputs.has(value) ? (fusion.readers.get(value) ?? []) : [];

/** Into a contraction only where neighbours stay neighbours; elsewhere always. */
function canInlineMovement(access: Access, { access: reader }: Reader): boolean {
  if (!isHeavy(reader)) return true;
  const read = access.reads[0];
  // Where the place is data (an embedding), a copy is cheaper than looking it up for every column.
  if (read?.indices.some((index) => contains(index, (node) => node.kind === 'load'))) return false;
  const last = access.indices.at(-1);
  return read !== undefined && last !== undefined && read.indices.at(-1) === last;
}

function canInlineReduction(access: Access, readers: readonly Reader[], fusion: Fusion): boolean {
  if (fusion.heavy.has(access.value)) {
    if (readers.length > 1) return hasOneEpilogue(access, fusion);
    const only = readers[0];
    if (!only || only.access.reduces || only.read.guarded || fusion.heavy.has(only.access.value)) return false;
    return isIdentity(only.read, only.access) && !hasRival(access.value, only.access, fusion.reducing, fusion);
  }
  if (readers.length > mostReaders || spoilsContraction(access, fusion)) return false;
  return readers.every(({ access: reader, read }) => {
    if (isGuarded({ access: reader, read }, fusion) || feedsHeavy(reader, fusion)) return false;
    return isPrefix(read, reader, fusion) || (isIdentity(read, reader) && readers.length === 1);
  });
}

/** Whether another value of one of these kinds goes into the reader: the schedule of a contraction needs a nest alone. */
const hasRival = (value: Value, reader: Access, kinds: ReadonlySet<Value>, fusion: Fusion): boolean =>
  reader.reads.some(({ source }) => source !== value && fusion.inlined.has(source) && kinds.has(source));

/** Whether a contraction goes into a reader of the value, or would if the value stayed out. */
const spoilsContraction = ({ value }: Access, fusion: Fusion): boolean =>
  (fusion.readers.get(value) ?? []).some(({ access }) =>
    access.reads.some(({ source, axes }) => source !== value && axes.length === 0 && carriesHeavy(source, fusion)),
  );

/** Whether the value is a contraction, or what follows one and is read by nothing else. */
function carriesHeavy(value: Value, fusion: Fusion, depth = mostBetween): boolean {
  const access = fusion.accesses.get(value);
  if (!access || depth === 0 || (fusion.readers.get(value) ?? []).length > 1) return false;
  if (isHeavy(access)) return true;
  return !access.reduces && access.reads.some(({ source }) => carriesHeavy(source, fusion, depth - 1));
}

/** Whether what an element is depends on where it lies, as in a Concat and in a Pad. */
const choosesByPlace = ({ definition }: Access): boolean =>
  contains(definition, (node) => node.kind === 'select' && !contains(node.condition, (inner) => inner.kind === 'load'));

/**
 * Whether all that reads the value meets in its last reader, element by element (x * sigmoid(x), say): then all of it
 * belongs into the store of the reduction. What lies between is marked to be inlined.
 */
function hasOneEpilogue(access: Access, fusion: Fusion): boolean {
  const direct = fusion.readers.get(access.value) ?? [];
  const position = (value: Value): number => fusion.position.get(value) ?? 0;
  const last = direct.map(({ access: reader }) => reader.value).reduce((a, b) => (position(a) > position(b) ? a : b));
  const between = new Set<Value>();
  const pending = [...direct];
  while (pending.length > 0) {
    const { access: reader, read } = pending.pop()!;
    if (reader.reduces || read.guarded || !isIdentity(read, reader) || fusion.heavy.has(reader.value)) return false;
    if (hasRival(access.value, reader, fusion.reducing, fusion)) return false;
    if (reader.value === last || between.has(reader.value)) continue;
    const readers = fusion.readers.get(reader.value) ?? [];
    const leaves = readers.length === 0 || fusion.outputs.has(reader.value) || fusion.opaqueReads.has(reader.value);
    if (leaves || position(reader.value) > position(last) || between.size >= mostBetween) return false;
    between.add(reader.value);
    pending.push(...readers);
  }
  for (const value of between) fusion.forced.add(value);
  return true;
}

/** Reads the element of its own index: every axis, in order. */
function isIdentity(read: Read, reader: Access): boolean {
  const used = read.indices.filter((index) => constantOf(index) === undefined);
  const own = reader.indices.filter((index) => estimate(index.extent!) !== 1);
  const plain = read.indices
    .filter((index) => index.kind !== 'var' || estimate(index.extent!) !== 1)
    .filter((index) => constantOf(index) === undefined);
  return (
    read.axes.length === 0 &&
    used.length >= plain.length &&
    plain.length === own.length &&
    plain.every((index, i) => index === own[i])
  );
}

/** Reads by the outermost loops of the reader only: a reduction there is computed once for all inner iterations. */
function isPrefix(read: Read, reader: Access, { layouts }: Fusion): boolean {
  const used = new Set(read.indices.filter((index) => constantOf(index) === undefined && !isUnit(index)));
  const loops = physicalOrder(reader.value, layouts).map((axis) => reader.indices[axis]!);
  const own = loops.filter((index) => !isUnit(index));
  return used.size < own.length && own.slice(0, used.size).every((index) => used.has(index));
}

const isUnit = (index: Expr): boolean =>
  index.kind === 'var' && index.extent !== undefined && constantOf(index.extent) === 1;
