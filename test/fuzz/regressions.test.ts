// Cases that fuzzing found and shrank, each judged against ONNX Runtime on the engine where it failed.

import assert from 'node:assert/strict';
import { type CaseBuilder, ints, startCase } from './case.ts';
import type { Draw } from './draw.ts';
import type { EngineName } from './engines.ts';
import { judge } from './judge.ts';
import { startOracle } from './oracle.ts';
import { drawTensor, tensorFrom } from './tensors.ts';

/** Draws the plainest answer everywhere, and random contents. */
const plain: Draw = {
  integer: (min) => min,
  pick: (options) => options[0]!,
  chance: (percent) => percent >= 100,
  seed: () => 7,
};

/** Adds a float32 input whose named axes are open. */
type Input = (dims: readonly (number | [name: string, size: number])[], values?: readonly number[]) => string;

describe('cases that fuzzing found', function () {
  this.timeout(120_000);
  const oracle = startOracle();
  after(() => oracle.close());

  async function check(
    engines: readonly EngineName[],
    build: (builder: CaseBuilder, input: Input) => readonly string[],
    opset = 21,
  ): Promise<void> {
    const builder = startCase(plain, opset);
    const symbols = new Map<string, readonly (string | undefined)[]>();
    const outputs = build(builder, (dims, values) => {
      const sizes = dims.map((size) => (typeof size === 'number' ? size : size[1]));
      const tensor = values ? tensorFrom('float32', sizes, values) : drawTensor(plain, 'float32', sizes);
      const name = builder.input(tensor, { constant: 0 });
      symbols.set(
        name,
        dims.map((size) => (typeof size === 'number' ? undefined : size[0])),
      );
      return name;
    });
    const made = builder.finish(outputs);
    const inputs = made.inputs.map((input) => ({ ...input, symbols: symbols.get(input.name) ?? input.symbols }));
    assert.deepEqual(await judge({ ...made, inputs }, oracle, engines), { kind: 'pass' });
  }
  const fixed = { constant: 100 };

  it('blend lanes of a tensor with an open size under a condition', () =>
    check(['wasm', 'wasm-strict'], ({ node }, input) => {
      const [A, B, C] = [input([1, 3, 3]), input([1, 3, 3]), input([['N', 2], 3, 3])];
      return node('Where', [node('Greater', [A, B])[0], A, C]);
    }));

  it('raise lanes to powers where an open size is checked on the way', () =>
    check(['wasm', 'wasm-strict'], ({ node }, input) => node('Pow', [input([['N', 4]]), input([1, 4])])));

  it('give an open size that is scaled by 2.5 a place in memory', () =>
    check(
      ['wasm', 'c-plain'],
      ({ node, input: add }, input) => {
        const X = node('Relu', [input([1, 1, 1, ['W', 3]])]);
        const scales = add(tensorFrom('float32', [4], [1, 1, 1, 2.5]), fixed);
        const Y = node('Upsample', [X[0], scales], { mode: { kind: 'string', value: 'nearest' } })[0];
        return node('MatMul', [node('Transpose', [Y], { perm: ints([0, 1, 3, 2]) })[0], Y]);
      },
      9,
    ));

  it('read scales and zero points of each row in a kernel whose call gcc must not drop', () =>
    check(['c', 'c-plain'], ({ node, input: add }) => {
      const X = add(
        tensorFrom(
          'uint8',
          [1, 1, 9, 3],
          Array.from({ length: 27 }, (_, i) => i * 9),
        ),
        { constant: 0 },
      );
      const scale = add(tensorFrom('float32', [9], Array(9).fill(0.5)), fixed);
      const zero = add(tensorFrom('uint8', [9], [3, 6, 1, 12, 2, 1, 11, 6, 5]), fixed);
      return node('DequantizeLinear', [X, scale, zero], { axis: { kind: 'int', value: 2 } });
    }));
});
