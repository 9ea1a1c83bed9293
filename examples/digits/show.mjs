// Shows a picture and its scores in a terminal. Ink has the colour of the text, so light and dark terminals both work.

const shades = [' ', '░', '▒', '▓', '█'];

/**
 * The picture as text. Two rows of pixels share a line, since a character is about twice as high as wide.
 * @param {ArrayLike<number>} pixels row by row; 0 is paper and 1 is ink
 * @param {number} width
 * @param {number} height
 * @returns {string}
 */
export function picture(pixels, width, height) {
  const lines = [];
  for (let row = 0; row < height; row += 2) {
    let line = '';
    for (let column = 0; column < width; column++) {
      const upper = pixels[row * width + column];
      const lower = row + 1 < height ? pixels[(row + 1) * width + column] : 0;
      line += character(upper, lower);
    }
    lines.push(line);
  }
  return lines.join('\n');
}

/** A half block where one pixel has much more ink than the other; their mean shade where they are alike. */
function character(upper, lower) {
  if (upper - lower > 0.4) return '▀';
  if (lower - upper > 0.4) return '▄';
  const ink = Math.min(1, Math.max(0, (upper + lower) / 2));
  return shades[Math.round(ink * (shades.length - 1))];
}

/**
 * The scores as a bar chart, one line for each class, the winner marked.
 * @param {ArrayLike<number>} scores probabilities, from 0 to 1
 * @returns {string}
 */
export function bars(scores) {
  const longest = 30;
  const winner = winnerOf(scores);
  return Array.from(scores, (score, index) => {
    const bar = '█'.repeat(Math.round(score * longest)).padEnd(longest);
    const percent = (100 * score).toFixed(1).padStart(5);
    return `  ${index} ${bar} ${percent} %${index === winner ? '  ←' : ''}`;
  }).join('\n');
}

/**
 * The class with the highest score; the first of them if several are equal.
 * @param {ArrayLike<number>} scores
 * @returns {number}
 */
export function winnerOf(scores) {
  return Array.from(scores).reduce((best, score, index, all) => (score > all[best] ? index : best), 0);
}
