// Sizes that only a run knows and that do not fit end in an error code, never in a read outside of a tensor.

import assert from 'node:assert/strict';
import type { Attributes, Value } from '../../ir/graph.ts';
import { tensorType } from '../../src/lower/definition.ts';
import { findOperator } from '../../src/ops/index.ts';
import { apply, g, input, run, size } from './one-node.ts';

const [N, M] = [size('N'), size('M')];

/** Runs a node whose float32 inputs have these sizes; names stand for open ones. */
function runWith(
  op: string,
  shapes: readonly (readonly number[])[],
  open: readonly Value[],
  attributes: Attributes = {},
) {
  const node = apply(op, open, attributes);
  const given = shapes.map((dims) => ({
    dims,
    values: Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 1),
  }));
  return () => run(open, node, given, [N, M]);
}

describe('sizes that do not fit', () => {
  it('are reported by BatchNormalization', () => {
    const open = [input('X', [1, N]), ...['s', 'b', 'm', 'v'].map((name) => input(name, [2]))];
    assert.throws(runWith('BatchNormalization', [[1, 3], [2], [2], [2], [2]], open), /shape/);
  });
  it('are reported by Einsum', () => {
    const open = [input('A', [N]), input('B', [2])];
    assert.throws(runWith('Einsum', [[3], [2]], open, { equation: 'i,i->' }), /shape/);
  });
  it('are reported by Einsum before anything is read', () => {
    const open = [input('A', [N]), input('B', [5])];
    assert.throws(runWith('Einsum', [[1], [5]], open, { equation: 'i,i->i' }), /shape/);
  });
  it('are reported by a scale for each channel', () => {
    const codes = apply('Cast', [input('X', [1, N])], { to: 'uint8' });
    const Y = apply('DequantizeLinear', [codes, input('scale', [2])]);
    const inputs = [codes.producer!.inputs[0]!, Y.producer!.inputs[1]!];
    const given = [
      { dims: [1, 3], values: [1, 2, 3] },
      { dims: [2], values: [1, 2] },
    ];
    assert.throws(() => run(inputs, Y, given, [N]), /shape/);
  });
  it('are reported by Split', () => {
    const X = input('X', [N]);
    const [first] = g.applyAll(findOperator('', 'Split')!, [X, g.ints([1, 2])], {}, { outputs: [true, true] });
    assert.throws(() => run([X], first!, [{ dims: [2], values: [1, 2] }], [N]), /shape/);
  });
  it('are reported by groups of a convolution', () => {
    const open = [input('X', [1, 4, 3]), input('W', [N, 1, 1])];
    assert.throws(
      runWith(
        'Conv',
        [
          [1, 4, 3],
          [5, 1, 1],
        ],
        open,
        { group: 4 },
      ),
      /shape/,
    );
  });
});

describe('operands of recurrent layers', () => {
  const known = { X: [3, 1, 4], W: [1, 2, 4], R: [1, 2, 2], B: [1, 4] };
  const runLayer = (open: string, shape: readonly (number | typeof N)[], dims: readonly number[]) => {
    const shapes = { ...known, [open]: shape };
    const inputs = Object.entries(shapes).map(([name, own]) => input(name, own));
    const Y = apply('RNN', inputs, { hidden_size: 2 });
    const given = Object.values({ ...known, [open]: dims }).map((own) => ({
      dims: own,
      values: new Array(own.reduce((a, b) => a * b, 1)).fill(1),
    }));
    return () => run(inputs, Y, given, [N]);
  };
  for (const [name, shape, fit, wrong] of [
    ['W', [N, 2, 4], [1, 2, 4], [2, 2, 4]],
    ['W', [1, N, 4], [1, 2, 4], [1, 3, 4]],
    ['R', [N, 2, 2], [1, 2, 2], [2, 2, 2]],
    ['R', [1, 2, N], [1, 2, 2], [1, 2, 3]],
    ['B', [N, 4], [1, 4], [3, 4]],
    ['X', [3, 1, N], [3, 1, 4], [3, 1, 5]],
  ] as const) {
    it(`are reported where only a run knows that ${name} is [${wrong}]`, () => {
      runLayer(name, shape, fit)();
      assert.throws(runLayer(name, shape, wrong), /shape/);
    });
  }

  for (const length of [1, 3]) {
    it(`end within a sequence of ${length}, or are reported`, () => {
      const inputs = [input('X', [length, 1, 4]), input('W', [1, 2, 4]), input('R', [1, 2, 2])];
      const ends = input('ends', [1], 'int32');
      const Y = apply('RNN', [...inputs, undefined, ends], { hidden_size: 2 });
      const given = [
        { dims: [length, 1, 4], values: new Array(length * 4).fill(1) },
        { dims: [1, 2, 4], values: new Array(8).fill(1) },
        { dims: [1, 2, 2], values: new Array(4).fill(1) },
      ];
      const runTo = (end: number) => run([...inputs, ends], Y, [...given, { dims: [1], values: [end] }]);
      assert.equal(runTo(length).values.at(-1)! > 0, true);
      assert.equal(runTo(0).values.at(-1), 0);
      assert.throws(() => runTo(length + 1), /index/);
      assert.throws(() => runTo(-1), /index/);
    });
  }
});

describe('sizes of a Col2Im', () => {
  const columns = input('X', [1, 4, 4]);
  const refuses = (image: readonly number[], block: readonly number[], rule: string) =>
    assert.throws(() => apply('Col2Im', [columns, g.ints(image), g.ints(block)]), {
      message: `Col2Im "node": ${rule}`,
    });

  it('are refused where the image is negative', () =>
    refuses([-1, 3], [2, 2], 'image_shape has an entry of -1; each must be at least 0.'));
  it('are refused where a block is empty', () =>
    refuses([3, 3], [-8, 0], 'block_shape has an entry of -8; each must be at least 1.'));
  it('are refused where the blocks do not make the image', () =>
    refuses([3, 4], [2, 2], 'input has 4 blocks; 6 fit into the image.'));
  it('are refused where channels are cut', () =>
    refuses([4, 1], [3, 1], 'axis 1 of input is 4, no multiple of the 3 elements of a block.'));
  it('are reported where only a run knows that they are negative', () => {
    const [image, block] = [input('image', [2], 'int64'), input('block', [2], 'int64')];
    const declared = [tensorType(input('Y', [1, 4, 3, 3]))];
    const Y = apply('Col2Im', [columns, image, block], {}, { declared });
    const ones = { dims: [1, 4, 4], values: new Array(16).fill(1) };
    const given = (sizes: readonly number[]) => [ones, { dims: [2], values: sizes }, { dims: [2], values: [2, 2] }];
    assert.deepEqual(run([columns, image, block], Y, given([3, 3])).values, [1, 2, 1, 2, 4, 2, 1, 2, 1]);
    assert.throws(() => run([columns, image, block], Y, given([-1, 3])), /shape/);
    assert.throws(() => run([columns, image, block], Y, given([2, 3])), /shape/);
  });
});

describe('a tensor without elements', () => {
  it('has none that is not zero', () => {
    const X = input('X', [1, 0]);
    assert.deepEqual(run([X], apply('NonZero', [X]), [{ dims: [1, 0], values: [] }]), { dims: [2, 0], values: [] });
  });
});

describe('axes of scalars', () => {
  it('are refused', () => {
    assert.throws(() => apply('LpNormalization', [input('X', [])], { axis: 0 }), {
      message: 'LpNormalization "node": axis is 0, but a scalar has no axes.',
    });
  });
});

describe('attributes', () => {
  it('that are required must be there', () => {
    assert.throws(() => apply('DepthToSpace', [input('X', [1, 4, 1, 1])]), {
      message: 'DepthToSpace "node": attribute blocksize is missing.',
    });
  });
  it('are no empty list where a number is expected', () => {
    assert.throws(() => apply('Concat', [input('X', [1])], { axis: [] }), {
      message: 'Concat "node": attribute axis must be of kind int, got an empty list.',
    });
  });
});
