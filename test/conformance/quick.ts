// Runs ONNX test cases in this process, without any toolchain: the fast loop while operators are written.
//   node --import=tsx test/conformance/quick.ts [--root DIR] [--target js] [--list] [part of a case name ...]
// Unsupported cases are counted by reason, and listed one by one with --list or with parts of names.

import * as path from 'node:path';
import { findCases } from '../../src/test-runner/cases.ts';
import { type CaseStatus, defaultTolerance, runCase } from '../../src/test-runner/run-case.ts';

const parts = process.argv.slice(2);

function takeOption(name: string, fallback: string): string {
  const at = parts.indexOf(name);
  return at < 0 ? fallback : parts.splice(at, 2)[1]!;
}

const root = takeOption('--root', path.join(process.env.LAPIDARY_ONNX_TESTS ?? '../shared/onnx-backend', 'node'));
const target = takeOption('--target', 'js');
const listAt = parts.indexOf('--list');
if (listAt >= 0) parts.splice(listAt, 1);
const all = listAt >= 0 || parts.length > 0;
if (parts.length > 0) process.env.LAPIDARY_DEBUG ??= '1';

const counts: Record<CaseStatus, number> = { pass: 0, fail: 0, unsupported: 0, error: 0 };
const reasons = new Map<string, number>();
for (const test of findCases(root)) {
  if (parts.length > 0 && !parts.some((part) => test.name.includes(part))) continue;
  const { status, message } = await runCase(test, { target, execute: {}, tolerance: defaultTolerance });
  counts[status]++;
  if (status === 'unsupported') {
    const reason = message.replace(/"[^"]*"/g, '"…"').split('\n')[0]!;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (status !== 'pass' && (all || status !== 'unsupported'))
    console.log(`${status} ${test.name}: ${message.slice(0, 600)}`);
}
for (const [reason, times] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 40))
  console.log(`${times} × ${reason}`);
console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.error} errors, ${counts.unsupported} unsupported`);
