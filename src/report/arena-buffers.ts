// The buffers of the arena over the calls of a program: where each lies, and from when to when.

import { byteSize } from '../../ir/dtype.ts';
import type { Buffer } from '../../ir/kernel.ts';
import type { Program, Step } from '../../ir/program.ts';
import type { Evaluate } from './make-report.ts';
import type { ReportBuffer } from './report.ts';

interface Range {
  first: number;
  last: number;
}

export function arenaBuffers(program: Program, evaluate: Evaluate): readonly ReportBuffer[] {
  const ranges = new Map<Buffer, Range>();
  addRanges(program.body, 0, ranges);
  const buffers = [...ranges].flatMap(([buffer, { first, last }]): ReportBuffer[] => {
    const place = program.places.get(buffer);
    if (place?.kind !== 'arena') return [];
    const offset = evaluate(place.offset);
    return [{ name: buffer.name, offset, bytes: bytesOf(buffer, evaluate), firstCall: first, lastCall: last }];
  });
  return withoutViews(buffers).sort((a, b) => a.firstCall - b.firstCall || a.offset - b.offset);
}

function bytesOf({ dtype, shape, strides }: Buffer, evaluate: Evaluate): number {
  const extents = shape.map(evaluate);
  if (extents.includes(0)) return 0;
  const elements = strides
    ? strides.reduce((last, stride, axis) => last + (extents[axis]! - 1) * evaluate(stride), 1)
    : extents.reduce((a, b) => a * b, 1);
  return byteSize(dtype, elements);
}

/** Widens the range of every buffer that the steps use; gives the number of the next call. */
function addRanges(steps: readonly Step[], start: number, ranges: Map<Buffer, Range>): number {
  let next = start;
  for (const step of steps) {
    if (step.kind === 'call') {
      for (const buffer of step.arguments) widen(ranges, buffer, next, next);
      next++;
    } else if (step.kind === 'if') {
      next = addRanges(step.otherwise, addRanges(step.then, next, ranges), ranges);
    } else if (step.kind === 'loop') {
      const inside = new Map<Buffer, Range>();
      const end = addRanges(step.body, next, inside);
      // What a turn leaves behind the next may read.
      for (const buffer of inside.keys()) widen(ranges, buffer, next, Math.max(next, end - 1));
      next = end;
    }
  }
  return next;
}

function widen(ranges: Map<Buffer, Range>, buffer: Buffer, first: number, last: number): void {
  const range = ranges.get(buffer);
  ranges.set(buffer, { first: Math.min(range?.first ?? first, first), last: Math.max(range?.last ?? last, last) });
}

/** Buffers that lie within another and meet it in time are views of it: the one that they view stands for all. */
function withoutViews(buffers: readonly ReportBuffer[]): ReportBuffer[] {
  const bySize = [...buffers].sort((a, b) => b.bytes - a.bytes || a.firstCall - b.firstCall);
  const kept: ReportBuffer[] = [];
  for (const buffer of bySize) {
    const at = kept.findIndex((other) => contains(other, buffer) && meets(other, buffer));
    const other = kept[at];
    if (!other) kept.push(buffer);
    else
      kept[at] = {
        ...other,
        firstCall: Math.min(other.firstCall, buffer.firstCall),
        lastCall: Math.max(other.lastCall, buffer.lastCall),
      };
  }
  return kept;
}

const contains = (outer: ReportBuffer, inner: ReportBuffer): boolean =>
  outer.offset <= inner.offset && inner.offset + inner.bytes <= outer.offset + outer.bytes;
const meets = (a: ReportBuffer, b: ReportBuffer): boolean => a.firstCall <= b.lastCall && b.firstCall <= a.lastCall;
