// Kernels as text for people and tests, one statement a line:
//   kernel scale(x: float32[n], y: float32[n]; n: index)
//     for i < n
//       y[i] = x[i] * 2.0
// Where two things in scope have one name, the inner one gets a number.

import type { Expr, Var } from './expr.ts';
import { type PrintedNames, printBuffer, printExpr, printShared, printType, printVar } from './expr-print.ts';
import type { Buffer, Kernel, Stmt } from './kernel.ts';
import { block, mapStmt } from './kernel-walk.ts';

export { printExpr } from './expr-print.ts';

/** Adds a name for `thing`, different from all names in scope. */
function withName(names: PrintedNames, thing: Var | Buffer): PrintedNames {
  const taken = new Set(names.values());
  let name = thing.name;
  for (let count = 1; taken.has(name); count++) name = `${thing.name}_${count}`;
  return new Map(names).set(thing, name);
}

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

/** Definitions of big shared parts, then the line made of the printed expressions. */
function line(exprs: readonly Expr[], names: PrintedNames, make: (texts: readonly string[]) => string): string[] {
  const { texts, definitions } = printShared(exprs, names);
  return [...definitions, make(texts)];
}

function linesOf(stmt: Stmt, names: PrintedNames): readonly string[] {
  switch (stmt.kind) {
    case 'loop': {
      const inner = withName(names, stmt.index);
      const as = stmt.as === 'serial' ? '' : ` ${stmt.as}`;
      return [
        ...line([stmt.extent], names, ([extent]) => `for${as} ${inner.get(stmt.index)} < ${extent}`),
        ...indent(linesOf(stmt.body, inner)),
      ];
    }
    case 'while':
      return [`while ${printExpr(stmt.condition, names)}`, ...indent(linesOf(stmt.body, names))];
    case 'store': {
      const name = names.get(stmt.buffer) ?? stmt.buffer.name;
      return line([stmt.value, ...stmt.indices], names, ([value, ...at]) => `${name}[${at.join(', ')}] = ${value}`);
    }
    case 'let': {
      const inner = withName(names, stmt.variable);
      const type = printType(stmt.variable.dtype, stmt.variable.lanes);
      return [
        ...line([stmt.value], names, ([value]) => `let ${inner.get(stmt.variable)}: ${type} = ${value}`),
        ...linesOf(stmt.body, inner),
      ];
    }
    case 'if': {
      const otherwise = stmt.otherwise ? ['else', ...indent(linesOf(stmt.otherwise, names))] : [];
      const then = indent(linesOf(stmt.then, names));
      return [...line([stmt.condition], names, ([condition]) => `if ${condition}`), ...then, ...otherwise];
    }
    case 'alloc': {
      const inner = withName(names, stmt.buffer);
      return [`${stmt.buffer.memory} ${printBuffer(stmt.buffer, inner)}`, ...linesOf(stmt.body, inner)];
    }
    case 'block':
      return stmt.body.flatMap((child) => {
        const lines = linesOf(child, names);
        // A name ends with its body; where statements follow, the body is set apart.
        const scoped = (child.kind === 'let' || child.kind === 'alloc') && child !== stmt.body.at(-1);
        return scoped ? ['do', ...indent(lines)] : lines;
      });
    case 'barrier':
      return ['barrier'];
    case 'check':
      return line([stmt.condition], names, ([condition]) => `check ${condition} else ${stmt.code}`);
  }
}

/** One line for messages: the statement without those inside of it. */
export function printHead(stmt: Stmt): string {
  if (stmt.kind === 'block') return 'a block';
  if (stmt.kind === 'if') return `if ${printExpr(stmt.condition)}`;
  const alone = mapStmt(
    stmt,
    () => block([]),
    (expr) => expr,
  );
  return printStmt(alone).replaceAll('\n', '; ');
}

export const printStmt = (stmt: Stmt): string => linesOf(stmt, new Map()).join('\n');

export function printKernel(kernel: Kernel): string {
  let names: PrintedNames = new Map();
  for (const thing of [...kernel.dims, ...kernel.params]) names = withName(names, thing);
  const params = kernel.params.map((buffer) => printBuffer(buffer, names)).join(', ');
  const dims = kernel.dims.map(printVar).join(', ');
  const head = `kernel ${kernel.name}(${params}${dims ? `; ${dims}` : ''})`;
  return [head, ...indent(linesOf(kernel.body, names))].join('\n');
}
