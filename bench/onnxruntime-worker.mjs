// ONNX Runtime in a process of its own (a bad model may kill it): loads a model, then times rounds on request.
// Lines on stdin: a number of runs. Lines on stdout: JSON with the median of that round.

import * as fs from 'node:fs';
import * as readline from 'node:readline';

const [, , variant, modelFile, inputsFile, threads] = process.argv;
const ort = (await import(variant === 'web' ? 'onnxruntime-web' : 'onnxruntime-node')).default;
const numThreads = Number(threads);
if (variant === 'web') ort.env.wasm.numThreads = numThreads;
const options = {
  executionProviders: [variant === 'web' ? 'wasm' : 'cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: numThreads,
  interOpNumThreads: 1,
};
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  float16: Uint16Array,
};
const session = await ort.InferenceSession.create(fs.readFileSync(modelFile), options);
const feeds = {};
for (const { name, dtype, dims, base64 } of JSON.parse(fs.readFileSync(inputsFile, 'utf8'))) {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  feeds[name] = new ort.Tensor(
    dtype,
    new arrays[dtype](bytes.buffer, 0, bytes.byteLength / arrays[dtype].BYTES_PER_ELEMENT),
    dims,
  );
}
await session.run(feeds);
console.log(JSON.stringify({ ready: true }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const times = [];
  for (let run = 0; run < Number(line); run++) {
    const start = performance.now();
    await session.run(feeds);
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ medianUs: times[times.length >> 1] }));
}
