// Trains the digit reader on pictures that it draws itself, and writes the model, some pictures and their scores:
//   node --import=tsx examples/digits/train.ts
// With the same version of Node it gives the same files again, byte for byte.

import { mkdirSync, writeFileSync } from 'node:fs';
import { adam } from './adam.ts';
import type { Statistics } from './layers.ts';
import { backward, classes, firstParameters, forward, type Parameters, parameterNames, winners } from './network.ts';
import { type Random, randomFrom } from './random.ts';
import { digitNames, pixelsPerPicture, render, side } from './render.ts';
import { encodeNpy } from './write-npy.ts';
import { encodeOnnx } from './write-onnx.ts';

const steps = 500;
const batch = 32;
const largestRate = 0.005;
const heldOut = 4000;
const leastAccuracy = 0.98;

/** The pictures that come with the example. */
const shownDigits = [2, 3, 7, 9];

interface Examples {
  readonly pictures: Float32Array;
  readonly digits: Uint8Array;
}

interface Trained {
  readonly parameters: Parameters;
  readonly statistics: Statistics;
}

function drawExamples(count: number, random: Random): Examples {
  const pictures = new Float32Array(count * pixelsPerPicture);
  const digits = Uint8Array.from({ length: count }, () => Math.floor(random() * classes));
  digits.forEach((digit, index) => {
    pictures.set(render(digit, random), index * pixelsPerPicture);
  });
  return { pictures, digits };
}

/** No picture is seen twice: every step draws new ones. */
function train(random: Random): Trained {
  const parameters = firstParameters(random);
  const optimizers = parameterNames.map((name) => ({ name, update: adam(parameters[name]) }));
  let statistics: Statistics | undefined;
  let averageLoss = Math.log(classes);

  for (let step = 0; step < steps; step++) {
    const { pictures, digits } = drawExamples(batch, random);
    const trace = forward(parameters, pictures);
    const gradients = backward(parameters, trace, digits);
    // The rate falls to zero along half a cosine, so that the last steps only polish.
    const rate = (largestRate * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    for (const { name, update } of optimizers) update(gradients[name], rate);

    statistics = runningAverage(statistics, trace.statistics);
    averageLoss += 0.02 * (crossEntropy(trace.scores, digits) - averageLoss);
    if ((step + 1) % 100 === 0) console.log(`step ${step + 1} of ${steps}: loss ${averageLoss.toFixed(3)}`);
  }
  if (!statistics) throw new Error('The training needs at least one step.');
  return { parameters, statistics };
}

function runningAverage(average: Statistics | undefined, now: Statistics): Statistics {
  if (!average) return now;
  const blend = (old: Float32Array, fresh: Float32Array): Float32Array =>
    old.map((value, index) => value + 0.02 * (fresh[index] - value));
  return { mean: blend(average.mean, now.mean), variance: blend(average.variance, now.variance) };
}

function crossEntropy(scores: Float32Array, digits: Uint8Array): number {
  const sum = digits.reduce((total, digit, index) => total - Math.log(scores[index * classes + digit]), 0);
  return sum / digits.length;
}

/** The share of held-out pictures that the network reads right. */
function accuracy({ parameters, statistics }: Trained, { pictures, digits }: Examples): number {
  const read = winners(forward(parameters, pictures, statistics).scores);
  return digits.filter((digit, index) => read[index] === digit).length / digits.length;
}

function writeModel({ parameters, statistics }: Trained): void {
  const bytes = encodeOnnx(parameters, statistics);
  write('digits.onnx', bytes);
  console.log(`wrote digits.onnx, ${bytes.length} bytes`);
}

/** Writes pictures that the training did not see, and the scores that the network gives them. */
function writePictures({ parameters, statistics }: Trained, random: Random): void {
  mkdirSync(new URL('images/', import.meta.url), { recursive: true });
  const expected: Record<string, number[]> = {};
  for (const digit of shownDigits) {
    const picture = render(digit, random);
    const file = `${digitNames[digit]}.npy`;
    write(`images/${file}`, encodeNpy(picture, [1, 1, side, side]));
    expected[file] = [...forward(parameters, picture, statistics).scores];
  }
  write('expected.json', layOut(expected));
}

/** JSON with as many numbers on a line as the formatter of this project puts there, so that it finds nothing to change. */
function layOut(expected: Record<string, number[]>): string {
  const entries = Object.entries(expected).map(([file, scores]) => {
    const lines = scores.join(', ').replace(/(?=.{117})(.{1,116}) /g, '$1\n    ');
    return `  "${file}": [\n    ${lines}\n  ]`;
  });
  return `{\n${entries.join(',\n')}\n}\n`;
}

function write(path: string, content: Uint8Array | string): void {
  writeFileSync(new URL(path, import.meta.url), content);
}

const started = performance.now();
const trained = train(randomFrom(1));
const right = accuracy(trained, drawExamples(heldOut, randomFrom(2)));
const seconds = (performance.now() - started) / 1000;
console.log(`reads ${(100 * right).toFixed(2)} % of ${heldOut} held-out pictures right, after ${seconds.toFixed(0)} s`);
if (right < leastAccuracy) throw new Error(`That is below ${100 * leastAccuracy} %: nothing was written.`);
writeModel(trained);
writePictures(trained, randomFrom(3));
