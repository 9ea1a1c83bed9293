// Checks digits.onnx against ONNX Runtime: its scores must be those that our own forward pass gave (expected.json).
//   node examples/digits/check.mjs

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeNpy } from './read-npy.mjs';

const tolerance = 1e-5;
const read = (path) => readFileSync(new URL(path, import.meta.url));

const session = await InferenceSession.create(fileURLToPath(new URL('digits.onnx', import.meta.url)));
for (const [file, expected] of Object.entries(JSON.parse(read('expected.json').toString()))) {
  const { values, shape } = decodeNpy(read(`images/${file}`));
  const { scores } = await session.run({ image: new Tensor('float32', values, shape) });
  const difference = Math.max(...expected.map((score, index) => Math.abs(score - scores.data[index])));
  console.log(`${file}: largest difference ${difference.toExponential(1)}`);
  if (!(difference <= tolerance)) process.exitCode = 1;
}
