// What is said of an operator that nothing defines: whether it is left out on purpose, and who could define it.

import { leftOut } from '../ops/left-out.ts';

/** Domains whose operators are defined by ONNX or ONNX Runtime; others are the user's own. */
const standardDomains: readonly string[] = ['', 'ai.onnx.ml', 'ai.onnx.preview.training', 'com.microsoft'];

export function unknownOperator(domain: string, opType: string, version: number | undefined): string {
  const from = domain === '' ? 'the ONNX standard domain' : `domain ${JSON.stringify(domain)}`;
  const opset = version === undefined ? '' : ` (opset ${version})`;
  const reason = leftOut.find((item) => item.domain === domain && item.name === opType)?.reason;
  const why = reason === undefined ? '.' : `: ${reason}`;
  const advice = standardDomains.includes(domain)
    ? ''
    : ' A function of that name in an ONNX file can define it: --functions <file>.';
  return `operator ${opType} of ${from}${opset} is not supported${why}${advice}`;
}
