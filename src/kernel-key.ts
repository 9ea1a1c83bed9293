// Keys of kernels: two kernels have the same key if one is the other with its variables and buffers renamed.

import type { Const, Expr, Var } from '../ir/expr.ts';
import { children } from '../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../ir/kernel.ts';
import { innerStmts, ownExprs } from '../ir/kernel-walk.ts';
import type { Structures } from './structures.ts';

/**
 * `all` gives equal parts of all kernels that are compared one number. With `varying`, these constants and the sizes of
 * flat parameters count as equal.
 */
export function kernelKey(kernel: Kernel, all: Structures, varying?: ReadonlySet<Const>): number {
  const { atom } = all;
  const numbers = new Map<Var | Buffer, number>();
  const memo = new Map<Expr, number>();
  const list = (head: string, ...members: number[]): number => all.list(atom(head), members);
  // The names of things are the order in which they are met.
  const numberOf = (item: Var | Buffer): number => {
    let number = numbers.get(item);
    if (number === undefined) {
      number = atom(numbers.size);
      numbers.set(item, number);
    }
    return number;
  };
  const bufferKey = (buffer: Buffer): number => {
    const fresh = !numbers.has(buffer);
    const number = numberOf(buffer);
    if (!fresh) return number;
    const { dtype, memory, lanes = 1, shape, strides } = buffer;
    const anySize = varying && memory === 'argument' && shape.length === 1;
    const sizes = anySize ? [atom('?')] : shape.map(exprKey);
    const steps = anySize ? [] : (strides ?? []).map(exprKey);
    return list('buffer', number, atom(dtype), atom(memory), atom(lanes), list('[]', ...sizes), list('[]', ...steps));
  };
  const exprKey = (expr: Expr): number => {
    const known = memo.get(expr);
    if (known !== undefined) return known;
    const made = all.list(headKey(expr), children(expr).map(exprKey));
    memo.set(expr, made);
    return made;
  };
  const headKey = (expr: Expr): number => {
    const type = [atom(expr.dtype), atom(expr.lanes)] as const;
    switch (expr.kind) {
      case 'const':
        return list('const', ...type, atom(varying?.has(expr) ? '?' : expr.value));
      case 'var':
        return list('var', ...type, numberOf(expr));
      case 'unary':
      case 'binary':
        return list(expr.op, ...type);
      case 'cast':
        return list('cast', ...type, atom(expr.bits));
      case 'load':
        return list('load', ...type, bufferKey(expr.buffer));
      case 'ramp':
        return list('ramp', ...type, atom(expr.stride));
      case 'call':
        return list('call', ...type, atom(expr.callee), atom(expr.code ?? ''));
      case 'reduce':
        return list('reduce', ...type, atom(expr.op), ...expr.axes.map(numberOf));
      case 'select':
      case 'splat':
        return list(expr.kind, ...type);
    }
  };
  const headOf = (stmt: Stmt): number => {
    switch (stmt.kind) {
      case 'loop':
        return list('loop', atom(stmt.as), numberOf(stmt.index));
      case 'let':
        return list('let', numberOf(stmt.variable));
      case 'alloc':
        return list('alloc', bufferKey(stmt.buffer));
      case 'store':
        return list('store', bufferKey(stmt.buffer));
      case 'if':
        return list('if', atom(stmt.otherwise !== undefined));
      case 'check':
        return list('check', atom(stmt.code));
      case 'while':
      case 'block':
      case 'barrier':
        return list(stmt.kind);
    }
  };
  const stmtKey = (stmt: Stmt): number =>
    list('statement', headOf(stmt), ...ownExprs(stmt).map(exprKey), ...innerStmts(stmt).map(stmtKey));
  const params = list('params', ...kernel.params.map(bufferKey));
  const dims = list('dims', ...kernel.dims.map(numberOf));
  return list('kernel', params, dims, stmtKey(kernel.body));
}
