// Cases of the ONNX suite that are known not to pass, each with the reason: the only such list. A listed case that
// passes fails the run, and so does a case that fails and is not listed.
// `node --import=tsx test/conformance/update.ts` writes it anew.

export interface NotYet {
  readonly reason: string;
  /** Names relative to the suite, for example `node/test_abs`. */
  readonly cases: readonly string[];
  /** Only these targets; all of them where absent. */
  readonly targets?: readonly string[];
}

export const notYet: readonly NotYet[] = [];
