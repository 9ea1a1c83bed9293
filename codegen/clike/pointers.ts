// Where a program's buffers are, as C pointers. The run names its memory `memory`, `weights` and `io`.

import type { Expr } from '../../ir/expr.ts';
import { constantOf, IrError, int } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import type { Program } from '../../ir/program.ts';
import type { Interface } from './interface.ts';
import { castTo, infix, primary, type Text } from './text.ts';
import { storageType } from './types.ts';

/** A pointer to the first element of a buffer. */
export function pointerTo(
  buffer: Buffer,
  writable: boolean,
  program: Program,
  model: Interface,
  print: (offset: Expr) => Text,
): Text {
  const place = program.places.get(buffer);
  if (!place) throw new IrError(`buffer ${buffer.name} has no place`);
  const type = `${writable ? '' : 'const '}${storageType(buffer.dtype)} *`;
  const through = `${writable ? '' : 'const '}void *`;
  const bytes = (base: string): Text => {
    const offset = place.kind === 'constant' ? int(place.offset) : place.offset;
    const start = constantOf(offset) === 0 ? primary(base) : infix(primary(base), '+', print(offset), 3);
    return castTo(type, castTo(through, start));
  };
  switch (place.kind) {
    case 'constant':
      return bytes('weights');
    case 'arena':
      return constantOf(program.arenaBytes) === 0 ? castTo(type, primary('arena')) : bytes('memory');
    case 'input':
    case 'output': {
      const { port, field } = (place.kind === 'input' ? model.inputs : model.outputs)[place.index]!;
      const isWhole = constantOf(place.offset) === 0 && port.buffer.dtype === buffer.dtype;
      if (isWhole) return primary(`io->${field}`);
      const from = place.kind === 'input' ? 'const unsigned char *' : 'unsigned char *';
      return bytes(`((${from})io->${field})`);
    }
  }
}
