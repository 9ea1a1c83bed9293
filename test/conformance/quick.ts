// Runs ONNX test cases in JavaScript, without any toolchain: the fast loop while operators are written.
//   node --import=tsx test/conformance/quick.ts [--root DIR] [--list] [part of a case name ...]

import * as fs from 'node:fs';
import * as path from 'node:path';
import { importBytes, toProgram } from '../../src/compile.ts';
import { ModelError } from '../../src/errors.ts';
import { runProgram, type TensorValue } from '../../src/evaluate.ts';
import { decodeModel } from '../../src/onnx/decode.ts';
import { readDataSets } from '../../src/onnx/test-data.ts';
import { compareTensors } from '../../src/test-runner/compare.ts';

const args = process.argv.slice(2);
const rootAt = args.indexOf('--root');
const root =
  rootAt >= 0
    ? args.splice(rootAt, 2)[1]!
    : path.join(process.env.LAPIDARY_ONNX_TESTS ?? '../shared/onnx-backend', 'node');
const listAt = args.indexOf('--list');
if (listAt >= 0) args.splice(listAt, 1);

function* cases(folder: string): Generator<string> {
  if (fs.existsSync(path.join(folder, 'model.onnx'))) return yield folder;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* cases(path.join(folder, entry.name));
  }
}

function runCase(folder: string): string {
  const file = path.join(folder, 'model.onnx');
  const bytes = fs.readFileSync(file);
  const model = decodeModel(bytes);
  const types = (infos: NonNullable<typeof model.graph>['input']) => infos.map(({ type }) => type);
  const sets = readDataSets(folder, types(model.graph!.input), types(model.graph!.output));
  const program = toProgram(importBytes(bytes, { modelFile: file }), undefined);
  for (const set of sets) {
    const plain = (value: (typeof set.inputs)[number]['value']): TensorValue => {
      if (value.kind !== 'tensor') throw new Error(`unsupported: ${value.kind} data`);
      return value.tensor;
    };
    const given = model.graph!.input.map(({ name }) => name);
    const inputs = program.inputs.map(({ name }) =>
      plain(set.inputs.find(({ index }) => given[index] === name)!.value),
    );
    const outputs = runProgram(program, inputs);
    for (const { index, value } of set.outputs) {
      const { same, message } = compareTensors(outputs[index]!, plain(value), { relative: 1e-3, absolute: 1e-7 });
      if (!same) return `output ${index}: ${message}`;
    }
  }
  return '';
}

const count = { pass: 0, fail: 0, unsupported: 0, error: 0 };
const reasons = new Map<string, number>();
for (const folder of cases(root)) {
  const name = path.relative(root, folder);
  if (args.length > 0 && !args.some((part) => name.includes(part))) continue;
  let status: keyof typeof count = 'pass';
  let message = '';
  try {
    message = runCase(folder);
    if (message) status = 'fail';
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
    status = error instanceof ModelError || message.startsWith('unsupported') ? 'unsupported' : 'error';
    if (status === 'error' && args.length > 0 && error instanceof Error)
      message = error.stack?.split('\n').slice(0, 6).join('\n') ?? message;
  }
  count[status]++;
  if (status === 'unsupported') {
    const short = message.replace(/"[^"]*"/g, '"…"').split('\n')[0]!;
    reasons.set(short, (reasons.get(short) ?? 0) + 1);
  }
  if (status !== 'pass' && (args.length > 0 || status !== 'unsupported' || listAt >= 0))
    console.log(`${status} ${name}: ${message.slice(0, 600)}`);
}
for (const [reason, times] of [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 40))
  console.log(`${times} × ${reason}`);
console.log(`${count.pass} passed, ${count.fail} failed, ${count.error} errors, ${count.unsupported} unsupported`);
