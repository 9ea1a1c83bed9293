// Sums of products of 32-bit values, for addresses: constant + c1 * x * y + c2 * z …, modulo 2^32. Everything that is not
// +, - or * of sizes is an atom. Terms keep the order in which they were met, so that equal programs give equal bytes.

import type { Code, ModuleBuilder } from './binaryen.ts';

export interface Atom {
  readonly key: string;
  /** Depth of the frame in which the value comes into being: it is the same throughout the frames inside. */
  readonly depth: number;
  readonly nonNegative: boolean;
  /** A variable or parameter: costs nothing to read. */
  readonly simple: boolean;
  code(): Code;
}

export interface Term {
  readonly coefficient: number;
  readonly atoms: readonly Atom[];
}

export interface Linear {
  readonly constant: number;
  /** By the keys of the atoms; no zero coefficients. */
  readonly terms: ReadonlyMap<string, Term>;
}

/** Products of sums are multiplied out up to this many terms. */
const maximumTerms = 32;

const noTerms: ReadonlyMap<string, Term> = new Map();
export const constantLinear = (constant: number): Linear => ({ constant, terms: noTerms });
export const atomLinear = (atom: Atom): Linear => ({
  constant: 0,
  terms: new Map([[atom.key, { coefficient: 1, atoms: [atom] }]]),
});

const keyOf = (atoms: readonly Atom[]): string => atoms.map((atom) => atom.key).join('*');

function collect(constant: number, terms: Iterable<Term>): Linear {
  const sum = new Map<string, Term>();
  for (const { coefficient, atoms } of terms) {
    const key = keyOf(atoms);
    const total = coefficient + (sum.get(key)?.coefficient ?? 0);
    if (total === 0) sum.delete(key);
    else sum.set(key, { coefficient: total, atoms });
  }
  return { constant, terms: sum };
}

const scaled = (terms: Iterable<Term>, by: number): Term[] =>
  [...terms].map(({ coefficient, atoms }) => ({ coefficient: coefficient * by, atoms }));

export const addLinear = (a: Linear, b: Linear, scale = 1): Linear =>
  b.terms.size === 0
    ? { constant: a.constant + scale * b.constant, terms: a.terms }
    : collect(a.constant + scale * b.constant, [...a.terms.values(), ...scaled(b.terms.values(), scale)]);

export const scaleLinear = (a: Linear, by: number): Linear => collect(a.constant * by, scaled(a.terms.values(), by));

const byKey = (a: Atom, b: Atom): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** The product, or undefined where it has too many terms. */
export function multiplyLinear(a: Linear, b: Linear): Linear | undefined {
  if (a.terms.size === 0) return scaleLinear(b, a.constant);
  if (b.terms.size === 0) return scaleLinear(a, b.constant);
  if ((a.terms.size + 1) * (b.terms.size + 1) > maximumTerms) return undefined;
  const products = [...a.terms.values()].flatMap((x) =>
    [...b.terms.values()].map((y) => ({
      coefficient: x.coefficient * y.coefficient,
      atoms: [...x.atoms, ...y.atoms].sort(byKey),
    })),
  );
  return collect(a.constant * b.constant, [
    ...products,
    ...scaled(a.terms.values(), b.constant),
    ...scaled(b.terms.values(), a.constant),
  ]);
}

export const termDepth = (term: Term): number => Math.max(0, ...term.atoms.map((atom) => atom.depth));
export const isNonNegative = (term: Term): boolean =>
  term.coefficient >= 0 && term.atoms.every((atom) => atom.nonNegative);
export const termsKey = (terms: readonly Term[]): string =>
  terms.map((term) => `${term.coefficient}*${keyOf(term.atoms)}`).join('+');

function times(module: ModuleBuilder, value: Code, factor: number): Code {
  if (factor === 1) return value;
  const shift = Math.log2(factor);
  if (factor > 0 && Number.isInteger(shift) && shift < 32) return module.op('i32.shl', value, module.i32(shift));
  return module.op('i32.mul', value, module.i32(factor));
}

/** base + the terms. */
export function sumCode(module: ModuleBuilder, base: Code | undefined, terms: readonly Term[]): Code {
  let sum = base;
  for (const { coefficient, atoms } of terms) {
    if (atoms.length === 0) {
      const constant = module.i32(coefficient);
      sum = sum === undefined ? constant : module.op('i32.add', sum, constant);
      continue;
    }
    const product = atoms.map((atom) => atom.code()).reduce((left, right) => module.op('i32.mul', left, right));
    if (sum === undefined) sum = times(module, product, coefficient);
    else if (coefficient < 0) sum = module.op('i32.sub', sum, times(module, product, -coefficient));
    else sum = module.op('i32.add', sum, times(module, product, coefficient));
  }
  return sum ?? module.i32(0);
}

/** The whole sum, with its constant. */
export function linearCode(module: ModuleBuilder, { constant, terms }: Linear): Code {
  if (terms.size === 0) return module.i32(constant);
  const sum = sumCode(module, undefined, [...terms.values()]);
  return constant === 0 ? sum : module.op('i32.add', sum, module.i32(constant));
}
