// Names are never trusted: whatever a model calls its parts, the code of every target compiles, runs, and tells the
// caller the names as they are.

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { targets } from '../../codegen/index.ts';
import { toBytes } from '../../ir/bytes.ts';
import { compile } from '../../src/compile.ts';
import { buildExecutable } from '../../src/execute/build.ts';
import { tensorIn } from '../../src/execute/executable.ts';
import { writeNpy } from '../../src/npy.ts';
import { installedCompilers } from '../../src/toolchain/compiler.ts';
import { makeModel, node, port } from '../onnx/make-model.ts';

const hostile: Readonly<Record<string, readonly string[]>> = {
  'words of C and C++': [
    'int',
    'main',
    'memcpy',
    'restrict',
    'double',
    'NULL',
    'errno',
    'class',
    'template',
    'INFINITY',
  ],
  'words of JavaScript': ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'await', 'delete', 'eval', 'then'],
  'names of our own': [
    'io',
    'arena',
    'weights',
    'dims',
    'net_run',
    'lap_fail',
    't',
    't_2',
    'LAP_OK',
    'parallel',
    'memory',
  ],
  'ends of comments and strings': [
    '*/ int x; /*',
    '// \\',
    'a"b',
    "a'b",
    'a\\',
    '%s%n',
    '`${`',
    '</script>',
    '--input',
  ],
  'ends of lines': ['a\nint b;', 'a\r\nb', 'a\u2028b', 'a\\\nb', '#include <x>\n', '#error'],
  trigraphs: ['a??/b', '??/\n', '??=define'],
  'other scripts': ['größe', '入力', 'ш', '👍', '\u202eevil\u202c', 'a\u0301', '\ufeffx', 'x\u200by'],
  'equal identifiers': ['a.b', 'a/b', 'a_b', 'a-b', 'a b', 'A_B', 'a__b', '_a_b', 'a_b_2', ':a:b:'],
  'almost nothing': [' ', '.', '_', '0', '1a', '-', '='],
  'strings that end in their middle': ['a\0b', 'a\0c', '\0', 'a'],
  'very long names': ['n'.repeat(2 ** 20), `${'n'.repeat(2 ** 20)}m`],
};

/** Each input negated; all names are hostile: of inputs, outputs, nodes, the graph, a dimension. */
function modelOf(names: readonly string[], output: (name: string) => string): Uint8Array {
  return makeModel({
    name: names[0]!,
    docString: names.join(' '),
    input: names.map((name) => port(name, [2])),
    output: names.map((name) => port(output(name), [2])),
    node: names.map((name) => node('Neg', [name], [output(name)], {}, { name, docString: name })),
  });
}

const outputOf = (name: string): string => `${name}!`;

async function expectRuns(names: readonly string[], target: string, folder: string): Promise<void> {
  const file = path.join(folder, 'model.onnx');
  const executable = await buildExecutable({ bytes: modelOf(names, outputOf), file }, target, { timeoutSeconds: 60 });
  try {
    const inputs = names.map((name, position) => {
      const tensor = { dtype: 'float32', dims: [2], bytes: toBytes('float32', [position, 0.5]) } as const;
      const place = path.join(folder, `${position}.npy`);
      fs.writeFileSync(place, writeNpy(tensor));
      return { name, file: place, tensor };
    });
    const results = await executable.run(inputs);
    assert.deepEqual(
      results.map(({ name }) => name),
      names.map(outputOf),
    );
    for (const [position, result] of results.entries()) {
      const tensor = tensorIn(result);
      assert.deepEqual([...new Float32Array(Uint8Array.from(tensor.bytes).buffer)], [-position, -0.5]);
    }
  } finally {
    executable.dispose();
  }
}

describe('names from models', function () {
  this.timeout(120_000);
  let folder = '';
  let hasCompiler = false;
  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lapidary-names-'));
    hasCompiler = (await installedCompilers()).length > 0;
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  for (const [kind, names] of Object.entries(hostile)) {
    it(`may be ${kind}, in C`, async function () {
      if (!hasCompiler) this.skip();
      await expectRuns(names, 'c', folder);
    });
    it(`may be ${kind}, in WebAssembly`, () => expectRuns(names, 'wasm', folder));
    it(`may be ${kind}, in CUDA`, async () => {
      const options = { name: 'net', weights: 'embed', threads: false, math: 'fast' } as const;
      const files = await compile(modelOf(names, outputOf), targets['cuda-sm80']!, options);
      const text = files.map(({ bytes }) => new TextDecoder().decode(bytes)).join('\n');
      assert.doesNotMatch(text, /[^\x20-\x7e\n\t]/);
    });
  }

  it('may be names of dimensions', async () => {
    const names = hostile['ends of comments and strings']!.slice(0, 3);
    const model = makeModel({
      input: [port('x', [...names])],
      output: [port('y', [...names])],
      node: [node('Neg', ['x'], ['y'])],
    });
    for (const target of hasCompiler ? ['c', 'wasm'] : ['wasm']) {
      const file = path.join(folder, 'dims.onnx');
      const executable = await buildExecutable({ bytes: model, file }, target, {});
      const tensor = { dtype: 'float32', dims: [1, 1, 1], bytes: toBytes('float32', [3]) } as const;
      fs.writeFileSync(path.join(folder, 'x.npy'), writeNpy(tensor));
      const [result] = await executable.run([{ name: 'x', file: path.join(folder, 'x.npy'), tensor }]);
      assert.deepEqual([...new Float32Array(Uint8Array.from(tensorIn(result!).bytes).buffer)], [-3]);
      executable.dispose();
    }
  });
});
