// Compiles digits.onnx, runs it on a picture, and shows the picture and the ten scores:
//   node examples/digits/demo.mjs [two|three|seven|nine …]      (three, unless others are named)
// For WebAssembly always, and for this machine's processor if a C compiler is found.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeNpy } from './read-npy.mjs';
import { bars, picture, winnerOf } from './show.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const lapidary = join(here, '..', '..', 'bin', 'lapidary.js');
const digitNames = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

function fail(message) {
  console.error(`digits demo: ${message}`);
  process.exit(1);
}

function read(path) {
  try {
    return decodeNpy(readFileSync(path));
  } catch (error) {
    return fail(`${path} could not be read: ${error.message}`);
  }
}

/** Compiles and runs the model through the command line, as anyone would at a shell; gives the scores. */
function run(target, image, name) {
  const out = join(here, 'out', target, name);
  const options = ['--input', `image=${image}`, '-o', out, '--target', target];
  rmSync(out, { recursive: true, force: true }); // What an earlier run left must not pass for this one's.
  const started = performance.now();
  const { status, error } = spawnSync(process.execPath, [lapidary, 'run', join(here, 'digits.onnx'), ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) fail(`lapidary run --target ${target} failed (${error?.message ?? `exit code ${status}`}).`);
  console.log(`${target}: compiled and run in ${((performance.now() - started) / 1000).toFixed(2)} s`);
  return read(join(out, 'scores.npy')).values;
}

const known = readdirSync(join(here, 'images')).map((file) => file.replace('.npy', ''));
const names = process.argv.length > 2 ? process.argv.slice(2) : ['three'];
const unknown = names.find((name) => !known.includes(name));
if (unknown) fail(`there is no picture "${unknown}". There are: ${known.join(', ')}.`);

const compiler = ['gcc', 'clang', 'cc'].find((name) => spawnSync(name, ['--version']).status === 0);
if (!compiler) console.log('No C compiler (gcc, clang or cc) was found, so this runs as WebAssembly only.\n');

for (const name of names) {
  const image = join(here, 'images', `${name}.npy`);
  console.log(`${name}.npy\n${picture(read(image).values, 28, 28)}\n`);
  for (const target of compiler ? ['wasm', 'host'] : ['wasm']) {
    const scores = run(target, image, name);
    console.log(`${bars(scores)}\n`);
    const winner = digitNames[winnerOf(scores)];
    if (winner !== name) fail(`target ${target} reads ${name}.npy as ${winner}.`);
  }
}
