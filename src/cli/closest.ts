// "Did you mean …": the known word that is nearest to a mistyped one.

/** Single-character edits and swaps of neighbours between two words. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = best;
    }
  }
  return rows[a.length]![b.length]!;
}

export function closest(word: string, known: readonly string[]): string | undefined {
  // Names from a model may be very long, and are then mistyped by nobody.
  const lower = word.slice(0, 100).toLowerCase();
  const near = known
    .filter((candidate) => candidate.length <= 100)
    .map((candidate) => ({ candidate, edits: distance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, candidate.length * 0.4))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.candidate;
}

/** ` Did you mean "x"?` where there is a near word, else what there is. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = closest(word, known);
  if (near !== undefined) return ` Did you mean "${near}"?`;
  const listed = known.slice(0, 12).map((name) => (name.length > 60 ? `${name.slice(0, 60)}…` : name));
  return known.length === 0 ? '' : ` There ${listed.length === 1 ? 'is' : 'are'}: ${listed.join(', ')}.`;
}
