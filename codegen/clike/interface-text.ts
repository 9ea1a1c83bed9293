// The structures through which callers reach a generated model, as text of its header.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Interface, PortField } from './interface.ts';
import { storageType } from './types.ts';

const origin = { given: 'set before a run', found: 'written by a run', derived: 'written by a run' } as const;

/** The sizes of a run; nothing where all are constant. */
export function dimsStruct({ name, dimensions }: Interface): string {
  if (dimensions.length === 0) return '';
  const fields = dimensions.map(
    ({ field, kind, min, max }) => `  int64_t ${field}; /* ${origin[kind]}; ${min} to ${max} */\n`,
  );
  return `/* The sizes of a run. */\ntypedef struct {\n${fields.join('')}} ${name}_dims;\n\n`;
}

/** The fields of the io structure: `more` after those of the ports and the sizes. */
export function ioFields(model: Interface, more: readonly string[]): string {
  const field = (qualifier: string, { port, field: name }: PortField): string =>
    `  ${qualifier}${storageType(port.buffer.dtype)} *${name}; /* ${shapeText(model, { port, field: name })} */\n`;
  return [
    ...model.inputs.map((port) => field('const ', port)),
    ...model.outputs.map((port) => field('', port)),
    ...(model.dimensions.length > 0 ? [`  ${model.name}_dims *dims;\n`] : []),
    ...more.map((text) => `  ${text}\n`),
  ].join('');
}

/** For example float32[batch, 3, 224, 224]. */
function shapeText(model: Interface, { port }: PortField): string {
  const size = (extent: Expr): string =>
    String(constantOf(extent) ?? model.dimensions[model.position(extent)]?.field ?? '?');
  return `${port.buffer.dtype}[${port.buffer.shape.map(size).join(', ')}]`;
}
