// One C function for a statement over a kernel's parameters.

import type { Expr, Var } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Loop } from '../../ir/kernel.ts';
import type { Dialect } from './dialect.ts';
import type { Helpers } from './helpers.ts';
import { type FunctionNames, functionNames } from './names.ts';
import { offsetsOf } from './offsets.ts';
import { type PrintOptions, parametersOf } from './parameters.ts';
import { printAlone } from './print-expr.ts';
import { type FunctionContext, printBlock, printStmt } from './print-stmt.ts';
import type { Access, Environment } from './printer.ts';
import { sizesOver } from './sizes.ts';
import { type Writer, writer } from './text.ts';
import { valueType } from './types.ts';
import { type Addresses, type Uses, usesOf } from './uses.ts';

export interface Signature {
  readonly text: string;
  readonly params: readonly number[];
  readonly dims: readonly number[];
  readonly canFail: boolean;
}

export interface ContextOptions {
  readonly dialect: Dialect;
  readonly helpers: Helpers;
  readonly out: Writer;
  readonly leave: (code: string) => string;
}

/** A context in which the dims have names; sizes over them are computed where the function begins. */
export function functionContext(
  { dialect, helpers, out, leave }: ContextOptions,
  names: FunctionNames,
  places: Addresses,
  uses: Uses,
  variables: Map<Var, string>,
  buffers: Map<Buffer, Access>,
): FunctionContext {
  const depths = new Map<Var, number>([...variables.keys()].map((dim) => [dim, 1]));
  const declare = (depth: number, wanted: string, value: Expr): string => {
    const { text } = printAlone(value, environment);
    const name = names.freshEverywhere(wanted);
    out.atStart(depth, `const ${valueType(value.dtype)} ${name} = ${text};`);
    return name;
  };
  const environment: Environment = {
    ...sizesOver(new Set(variables.keys()), (size) => declare(1, 'size', size)),
    dialect,
    helpers,
    address: places.address,
    status: dialect.failure === 'returned' ? '&status' : 'status',
    variable: (variable) => {
      const name = variables.get(variable);
      if (name === undefined) throw new IrError(`variable ${variable.name} is not in scope`);
      return name;
    },
    access: (buffer) => {
      const access = buffers.get(buffer);
      if (!access) throw new IrError(`buffer ${buffer.name} is not in scope`);
      return access;
    },
  };
  const offsets = offsetsOf({
    addresses: uses.addresses,
    depthOf: (variable) => depths.get(variable),
    declare: (offset, value, depth) => {
      variables.set(offset, declare(depth, 'at', value));
      depths.set(offset, depth);
    },
  });
  return { environment, out, names, variables, buffers, addresses: places, uses, leave, offsets, depths };
}

/** `loop`, if given, is the outermost statement, of which the function runs the iterations from `begin` to `end`. */
export function printFunction(kernel: Kernel, options: PrintOptions, places: Addresses, loop?: Loop): Signature {
  const { dialect, helpers, name } = options;
  // Of the loop itself only the part from begin to end is printed, not the extent.
  const uses = usesOf(loop ? loop.body : kernel.body, places);
  const canFail = uses.fails || uses.checks;
  const stored = canFail && dialect.failure === 'stored';
  const names = functionNames();
  const parameters = parametersOf(kernel, uses, options, names.fresh);
  const declarations = [
    ...parameters.declarations,
    ...(loop ? ['ptrdiff_t begin', 'ptrdiff_t end'] : []),
    ...(stored ? ['int *status'] : []),
  ];
  const out = writer();
  const leave = (code: string): string =>
    stored ? `{ ${helpers.use(dialect.failureHelper)}(status, ${code}); return; }` : `return ${code};`;
  const { variables, buffers } = parameters;
  const plain = functionContext({ dialect, helpers, out, leave }, names, places, uses, variables, buffers);
  const context = loop ? { ...plain, part: { loop, begin: 'begin', end: 'end' } } : plain;
  const result = canFail && !stored ? 'int' : 'void';
  printBlock(`${dialect.kernelQualifiers} ${result} ${name}(${declarations.join(', ') || 'void'}) {`, context, () => {
    if (uses.fails && !stored) out.line('int status = LAP_OK;');
    printStmt(kernel.body, context);
    if (canFail && !stored) out.line(`return ${uses.fails ? 'status' : 'LAP_OK'};`);
  });
  return { text: out.text(), params: parameters.params, dims: parameters.dims, canFail };
}
