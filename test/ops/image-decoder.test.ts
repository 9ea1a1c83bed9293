import * as assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';
import { buildExecutable } from '../../src/execute/build.ts';
import type { Executable } from '../../src/execute/executable.ts';
import { makeModel, node, port } from '../onnx/make-model.ts';
import { given, shown } from './run-values.ts';

type Tensor = readonly [readonly number[], readonly number[]];

const executables = new Map<string, Promise<Executable>>();

/** A model whose picture has at most 8 rows and 8 columns. */
function build(target: string, format: string): Promise<Executable> {
  const model = makeModel({
    input: [port('x', ['n'], 'uint8')],
    output: [port('y', [8, 8, format === 'Grayscale' ? 1 : 3], 'uint8')],
    node: [node('ImageDecoder', ['x'], ['y'], { pixel_format: format })],
  });
  return buildExecutable({ bytes: model, file: '' }, target, {});
}

async function decode(bytes: Iterable<number>, target = 'js', format = 'RGB') {
  const key = `${target} ${format}`;
  if (!executables.has(key)) executables.set(key, build(target, format));
  const encoded = [...bytes];
  const value = given([[encoded.length], encoded], 'uint8');
  const [y] = await (await executables.get(key)!).run([{ name: 'x', file: '', value }]);
  return shown(y!.value);
}

after(async () => {
  for (const executable of executables.values()) (await executable).dispose();
});

const text = (words: string): number[] => [...words].map((letter) => letter.charCodeAt(0));
const big = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const little = (value: number, bytes = 4): number[] => big(value).toReversed().slice(0, bytes);

function chunk(name: string, data: number[]): number[] {
  const named = [...text(name), ...data];
  return [...big(data.length), ...named, ...big(crc32(Uint8Array.from(named)))];
}

interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced?: number;
  readonly palette?: number[];
  readonly level?: number;
}

/** Rows come with their filters. */
function png({ width, height, depth, colour, interlaced = 0, palette, level = 9 }: PngParts, rows: number[]) {
  const header = chunk('IHDR', [...big(width), ...big(height), depth, colour, 0, 0, interlaced]);
  const data = [...deflateSync(Uint8Array.from(rows), { level })];
  const parts = [chunk('IDAT', data.slice(0, 5)), chunk('IDAT', data.slice(5)), chunk('IEND', [])];
  const signature = [0x89, ...text('PNG'), 13, 10, 26, 10];
  return [...signature, ...header, ...(palette ? chunk('PLTE', palette) : []), ...parts.flat()];
}

const bmp = (width: number, height: number, bits: number, palette: number[], rows: number[]): number[] => [
  ...[...text('BM'), ...little(54 + palette.length + rows.length), 0, 0, 0, 0, ...little(54 + palette.length)],
  ...[...little(40), ...little(width), ...little(height), 1, 0, ...little(bits, 2)],
  ...[...Array(24).fill(0), ...palette, ...rows],
];

/** A file with the given fields (number, value) of one LONG each, and bytes right behind them. */
function tiff(fields: readonly (readonly [number, number])[], strip: number[]): number[] {
  const at = 8 + 2 + 12 * (fields.length + 2) + 4;
  const all = [...fields, [273, at] as const, [279, strip.length] as const];
  const entries = all.flatMap(([tag, value]) => [...little(tag, 2), 4, 0, ...little(1), ...little(value)]);
  return [...text('II'), 42, 0, ...little(8), ...little(all.length, 2), ...entries, 0, 0, 0, 0, ...strip];
}

const grey = (...values: number[]): number[] => values.flatMap((value) => [value, value, value]);

for (const target of ['js', 'wasm']) {
  describe(`ImageDecoder (${target})`, () => {
    it('reads portable pictures as text and as bytes', async () => {
      const colours = [255, 0, 0, 0, 255, 0];
      assert.deepEqual(await decode(text('P3 # two\n2 1\n255\n255 0 0 0 255 0'), target), [[1, 2, 3], colours]);
      assert.deepEqual(await decode([...text('P6\n2 1\n255\n'), ...colours], target), [[1, 2, 3], colours]);
      assert.deepEqual(await decode([...text('P5 2 1 3\n'), 1, 3], target), [[1, 2, 3], grey(85, 255)]);
      assert.deepEqual(await decode([...text('P5 1 1 65535\n'), 128, 128], target), [[1, 1, 3], grey(128)]);
      assert.deepEqual(await decode(text('P2 2 1 10 10 5'), target), [[1, 2, 3], grey(255, 128)]);
      assert.deepEqual(await decode([...text('P4 2 2\n'), 0x40, 0x80], target), [[2, 2, 3], grey(255, 0, 0, 255)]);
      assert.deepEqual(await decode(text('P1 2 2 01\n10'), target), [[2, 2, 3], grey(255, 0, 0, 255)]);
    });

    it('reads BMP, from the bottom or the top, direct or by a palette', async () => {
      const rows = [1, 2, 3, 0, 4, 5, 6, 0];
      assert.deepEqual(await decode(bmp(1, 2, 24, [], rows), target), [
        [2, 1, 3],
        [6, 5, 4, 3, 2, 1],
      ]);
      assert.deepEqual(await decode(bmp(1, -2, 24, [], rows), target), [
        [2, 1, 3],
        [3, 2, 1, 6, 5, 4],
      ]);
      assert.deepEqual(await decode(bmp(1, 2, 32, [], rows), target), [
        [2, 1, 3],
        [6, 5, 4, 3, 2, 1],
      ]);
      const palette = [7, 8, 9, 0, 1, 1, 1, 0];
      assert.deepEqual(await decode(bmp(3, 1, 1, palette, [0x40, 0, 0, 0]), target), [
        [1, 3, 3],
        [9, 8, 7, 1, 1, 1, 9, 8, 7],
      ]);
    });

    it('undoes every filter of PNG', async () => {
      const rows = [0, 10, 20, 30, 1, 5, 5, 5, 2, 1, 1, 1, 3, 1, 1, 1, 4, 1, 1, 1];
      const [, values] = (await decode(png({ width: 3, height: 5, depth: 8, colour: 0 }, rows), target)) as Tensor;
      const expected = [10, 20, 30, 5, 10, 15, 6, 11, 16, 4, 8, 13, 5, 9, 14];
      assert.deepEqual(values, grey(...expected));
    });

    it('reads PNG of other depths and colours, stored and with fixed codes', async () => {
      const one = { width: 2, height: 1, depth: 8 };
      const of = (parts: PngParts, rows: number[]) => decode(png(parts, rows), target);
      assert.deepEqual(await of({ ...one, colour: 6, level: 0 }, [0, 1, 2, 3, 9, 4, 5, 6, 9]), [
        [1, 2, 3],
        [1, 2, 3, 4, 5, 6],
      ]);
      assert.deepEqual(await of({ ...one, colour: 4 }, [0, 7, 0, 8, 0]), [[1, 2, 3], grey(7, 8)]);
      assert.deepEqual(await of({ ...one, depth: 16, colour: 0 }, [0, 7, 1, 8, 2]), [[1, 2, 3], grey(7, 8)]);
      assert.deepEqual(await of({ ...one, depth: 2, colour: 0 }, [0, 0x60]), [[1, 2, 3], grey(85, 170)]);
      const palette = [1, 2, 3, 4, 5, 6];
      assert.deepEqual(await of({ ...one, depth: 1, colour: 3, palette }, [0, 0x40]), [[1, 2, 3], palette]);
    });

    it('puts the passes of an interlaced PNG where they belong', async () => {
      // 3 x 3: passes 1 (0,0), 4 (0,2), 5 none of column 4 …, each row with its filter.
      const passes = [
        [0, 1],
        [0, 3],
        [0, 7, 9],
        [0, 2],
        [0, 8],
        [0, 4, 5, 6],
      ];
      const bytes = png({ width: 3, height: 3, depth: 8, colour: 0, interlaced: 1 }, passes.flat());
      assert.deepEqual(await decode(bytes, target), [[3, 3, 3], grey(1, 2, 3, 4, 5, 6, 7, 8, 9)]);
    });

    it('reads TIFF: plain, in runs, LZW, deflated, and of differences', async () => {
      const size = [
        [256, 3],
        [257, 1],
        [258, 8],
      ] as const;
      const of = (fields: readonly (readonly [number, number])[], strip: number[]) =>
        decode(tiff([...size, ...fields], strip), target);
      assert.deepEqual(await of([], [1, 2, 3]), [[1, 3, 3], grey(1, 2, 3)]);
      assert.deepEqual(await of([[262, 0]], [1, 2, 3]), [[1, 3, 3], grey(254, 253, 252)]);
      assert.deepEqual(await of([[259, 32773]], [0, 9, 255, 4]), [[1, 3, 3], grey(9, 4, 4)]);
      // Codes 256, 7, 258, 257 of 9 bits: 258 is the string that is only being entered, 7 7.
      assert.deepEqual(await of([[259, 5]], [0x80, 0x01, 0xe0, 0x50, 0x10]), [[1, 3, 3], grey(7, 7, 7)]);
      const deflated = [...deflateSync(Uint8Array.from([5, 1, 1]))];
      assert.deepEqual(
        await of(
          [
            [259, 8],
            [317, 2],
          ],
          deflated,
        ),
        [[1, 3, 3], grey(5, 6, 7)],
      );
    });

    it('reads a baseline JPEG, and ends the run at one that is progressive', async () => {
      // One block of grey: the first value is 32 steps of 16, all others are zero.
      const table = [0, 1, ...Array(15).fill(0), 6];
      const other = [16, 1, ...Array(15).fill(0), 0];
      const segment = (marker: number, data: number[]) => [
        0xff,
        marker,
        ...little(data.length + 2, 2).toReversed(),
        ...data,
      ];
      const of = (frame: number) => [
        ...[0xff, 0xd8, ...segment(0xdb, [0, ...Array(64).fill(16)]), ...segment(0xc4, table), ...segment(0xc4, other)],
        ...[...segment(frame, [8, 0, 1, 0, 2, 1, 1, 0x11, 0]), ...segment(0xda, [1, 1, 0, 0, 63, 0])],
        ...[0x40, 0xff, 0xd9],
      ];
      assert.deepEqual(await decode(of(0xc0), target), [[1, 2, 3], grey(192, 192)]);
      await assert.rejects(decode(of(0xc2), target), /index/i);
    });

    it('gives the channels that are asked for', async () => {
      const bytes = text('P3 1 1 255 10 20 30');
      assert.deepEqual(await decode(bytes, target, 'BGR'), [
        [1, 1, 3],
        [30, 20, 10],
      ]);
      assert.deepEqual(await decode(bytes, target, 'Grayscale'), [[1, 1, 1], [18]]);
    });

    it('gives an empty picture where a stream is broken, at any length', async () => {
      const whole = png({ width: 3, height: 1, depth: 8, colour: 0 }, [0, 1, 2, 3]);
      const empty = [[0, 0, 3], []];
      for (const length of [0, 7, 20, 40, 60, whole.length - 1]) {
        assert.deepEqual(await decode(whole.slice(0, length), target), empty);
      }
      assert.deepEqual(await decode(text('P6 2 2 255\nabc'), target), empty);
      assert.deepEqual(await decode(bmp(2, 2, 24, [], [1, 2, 3]), target), empty);
      assert.deepEqual(await decode(text('no picture'), target), empty);
    });

    it('ends the run where a picture is too large, or of a kind that is not read', async () => {
      await assert.rejects(decode(text('P1 9 1 000000000'), target), /shape/i);
      await assert.rejects(decode([0xff, 0x4f, 0xff, 0x51, 0, 0], target), /index/i);
    });
  });
}
