// Writes what `npm run bench -- --json FILE` measured into the README, between its marks:
//   npm run measured -- HOST.json WASM.json

import * as fs from 'node:fs';
import type { Row } from './row.ts';

interface Measured {
  readonly target: string;
  /** What one core does at best, to say how far a time is from the roof. */
  readonly peakGflops: number;
  readonly mean: number;
  readonly rows: readonly Row[];
}

const read = (file: string): Measured => JSON.parse(fs.readFileSync(file, 'utf8'));
const [hostFile, wasmFile] = process.argv.slice(2);
if (!hostFile || !wasmFile) throw new Error('usage: npm run measured -- HOST.json WASM.json');
const [host, wasm] = [read(hostFile), read(wasmFile)];

const time = (us: number): string => (us < 10 ? us.toFixed(1) : us.toFixed(0));
const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(bytes < 10_000 ? 1 : 0);
const onWasm = new Map(wasm.rows.map((row) => [row.name, row]));
const slower = ({ rows }: Measured): string =>
  rows
    .filter(({ ratio }) => ratio < 1)
    .map(({ name }) => name)
    .join(', ') || 'none';

const lines = host.rows.map((row) => {
  const { name, macs, oursUs, peerUs, ratio, arenaBytes, weightsBytes } = row;
  const web = onWasm.get(name);
  const cells = [
    name,
    time((2 * macs) / (host.peakGflops * 1000)),
    time(oursUs),
    time(peerUs),
    ratio.toFixed(2),
    web ? time(web.oursUs) : '—',
    web ? time(web.peerUs) : '—',
    web ? web.ratio.toFixed(2) : '—',
    kilobytes(arenaBytes),
    kilobytes(weightsBytes),
  ];
  return `| ${cells.join(' | ')} |`;
});
const text = `One thread, both sides in turns in one run (\`npm run bench\`, \`npm run bench -- --target wasm\`), on a shared machine with
AVX-512; times in microseconds, medians. C against onnxruntime-node 1.30: geometric mean **${host.mean.toFixed(2)} times faster**
over ${host.rows.length} models, slower: ${slower(host)}. WebAssembly (SIMD, Node 20 as it is) against onnxruntime-web 1.30: **${wasm.mean.toFixed(2)} times
faster** over ${wasm.rows.length}, slower: ${slower(wasm)}. *Least* is what the multiplications alone would take at the
${host.peakGflops.toFixed(0)} GFLOP/s that one core of it reaches; Winograd's convolutions need fewer of them.

| model | least | C | ONNX Runtime | × | WASM | ONNX Runtime Web | × | arena kB | weights kB |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${lines.join('\n')}`;
const readme = fs.readFileSync('README.md', 'utf8');
const marked = /(<!-- measured -->\n)[\s\S]*?(\n<!-- \/measured -->)/;
if (!marked.test(readme)) throw new Error('README.md has no marks <!-- measured -->');
fs.writeFileSync(
  'README.md',
  readme.replace(marked, (_, start, end) => `${start}${text}${end}`),
);
