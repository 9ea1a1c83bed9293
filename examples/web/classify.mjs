// The model as a function: a picture in, the digit and its score out. For browsers and Node alike.
import { load } from './out/digits.js';

const model = await load();

/**
 * @param {Float32Array} image 28 × 28 grey values from 0 (paper) to 1 (ink)
 * @returns {{ digit: number, score: number }}
 */
export function classify(image) {
  const { scores } = model.run({ image });
  const digit = scores.indexOf(Math.max(...scores));
  return { digit, score: scores[digit] };
}
