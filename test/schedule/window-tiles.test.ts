// How the positions of a window are cut into tiles.

import assert from 'node:assert/strict';
import type { EvenTiles } from '../../src/schedule/widths.ts';
import { planeTiles } from '../../src/schedule/window-tiles.ts';

const text = (tiles: readonly EvenTiles[]): string =>
  tiles.map(({ factor, count }) => `${count}×${factor}`).join(' + ');
const plane = (...sizes: Parameters<typeof planeTiles>): string => {
  const { rows, columns } = planeTiles(...sizes);
  return `${text(rows)} rows, ${text(columns)} columns`;
};

describe('tiles of a plane of windows', () => {
  it('are nearly square, so that neighbours share what they read', () => {
    assert.equal(plane(56, 56, 16, 14), '14×4 rows, 14×4 columns');
  });

  it('are of one size where a size divides the plane', () => {
    assert.equal(plane(13, 13, 16, 14), '13×1 rows, 1×13 columns');
    assert.equal(plane(26, 26, 16, 14), '26×1 rows, 2×13 columns');
  });

  it('cover the plane exactly', () => {
    for (let size = 1; size < 80; size++) {
      const { rows, columns } = planeTiles(size, size, 8, 4);
      for (const tiles of [rows, columns]) {
        assert.equal(
          tiles.reduce((sum, { factor, count }) => sum + factor * count, 0),
          size,
        );
      }
    }
  });

  it('have one row where rows have nothing in common', () => {
    assert.equal(plane(undefined, 28, 16, 14), '1×1 rows, 2×14 columns');
  });
});
