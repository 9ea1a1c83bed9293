// The report of a program: buffers over time, escaped names, a page that stands alone.

import * as assert from 'node:assert/strict';
import { int } from '../../ir/expr-make.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import type { Program } from '../../ir/program.ts';
import { makeReport } from '../../src/report/make-report.ts';
import { reportPage } from '../../src/report/report-page.ts';

const buffer = (name: string, elements: number): Buffer => ({
  name,
  dtype: 'float32',
  shape: [int(elements)],
  memory: 'argument',
});
const kernel = (name: string): Kernel => ({ name, params: [], dims: [], body: { kind: 'block', body: [] } });
const call = (name: string, ...buffers: readonly Buffer[]) => ({
  kind: 'call' as const,
  kernel: kernel(name),
  arguments: buffers,
  dims: [],
});

const [x, first, view, second, y] = [
  buffer('x', 4),
  buffer('first', 8),
  buffer('view', 4),
  buffer('second', 2),
  buffer('y', 1),
];
const program: Program = {
  name: '<script>alert(1)</script>',
  inputs: [{ name: '"x" onload="', buffer: x }],
  outputs: [{ name: 'y', buffer: y }],
  dims: [],
  computedDims: [],
  body: [call('a', x, first), call('b', view, second), call('c', second, y)],
  weights: new Uint8Array(12),
  places: new Map([
    [x, { kind: 'input', index: 0, offset: int(0) }],
    [first, { kind: 'arena', offset: int(0) }],
    [view, { kind: 'arena', offset: int(16) }],
    [second, { kind: 'arena', offset: int(64) }],
    [y, { kind: 'output', index: 0, offset: int(0) }],
  ]),
  arenaBytes: int(128),
  arenaLowerBound: int(128),
};
const report = makeReport(program, { target: 'c', math: 'fast', files: [{ path: 'net.c', bytes: new Uint8Array(5) }] });

describe('the report', () => {
  it('has the buffers of the arena from call to call', () => {
    assert.deepEqual(report.arena.buffers, [
      { name: 'first', offset: 0, bytes: 32, firstCall: 0, lastCall: 0 },
      { name: 'view', offset: 16, bytes: 16, firstCall: 1, lastCall: 1 },
      { name: 'second', offset: 64, bytes: 8, firstCall: 1, lastCall: 2 },
    ]);
  });

  it('has sizes, files and calls', () => {
    assert.deepEqual([report.arena.bytes, report.arena.lowerBoundBytes, report.arena.formula], [128, 128, null]);
    assert.equal(report.weightsBytes, 12);
    assert.deepEqual(report.files, [{ path: 'net.c', bytes: 5 }]);
    assert.deepEqual(
      report.calls.map(({ kernel: name }) => name),
      ['a', 'b', 'c'],
    );
  });

  it('lets no name of a model become part of the page', () => {
    const page = reportPage(report);
    assert.doesNotMatch(page, /<script|onload="/);
    assert.match(page, /&lt;script&gt;alert\(1\)/);
    assert.match(page, /<title>first: 32 bytes at 0, calls 0 to 0<\/title>/);
  });
});
