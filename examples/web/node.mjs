// Runs the model of the page under Node, on the pictures of the digits example.
import { readdirSync, readFileSync } from 'node:fs';
import { decodeNpy } from '../digits/read-npy.mjs';
import { classify } from './classify.mjs';

const images = new URL('../digits/images/', import.meta.url);
const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

for (const file of readdirSync(images)) {
  const { digit, score } = classify(decodeNpy(readFileSync(new URL(file, images))).values);
  console.log(`${file}: ${digit} (${(score * 100).toFixed(1)} %)`);
  if (`${names[digit]}.npy` !== file) process.exitCode = 1;
}
