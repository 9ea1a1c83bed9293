// Rewrites a kernel so that it uses only element types that a printer knows.
//   y[i] = x[i] + 1        in float16
//   y[i] = encode(round(decode(x[i]) + 1))        x and y of uint16, the sum in float32
// Floats of 16 bits and fewer are computed in float32 and rounded after each operation; integers of 4 and 2 bits are
// computed in bytes. Arguments and shared memory hold codes, other local buffers hold the wider values. Elements
// smaller than a byte take a byte each: `pack.ts` converts at the edges of a program.

import type { DType } from '../dtype.ts';
import type { Binary, Cast, Expr, Reduce, Unary, Var } from '../expr.ts';
import { binary, bitcast, call, cast, constant, failure, IrError, load, reduce, select, unary } from '../expr-make.ts';
import { mapChildren } from '../expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../kernel.ts';
import { mapStmt } from '../kernel-walk.ts';
import { loadPacked, packedBuffer } from './load-packed.ts';
import { isExactIn, type Representation, representationOf } from './representation.ts';

export interface DTypeSupport {
  has(dtype: DType): boolean;
}

/** Results of these are values of the operands' type, whatever the operands. */
const exactUnary = new Set<Unary['op']>(['neg', 'abs', 'floor', 'ceil', 'trunc', 'rint']);
const exactBinary = new Set<Binary['op']>(['min', 'max', 'and', 'or', 'xor', 'shr', 'eq', 'ne', 'lt', 'le']);

/**
 * Buffers keep their order; those of types that the printer lacks hold codes. Arguments in `packed` are read as ONNX
 * packs them, element by element: no vectors, no stores (see `pack.ts`).
 */
export function legalizeKernel(
  kernel: Kernel,
  support: DTypeSupport,
  packed: ReadonlySet<Buffer> = new Set<Buffer>(),
): Kernel {
  const illegal = (dtype: DType): Representation | undefined =>
    support.has(dtype) ? undefined : representationOf(dtype);
  const legalizer = makeLegalizer(illegal, packed);
  return {
    ...kernel,
    params: kernel.params.map(legalizer.buffer),
    body: legalizer.stmt(kernel.body),
  };
}

interface Legalizer {
  buffer(buffer: Buffer): Buffer;
  stmt(stmt: Stmt): Stmt;
}

/** Which of the two forms a buffer's elements have. */
const holdsCodes = ({ memory }: Buffer): boolean => memory === 'argument' || memory === 'shared';

function makeLegalizer(illegal: (dtype: DType) => Representation | undefined, packed: ReadonlySet<Buffer>): Legalizer {
  const expressions = new Map<Expr, Expr>();
  const variables = new Map<Var, Var>();
  const buffers = new Map<Buffer, Buffer>();
  /** Rounded results, and what they were rounded from: storing needs only one of the two roundings. */
  const unrounded = new Map<Expr, Expr>();

  const rounded = (form: Representation, value: Expr): Expr => {
    const result = form.round(value);
    if (form.encodeRounds) unrounded.set(result, value);
    return result;
  };
  const encoded = (form: Representation, value: Expr): Expr => form.encode(unrounded.get(value) ?? value);

  const variable = (old: Var): Var => {
    const form = illegal(old.dtype);
    if (!form) return old;
    const made = variables.get(old) ?? { ...old, dtype: form.carrier };
    variables.set(old, made);
    return made;
  };
  const buffer = (old: Buffer): Buffer => {
    const form = illegal(old.dtype);
    if (!form) return old;
    const dtype = holdsCodes(old) ? form.storage : form.carrier;
    const made = buffers.get(old) ?? (packed.has(old) ? packedBuffer(old) : { ...old, dtype });
    buffers.set(old, made);
    return made;
  };

  const expr = (old: Expr): Expr => {
    const done = expressions.get(old);
    if (done) return done;
    const made = rewritten(old);
    expressions.set(old, made);
    return made;
  };

  function rewritten(old: Expr): Expr {
    const form = illegal(old.dtype);
    switch (old.kind) {
      case 'const':
        return form ? constant(form.constant(Number(old.value)), form.carrier) : old;
      case 'var':
        return variable(old);
      case 'unary':
        return form ? unaryOf(old, form) : mapChildren(old, expr);
      case 'binary':
        return binaryOf(old, form);
      case 'cast':
        return castOf(old, form);
      case 'load': {
        const indices = old.indices.map(expr);
        if (form && packed.has(old.buffer)) {
          return form.decode(loadPacked(form, old.buffer, buffer(old.buffer), indices));
        }
        const loaded = load(buffer(old.buffer), indices);
        return form && holdsCodes(old.buffer) ? form.decode(loaded) : loaded;
      }
      case 'reduce':
        return form ? reduceOf(old, form) : mapChildren(old, expr);
      case 'call':
        if (!form) return mapChildren(old, expr);
        if (old.callee === 'fail') return failure(old.code!, form.carrier, old.lanes);
        return rounded(form, call(old.callee, ...old.arguments.map(expr)));
      case 'select':
        return select(expr(old.condition), expr(old.whenTrue), expr(old.whenFalse));
      case 'ramp':
      case 'splat':
        return mapChildren(old, expr);
    }
  }

  function unaryOf(old: Unary, form: Representation): Expr {
    const result = unary(old.op, expr(old.value));
    return form.negates && exactUnary.has(old.op) ? result : rounded(form, result);
  }

  function binaryOf(old: Binary, form: Representation | undefined): Expr {
    const result = binary(old.op, expr(old.left), expr(old.right));
    return form && !exactBinary.has(old.op) ? rounded(form, result) : result;
  }

  function reduceOf(old: Reduce, form: Representation): Expr {
    return rounded(form, reduce(old.op, old.axes.map(variable), expr(old.body)));
  }

  function castOf(old: Cast, form: Representation | undefined): Expr {
    const from = illegal(old.value.dtype);
    const value = expr(old.value);
    if (old.bits) return bitsOf(old, value, from, form);
    if (!form) return cast(value, old.dtype);
    const wide = form.widen(value);
    return form.carrier !== 'float32' || isExactIn(old.value.dtype, old.dtype) ? wide : rounded(form, wide);
  }

  /** Reinterpreted codes. Those of four or two bits live in bytes, whose other bits must become what the type wants. */
  function bitsOf(old: Cast, value: Expr, from: Representation | undefined, to: Representation | undefined): Expr {
    const code = from ? encoded(from, value) : value;
    if (!to) return bitcast(code, old.dtype);
    return to.decode(to.trim(bitcast(code, to.storage)));
  }

  const stmt = (old: Stmt): Stmt => {
    switch (old.kind) {
      case 'store': {
        const form = illegal(old.buffer.dtype);
        if (packed.has(old.buffer)) throw new IrError(`store to ${old.buffer.name}, which is packed`);
        const value = expr(old.value);
        const stored = form && holdsCodes(old.buffer) ? encoded(form, value) : value;
        return { ...old, buffer: buffer(old.buffer), indices: old.indices.map(expr), value: stored };
      }
      case 'let':
        return { ...old, variable: variable(old.variable), value: expr(old.value), body: stmt(old.body) };
      case 'alloc':
        return { ...old, buffer: buffer(old.buffer), body: stmt(old.body) };
      default:
        return mapStmt(old, stmt, expr);
    }
  };
  return { buffer, stmt };
}
