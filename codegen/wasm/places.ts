// Addresses of program buffers.

import type { Expr } from '../../ir/expr.ts';
import { add, IrError, int } from '../../ir/expr-make.ts';
import type { Buffer } from '../../ir/kernel.ts';
import type { Place, Program } from '../../ir/program.ts';
import type { Layout } from './layout.ts';

export function placeOf(program: Program, buffer: Buffer): Place {
  const place = program.places.get(buffer);
  if (!place) throw new IrError(`buffer ${buffer.name} has no place`);
  return place;
}

export function addressOfPlace(place: Place, layout: Layout): Expr {
  switch (place.kind) {
    case 'input':
      return add(layout.inputs[place.index]!, place.offset);
    case 'output':
      return add(layout.outputs[place.index]!, place.offset);
    case 'constant':
      return int(layout.weightsBase + place.offset);
    case 'arena':
      return add(int(layout.arenaBase), place.offset);
  }
}
