// Side by side with ONNX Runtime, in one run and in turns:
//   npm run bench -- [--target host|wasm] [--threads N] [--rounds N] [--json FILE] [--layers | MODEL …]
// Models: those tagged `speed` in INDEX.json of LAPIDARY_MODELS, or of one layer each. As many threads on both sides, one unless said, inputs
// already in place, all optimizations of the peer on; the time of its JavaScript binding (that of a one-node model) is
// taken off.

import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { targets } from '../codegen/index.ts';
import { inputsFor } from '../src/execute/match-inputs.ts';
import { buildNative, runProgramFile } from '../src/execute/native.ts';
import { buildWebAssembly, runWebAssembly } from '../src/execute/webassembly.ts';
import { decodeModel } from '../src/onnx/decode.ts';
import { readDataSets } from '../src/onnx/test-data.ts';
import { sizesAt } from '../src/sizes-at.ts';
import { layerTimes, writeLayers } from './layers.ts';
import { measurePeak } from './peak.ts';
import { type Peer, type PeerInput, startPeer } from './peer.ts';
import type { Row } from './row.ts';

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(`--${name}`);
  return at >= 0 ? args.splice(at, 2)[1] : undefined;
};
const onLayers = args.includes('--layers');
const targetName = option('target') ?? 'host';
const jsonFile = option('json');
const rounds = Number(option('rounds') ?? 7);
const threads = Number(option('threads') ?? 1);
const target = targets[targetName];
if (!target) throw new Error(`there is no target ${targetName}`);
const variant = target.language === 'wasm' ? 'web' : 'node';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-bench-'));
const root = onLayers ? folder : (process.env.LAPIDARY_MODELS ?? '../shared/models');

interface Model {
  readonly name: string;
  readonly folder: string;
  readonly tags: readonly string[];
  readonly macs: number;
}

/** Times a round of `runs` runs: the median in microseconds. */
type Round = (runs: number) => Promise<number>;

interface Ours {
  readonly round: Round;
  readonly inputs: readonly PeerInput[];
  readonly arenaBytes: number;
  readonly weightsBytes: number;
  stop(): void;
}

function inputsOf(file: string, folder: string): readonly (PeerInput & { readonly file: string })[] {
  const model = decodeModel(fs.readFileSync(file));
  const { input, output, initializer } = model.graph!;
  const set = readDataSets(
    folder,
    input.map(({ type }) => type),
    output.map(({ type }) => type),
  )[0]!;
  const constants = new Set(initializer.map(({ name }) => name));
  const given = input.filter(({ name }) => !constants.has(name));
  const byName = new Set(given.map(({ name }) => name));
  return set.inputs.map(({ name, index, value, file: data }) => {
    if (value.kind !== 'tensor') throw new Error('only tensors can be timed');
    const own = name !== undefined && byName.has(name) ? name : (given[index]?.name ?? '');
    return { name: own, tensor: value.tensor, file: data };
  });
}

async function ours(file: string, folder: string): Promise<Ours> {
  const inputs = inputsOf(file, folder);
  const source = { bytes: fs.readFileSync(file), file };
  if (target!.language === 'wasm') {
    const { program, model } = await buildWebAssembly(source, target!, { threads });
    // The inputs stay in the memory of the model.
    runWebAssembly(model, inputsFor(program, inputs));
    const shapes = inputsFor(program, inputs).map(({ tensor }) => tensor.dims);
    return {
      round: async (runs) => median(model.time(runs)),
      inputs,
      arenaBytes: sizesAt(program, shapes)(program.arenaBytes) ?? 0,
      weightsBytes: program.weights.length,
      stop: model.close,
    };
  }
  const native = await buildNative(source, target!, { threads });
  const given = inputs.flatMap((input) => ['--input', `${input.name}=${path.resolve(input.file)}`]);
  const bench = async (runs: number) =>
    JSON.parse(
      (
        await runProgramFile(
          native.file,
          [...given, ...(threads > 1 ? ['--threads', `${threads}`] : []), '--bench', `${runs}`],
          target!,
        )
      ).split('\n')[0]!,
    );
  const first = await bench(1);
  return {
    round: async (runs) => (await bench(runs)).medianUs,
    inputs,
    arenaBytes: first.arenaBytes,
    weightsBytes: first.weightsBytes,
    stop: native.dispose,
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** About 60 ms a round, so that both sides see the same moods of the machine. */
const runsFor = (us: number): number => Math.max(3, Math.min(2000, Math.round(60_000 / us)));

async function compare(model: Model, bindingUs: number, folder: string): Promise<Row> {
  const at = path.join(root, model.folder);
  const file = path.join(at, 'model.onnx');
  const mine = await ours(file, at);
  const peer: Peer = await startPeer(variant, file, mine.inputs, threads, folder);
  const [a, b]: [number[], number[]] = [[], []];
  const estimate = Math.max(await mine.round(3), await peer.round(3));
  for (let round = 0; round < rounds; round++) {
    a.push(await mine.round(runsFor(estimate)));
    b.push(await peer.round(runsFor(estimate)));
  }
  peer.stop();
  mine.stop();
  const oursUs = median(a);
  const peerUs = Math.max(0, median(b) - bindingUs);
  // Ratios of neighbouring rounds: a slow moment of the machine slows both.
  const ratio = median(a.map((own, i) => Math.max(0, b[i]! - bindingUs) / own));
  const { arenaBytes, weightsBytes } = mine;
  return { name: model.name, macs: model.macs, oursUs, peerUs, ratio, arenaBytes, weightsBytes };
}

/** What calling the peer costs when there is next to nothing to compute: a model of one small node. */
async function bindingCost(folder: string): Promise<number> {
  const { writeOneNodeModel } = await import('./one-node-model.ts');
  const file = path.join(folder, 'one-node.onnx');
  fs.writeFileSync(file, writeOneNodeModel());
  const tensor = { dtype: 'float32', dims: [1], bytes: new Uint8Array(4) } as const;
  const peer = await startPeer(variant, file, [{ name: 'x', tensor }], 1, folder);
  const times: number[] = [];
  for (let round = 0; round < 5; round++) times.push(await peer.round(2000));
  peer.stop();
  return median(times);
}

function chosenModels(): readonly Model[] {
  if (onLayers) return writeLayers(root);
  const { models }: { readonly models: readonly Model[] } = JSON.parse(
    fs.readFileSync(path.join(root, 'INDEX.json'), 'utf8'),
  );
  return models.filter(({ name, tags }) => (args.length > 0 ? args.includes(name) : tags.includes('speed')));
}

const chosen = chosenModels();
const rows: Row[] = [];
try {
  const bindingUs = await bindingCost(folder);
  console.error(`peer: onnxruntime-${variant}; its binding costs ${bindingUs.toFixed(1)} us a run, taken off`);
  console.log(
    '| model | Lapidary us | ONNX Runtime us | times faster | arena | weights |\n|---|---:|---:|---:|---:|---:|',
  );
  for (const model of chosen) {
    try {
      const row = await compare(model, bindingUs, folder);
      rows.push(row);
      const cells = [
        row.name,
        row.oursUs.toFixed(1),
        row.peerUs.toFixed(1),
        row.ratio.toFixed(2),
        row.arenaBytes,
        row.weightsBytes,
      ];
      console.log(`| ${cells.join(' | ')} |`);
    } catch (error) {
      console.log(
        `| ${model.name} | failed: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]} | | | | |`,
      );
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
const mean = Math.exp(rows.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / Math.max(1, rows.length));
const slower = rows.filter(({ ratio }) => ratio < 1).map(({ name }) => name);
console.log(
  `\n${rows.length} models, geometric mean ${mean.toFixed(2)} times faster; slower: ${slower.join(', ') || 'none'}`,
);
if (onLayers) {
  console.log(
    '\nOf one layer inside of others:\n| layer | Lapidary us | GFLOP/s | ONNX Runtime us | times faster |\n|---|---:|---:|---:|---:|',
  );
  for (const { name, oursUs, peerUs, macs } of layerTimes(rows)) {
    const cells = [
      oursUs.toFixed(1),
      ((2e-3 * macs) / oursUs).toFixed(1),
      peerUs.toFixed(1),
      (peerUs / oursUs).toFixed(2),
    ];
    console.log(`| ${[name, ...cells].join(' | ')} |`);
  }
}
if (jsonFile) {
  const measured = { target: targetName, peakGflops: measurePeak(), mean, rows };
  fs.writeFileSync(jsonFile, `${JSON.stringify(measured, null, 2)}\n`);
}
