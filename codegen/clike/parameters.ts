// The C parameters of a kernel function: only those it uses, and one for buffers that are always the same.

import type { Var } from '../../ir/expr.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { writtenBuffers } from '../../ir/kernel-walk.ts';
import type { Dialect } from './dialect.ts';
import type { Helper, Helpers } from './helpers.ts';
import type { Access } from './printer.ts';
import { primary } from './text.ts';
import { storageType, tagOf } from './types.ts';
import type { Uses } from './uses.ts';

/** How the arguments of some calls of a kernel overlap, by position. Other parameters share no memory. */
export interface Aliasing {
  /** For each parameter the first one that is always given the same pointer: itself, if there is none before it. */
  readonly same: readonly number[];
  /** Parameters that may overlap others in other ways. */
  readonly overlapping: ReadonlySet<number>;
}

export const noAliasing = (kernel: Kernel): Aliasing => ({
  same: kernel.params.map((_, position) => position),
  overlapping: new Set(),
});

export interface PrintOptions {
  readonly name: string;
  readonly dialect: Dialect;
  readonly helpers: Helpers;
  readonly aliasing: Aliasing;
  readonly threads: boolean;
}

/** The C parameters of a function that does what `uses` says. */
export interface Parameters {
  readonly params: readonly number[];
  readonly dims: readonly number[];
  readonly declarations: readonly string[];
  readonly names: readonly string[];
  readonly buffers: Map<Buffer, Access>;
  readonly variables: Map<Var, string>;
}

export function parametersOf(
  kernel: Kernel,
  uses: Uses,
  { dialect, helpers, aliasing }: PrintOptions,
  fresh: (wanted: string) => string,
): Parameters {
  const written = writtenBuffers(kernel);
  const isUsed = (buffer: Buffer): boolean => uses.loaded.has(buffer) || uses.stored.has(buffer);
  const members = (position: number): readonly Buffer[] =>
    kernel.params.filter((_, other) => aliasing.same[other] === position);
  const params = kernel.params.flatMap((_, position) => (members(position).some(isUsed) ? [position] : []));
  const dims = kernel.dims.flatMap((dim, position) => (uses.variables.has(dim) ? [position] : []));
  const buffers = new Map<Buffer, Access>();
  const variables = new Map<Var, string>();
  const declarations: string[] = [];
  const names: string[] = [];
  for (const position of params) {
    const buffer = kernel.params[position]!;
    const name = fresh(buffer.name);
    for (const member of members(position)) {
      buffers.set(member, { kind: 'pointer', pointer: primary(name), byUser: true });
    }
    const constant = members(position).some((member) => written.has(member)) ? '' : 'const ';
    const free = !aliasing.overlapping.has(position);
    const type = free ? storageType(buffer.dtype) : helpers.use(overlappingType(buffer));
    declarations.push(`${constant}${type} *${free ? `${dialect.restrict} ` : ''}${name}`);
    names.push(name);
  }
  for (const position of dims) {
    const dim = kernel.dims[position]!;
    const name = fresh(dim.name);
    variables.set(dim, name);
    declarations.push(`ptrdiff_t ${name}`);
    names.push(name);
  }
  return { params, dims, declarations, names, buffers, variables };
}

/** Elements that may be found where another parameter has elements of another type. */
function overlappingType({ dtype }: Buffer): Helper {
  const name = `lap_overlapping_${tagOf(dtype)}`;
  const type = storageType(dtype);
  const text =
    `#if defined(__GNUC__)\ntypedef ${type} ${name} __attribute__((may_alias));\n` +
    `#else\ntypedef ${type} ${name};\n#endif\n`;
  return { name, text };
}
