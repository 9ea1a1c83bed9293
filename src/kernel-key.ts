// Keys of kernels: two kernels have the same key if one is the other with its variables and buffers renamed.

import type { Const, Expr, Var } from '../ir/expr.ts';
import { children } from '../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../ir/kernel.ts';
import { innerStmts, ownExprs } from '../ir/kernel-walk.ts';

/**
 * `interned` gives equal parts of all kernels that are compared one number. With `varying`, these constants and the
 * sizes of flat parameters count as equal.
 */
export function kernelKey(kernel: Kernel, interned: Map<string, number>, varying?: ReadonlySet<Const>): string {
  const numbers = new Map<Var | Buffer, number>();
  const memo = new Map<Expr, number>();
  const intern = (text: string): number => {
    const known = interned.get(text) ?? interned.size;
    interned.set(text, known);
    return known;
  };
  const numberOf = (item: Var | Buffer): number => {
    const known = numbers.get(item) ?? numbers.size;
    numbers.set(item, known);
    return known;
  };
  const bufferText = (buffer: Buffer): string => {
    const fresh = !numbers.has(buffer);
    const number = numberOf(buffer);
    if (!fresh) return `b${number}`;
    const anySize = varying && buffer.memory === 'argument' && buffer.shape.length === 1;
    const parts = anySize ? '?' : [...buffer.shape, ...(buffer.strides ?? [])].map(exprText).join(',');
    return `b${number}:${buffer.dtype} ${buffer.memory} ${buffer.lanes ?? 1} ${buffer.strides ? 's' : ''}[${parts}]`;
  };
  const exprText = (expr: Expr): number => {
    const known = memo.get(expr);
    if (known !== undefined) return known;
    const made = intern(`${headText(expr)}(${children(expr).map(exprText).join(' ')})`);
    memo.set(expr, made);
    return made;
  };
  const headText = (expr: Expr): string => {
    const head = `${expr.kind} ${expr.dtype} ${expr.lanes}`;
    switch (expr.kind) {
      case 'const':
        if (varying?.has(expr)) return `${head} ?`;
        return `${head} ${Object.is(expr.value, -0) ? '-0' : expr.value}`;
      case 'var':
        return `${head} v${numberOf(expr)}`;
      case 'unary':
      case 'binary':
        return `${head} ${expr.op}`;
      case 'cast':
        return `${head} ${expr.bits}`;
      case 'load':
        return `${head} ${bufferText(expr.buffer)}`;
      case 'ramp':
        return `${head} ${expr.stride}`;
      case 'call':
        return `${head} ${expr.callee} ${expr.code ?? ''}`;
      case 'reduce':
        return `${head} ${expr.op} ${expr.axes.map(numberOf).join(',')}`;
      case 'select':
      case 'splat':
        return head;
    }
  };
  const stmtText = (stmt: Stmt): string => {
    const own = (): string => ownExprs(stmt).map(exprText).join(' ');
    const inner = (): string => innerStmts(stmt).map(stmtText).join(';');
    switch (stmt.kind) {
      case 'loop':
        return `loop ${stmt.as} v${numberOf(stmt.index)} ${own()}{${inner()}}`;
      case 'let':
        return `let v${numberOf(stmt.variable)} ${own()}{${inner()}}`;
      case 'alloc':
        return `alloc ${bufferText(stmt.buffer)}{${inner()}}`;
      case 'store':
        return `store ${bufferText(stmt.buffer)} ${own()}`;
      case 'if':
        return `if ${stmt.otherwise ? 'else' : ''} ${own()}{${inner()}}`;
      case 'check':
        return `check ${stmt.code} ${own()}`;
      case 'while':
      case 'block':
      case 'barrier':
        return `${stmt.kind} ${own()}{${inner()}}`;
    }
  };
  const params = kernel.params.map(bufferText).join(' ');
  const dims = kernel.dims.map(numberOf).join(' ');
  return `${params}|${dims}|${stmtText(kernel.body)}`;
}
