// Reads the equation of Einsum: which label stands at each axis of each operand and of the result.

/** Labels are numbers: letters by code, the axes under an ellipsis negative, the last one -1. */
export interface Equation {
  readonly operands: readonly (readonly number[])[];
  readonly result: readonly number[];
}

const letter = /^[A-Za-z]$/;

/** `fail` gets a whole sentence. */
export function readEquation(text: string, ranks: readonly number[], fail: (rule: string) => never): Equation {
  const plain = text.replace(/\s/g, '');
  const [left = '', right, ...more] = plain.split('->');
  if (more.length > 0) fail(`equation ${JSON.stringify(text)} has more than one "->".`);
  const terms = left.split(',');
  if (terms.length !== ranks.length)
    fail(`equation ${JSON.stringify(text)} has ${terms.length} terms; there are ${ranks.length} inputs.`);
  const operands = terms.map((term, position) => labelsOf(term, ranks[position], position, text, fail));
  if (right === undefined) return { operands, result: implicitResult(operands) };
  const hidden = new Set(operands.flat().filter((label) => label < 0)).size;
  const result = labelsOf(right, undefined, -1, text, fail, hidden);
  const known = new Set(operands.flat());
  const unknown = result.find((label) => !known.has(label));
  if (unknown !== undefined) fail(`the result of equation ${JSON.stringify(text)} has a label that no input has.`);
  if (new Set(result).size !== result.length) fail(`the result of equation ${JSON.stringify(text)} repeats a label.`);
  return { operands, result };
}

/** `rank` says how many axes an ellipsis stands for; for the result `hidden` does. */
function labelsOf(
  term: string,
  rank: number | undefined,
  position: number,
  text: string,
  fail: (rule: string) => never,
  hidden = 0,
): readonly number[] {
  const [before = '', after, ...more] = term.split('...');
  const letters = [...before, ...(after ?? '')];
  if (more.length > 0 || letters.some((label) => !letter.test(label)))
    fail(`equation ${JSON.stringify(text)} has the term ${JSON.stringify(term)}; letters and one "..." are allowed.`);
  const covered = after === undefined ? 0 : rank === undefined ? hidden : rank - letters.length;
  if (covered < 0 || (rank !== undefined && letters.length + covered !== rank))
    fail(
      `term ${JSON.stringify(term)} of the equation has ${letters.length} labels; input ${position} has rank ${rank}.`,
    );
  const codes = (labels: string): number[] => [...labels].map((label) => label.charCodeAt(0));
  return [...codes(before), ...Array.from({ length: covered }, (_, i) => i - covered), ...codes(after ?? '')];
}

/** Without "->": the axes under the ellipsis, then the labels that appear once, in alphabetical order. */
function implicitResult(operands: readonly (readonly number[])[]): readonly number[] {
  const times = new Map<number, number>();
  for (const label of operands.flat()) times.set(label, (times.get(label) ?? 0) + 1);
  return [...times.keys()].filter((label) => label < 0 || times.get(label) === 1).sort((a, b) => a - b);
}
