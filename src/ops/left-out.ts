// Operators that are left out on purpose, and why. `lapidary ops` lists them, and so does the error for a model with one.

export interface LeftOut {
  readonly domain: string;
  readonly name: string;
  /** A whole sentence. */
  readonly reason: string;
}

const foreign = (what: string): string =>
  `it holds ${what}, which only that device's own software can run. Export the model without it.`;

export const leftOut: readonly LeftOut[] = [
  { domain: 'com.microsoft', name: 'EPContext', reason: foreign('a program that was compiled for one device') },
  {
    domain: 'com.microsoft',
    name: 'WhisperBeamSearch',
    reason:
      'its pair of an encoder and a decoder, and its rules for timestamps, are not built yet. BeamSearch over one decoder is.',
  },
  { domain: 'com.microsoft', name: 'Snpe', reason: foreign('a container for the Snapdragon engine') },
  ...['QuantizeBFP', 'DequantizeBFP'].map((name) => ({
    domain: 'com.microsoft',
    name,
    reason:
      'the bytes of its block floating point formats are described nowhere: bfp_type names formats of certain devices. ' +
      'Export the model with QuantizeLinear and DequantizeLinear.',
  })),
];
