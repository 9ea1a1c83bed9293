// What a node of a model may have before `upgrade` gives it today's meaning: outputs, and attributes of its own opset.

import { problem } from '../errors.ts';

export interface NodeForm {
  /** How many outputs at the end are only memory to work in: no model names them. */
  readonly room?: number;
  /** Attributes of older opsets, with the first opset that has them no longer. */
  readonly until?: Readonly<Record<string, number>>;
}

interface Given {
  readonly outputCount: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export function checkForm(
  op: NodeForm & { readonly name: string; readonly outputs: readonly string[] },
  { outputCount, attributes }: Given,
  opset: number,
  where: string,
): void {
  const outputs = op.outputs.slice(0, op.outputs.length - (op.room ?? 0));
  if (outputCount > outputs.length && !outputs.at(-1)?.endsWith('...')) {
    const names = outputs.map((name) => name.replace('?', '')).join(', ');
    throw problem(where, `has ${outputCount} outputs; ${op.name} gives at most ${outputs.length} (${names}).`);
  }
  for (const [name, end] of Object.entries(op.until ?? {})) {
    if (opset >= end && attributes[name] !== undefined)
      throw problem(where, `attribute ${name} is of opset ${end - 1} and before; the model is of opset ${opset}.`);
  }
}
