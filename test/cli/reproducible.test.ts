// Same model, same options, same version: the same bytes, whatever the folder, time zone, locale or heap.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { floats, makeModel, node, port } from '../onnx/make-model.ts';
import { digits, filesIn, lapidaryWith, makeFolder, removeFolder } from './lapidary.ts';

const open = makeModel({
  input: [port('x', ['batch', 8, 16])],
  output: [port('y', undefined)],
  node: [
    node('MatMul', ['x', 'w'], ['m']),
    node('Softmax', ['m'], ['s'], { axis: -1 }),
    node('ReduceSum', ['s'], ['r'], { keepdims: 1 }),
    node('Div', ['s', 'r'], ['y']),
  ],
  initializer: [
    floats(
      'w',
      Array.from({ length: 256 }, (_, i) => Math.sin(i)),
      [16, 16],
    ),
  ],
});

const settings = [
  { place: 'plain', environment: { TZ: 'UTC', LC_ALL: 'C', NODE_OPTIONS: '' } },
  {
    place: 'größe mit leerzeichen/tief/unten',
    environment: {
      TZ: 'Asia/Kathmandu',
      LC_ALL: 'tr_TR.UTF-8',
      LANG: 'de_DE',
      NODE_OPTIONS: '--max-old-space-size=300',
    },
  },
];

describe('two compilations', function () {
  this.timeout(120_000);
  let folder = '';
  before(() => {
    folder = makeFolder();
  });
  after(() => removeFolder(folder));

  for (const target of ['c', 'x86-64-v3', 'wasm', 'cuda-sm80']) {
    it(`for ${target} give the same bytes in different surroundings`, () => {
      for (const [name, bytes] of Object.entries({ digits: fs.readFileSync(digits), open })) {
        const outputs = settings.map(({ place, environment }) => {
          const home = path.join(folder, target, name, place);
          fs.mkdirSync(home, { recursive: true });
          fs.writeFileSync(path.join(home, 'net.onnx'), bytes);
          const out = path.join(home, 'out');
          const args = ['compile', path.join(home, 'net.onnx'), '-o', out, '--target', target, '--report'];
          const { code, stderr } = lapidaryWith(environment, ...args);
          assert.equal(code, 0, stderr);
          return out;
        });
        const [first, second] = outputs as [string, string];
        assert.deepEqual(filesIn(first), filesIn(second));
        for (const file of filesIn(first)) {
          const same = fs.readFileSync(path.join(first, file)).equals(fs.readFileSync(path.join(second, file)));
          assert.ok(same, `${name}: ${file}`);
        }
      }
    });
  }
});
