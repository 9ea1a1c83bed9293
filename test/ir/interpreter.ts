// A slow and simple interpreter of kernels, written from the rules in `ir/expr.ts` alone, to check the evaluator with.
// Integers and bool are bigint, floats number; a value is the array of its lanes. Nothing is computed ahead.

import type { DType } from '../../ir/dtype.ts';
import type { BinaryOp, Expr, UnaryOp, Var } from '../../ir/expr.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';

export type Element = bigint | number;
type Lanes = readonly Element[];

export interface Run {
  readonly arrays: Map<Buffer, Element[]>;
  readonly vars: Map<Var, Lanes>;
  failed: boolean;
}

const widths: Partial<Record<DType, readonly [bits: number, signed: boolean]>> = {
  int8: [8, true],
  int16: [16, true],
  int32: [32, true],
  int64: [64, true],
  uint8: [8, false],
  uint16: [16, false],
  uint32: [32, false],
  uint64: [64, false],
  index: [64, true],
};
const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';
const least = (dtype: DType): bigint => (widths[dtype]![1] ? -(1n << BigInt(widths[dtype]![0] - 1)) : 0n);
const greatest = (dtype: DType): bigint => least(dtype) + (1n << BigInt(widths[dtype]![0])) - 1n;

/** The residue within the type's range. */
function wrap(dtype: DType, value: bigint): bigint {
  if (dtype === 'bool') return value === 0n ? 0n : 1n;
  const size = 1n << BigInt(widths[dtype]![0]);
  const rest = ((value % size) + size) % size;
  return rest > greatest(dtype) ? rest - size : rest;
}

const round = (dtype: DType, value: number): number => (dtype === 'float32' ? Math.fround(value) : value);

/** The float32 nearest to an integer, ties to even, found among neighbours. */
function nearestFloat32(value: bigint): number {
  const bits = new Int32Array(1);
  const floats = new Float32Array(bits.buffer);
  floats[0] = Number(value);
  const start = bits[0]!;
  const candidates = [start - 1, start, start + 1].map((pattern) => {
    bits[0] = pattern;
    return { value: floats[0]!, even: pattern % 2 === 0 };
  });
  const distance = (x: number): bigint => {
    const difference = BigInt(x) - value;
    return difference < 0n ? -difference : difference;
  };
  const finite = candidates.filter((candidate) => Number.isInteger(candidate.value));
  finite.sort((a, b) => {
    const [one, other] = [distance(a.value), distance(b.value)];
    return one === other ? Number(b.even) - Number(a.even) : one < other ? -1 : 1;
  });
  return value === 0n ? 0 : finite[0]!.value;
}

function castElement(to: DType, from: DType, value: Element): Element {
  if (to === from) return value;
  if (to === 'bool') return value === 0 || value === 0n ? 0n : 1n;
  if (typeof value === 'bigint') {
    if (!isFloat(to)) return wrap(to, value);
    return to === 'float32' ? nearestFloat32(value) : Number(value);
  }
  if (isFloat(to)) return round(to, value);
  if (Number.isNaN(value)) return 0n;
  if (!Number.isFinite(value)) return value < 0 ? least(to) : greatest(to);
  const whole = BigInt(Math.trunc(value));
  return whole < least(to) ? least(to) : whole > greatest(to) ? greatest(to) : whole;
}

function reinterpret(to: DType, from: DType, value: Element): Element {
  const view = new DataView(new ArrayBuffer(8));
  if (from === 'float32') view.setFloat32(0, Number(value), true);
  else if (from === 'float64') view.setFloat64(0, Number(value), true);
  else view.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
  if (to === 'float32') return view.getFloat32(0, true);
  if (to === 'float64') return view.getFloat64(0, true);
  return wrap(to, view.getBigInt64(0, true));
}

function unaryElement(op: UnaryOp, dtype: DType, value: Element): Element {
  if (typeof value === 'bigint') {
    if (dtype === 'bool') return op === 'not' ? 1n - value : value;
    if (op === 'neg') return wrap(dtype, -value);
    if (op === 'abs') return wrap(dtype, value < 0n ? -value : value);
    if (op === 'not') return wrap(dtype, -value - 1n);
    return value;
  }
  if (op === 'rint') {
    const below = Math.floor(value);
    const rest = value - below;
    if (!(rest > 0)) return value;
    const result = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
    return result === 0 && value < 0 ? -0 : result;
  }
  const functions = { neg: (x: number) => -x, not: () => Number.NaN };
  const apply = op === 'neg' || op === 'not' ? functions[op] : Math[op];
  return round(dtype, apply(value));
}

function floatElement(op: BinaryOp, dtype: DType, a: number, b: number): Element {
  switch (op) {
    case 'add':
      return round(dtype, a + b);
    case 'sub':
      return round(dtype, a - b);
    case 'mul':
      return round(dtype, a * b);
    case 'div':
      return round(dtype, a / b);
    case 'min':
      return Number.isNaN(a + b) && (Number.isNaN(a) || Number.isNaN(b)) ? Number.NaN : Math.min(a, b);
    case 'max':
      return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
    default:
      throw new Error(`${op} of floats`);
  }
}

function integerElement(op: BinaryOp, dtype: DType, a: bigint, b: bigint): bigint {
  const width = BigInt(widths[dtype]?.[0] ?? 1);
  const outside = b < 0n || b >= width;
  const results: Partial<Record<BinaryOp, () => bigint>> = {
    add: () => a + b,
    sub: () => a - b,
    mul: () => a * b,
    div: () => a / b,
    mod: () => a % b,
    min: () => (a < b ? a : b),
    max: () => (a < b ? b : a),
    and: () => a & b,
    or: () => a | b,
    xor: () => a ^ b,
    shl: () => (outside ? 0n : a * 2n ** b),
    shr: () => (outside ? (a < 0n ? -1n : 0n) : a >> b),
  };
  return wrap(dtype, results[op]!());
}

function binaryElement(op: BinaryOp, dtype: DType, a: Element, b: Element): Element {
  if (op === 'eq') return a === b ? 1n : 0n;
  if (op === 'ne') return a !== b ? 1n : 0n;
  if (op === 'lt') return a < b ? 1n : 0n;
  if (op === 'le') return a <= b ? 1n : 0n;
  if (typeof a === 'number' && typeof b === 'number') return floatElement(op, dtype, a, b);
  return integerElement(op, dtype, BigInt(a), BigInt(b));
}

const addressOf = (run: Run, buffer: Buffer, indices: readonly Expr[]): number[] => {
  const extents = buffer.shape.map((extent) => Number(evaluate(run, extent)[0]));
  const places = indices.map((index) => evaluate(run, index).map(Number));
  const lanes = Math.max(1, ...places.map((place) => place.length));
  return Array.from({ length: lanes }, (_, lane) =>
    places.reduce((address, place, axis) => {
      const at = place.length === 1 ? place[0]! : place[lane]!;
      if (!(at >= 0 && at < extents[axis]!)) throw new Error(`index ${at} of ${buffer.name} is out of bounds`);
      return address * extents[axis]! + at;
    }, 0),
  );
};

/** The places of a load or store in the array of the buffer. */
function placesOf(run: Run, buffer: Buffer, indices: readonly Expr[]): number[] {
  const lanes = buffer.lanes ?? 1;
  const addresses = addressOf(run, buffer, indices);
  return lanes === 1 ? addresses : Array.from({ length: lanes }, (_, lane) => addresses[0]! * lanes + lane);
}

export function evaluate(run: Run, expr: Expr): Lanes {
  const lanes = <T>(make: (lane: number) => T): T[] => Array.from({ length: expr.lanes }, (_, lane) => make(lane));
  switch (expr.kind) {
    case 'const':
      return [isFloat(expr.dtype) ? Number(expr.value) : BigInt(expr.value)];
    case 'var':
      return run.vars.get(expr)!;
    case 'unary': {
      const value = evaluate(run, expr.value);
      return value.map((element) => unaryElement(expr.op, expr.dtype, element));
    }
    case 'binary': {
      const left = evaluate(run, expr.left);
      const right = evaluate(run, expr.right);
      return left.map((element, lane) => binaryElement(expr.op, expr.left.dtype, element, right[lane]!));
    }
    case 'cast': {
      const change = expr.bits ? reinterpret : castElement;
      return evaluate(run, expr.value).map((element) => change(expr.dtype, expr.value.dtype, element));
    }
    case 'splat': {
      const [value] = evaluate(run, expr.value);
      return lanes(() => value!);
    }
    case 'ramp': {
      const [base] = evaluate(run, expr.base);
      return lanes((lane) => BigInt(base!) + BigInt(lane * expr.stride));
    }
    case 'load': {
      const array = run.arrays.get(expr.buffer)!;
      return placesOf(run, expr.buffer, expr.indices).map((place) => array[place]!);
    }
    case 'select': {
      const condition = evaluate(run, expr.condition);
      const branch = (taken: boolean): Lanes => evaluate(run, taken ? expr.whenTrue : expr.whenFalse);
      if (condition.every((element) => element === condition[0])) return branch(condition[0] === 1n);
      const [whenTrue, whenFalse] = [branch(true), branch(false)];
      return lanes((lane) => (condition[lane] === 1n ? whenTrue : whenFalse)[lane]!);
    }
    case 'call':
      if (expr.callee !== 'fail') throw new Error(`${expr.callee} is not interpreted`);
      run.failed = true;
      return lanes(() => (isFloat(expr.dtype) ? 0 : 0n));
    case 'reduce':
      throw new Error('a Reduce is not interpreted');
  }
}

function execute(run: Run, stmt: Stmt): void {
  switch (stmt.kind) {
    case 'block':
      for (const child of stmt.body) execute(run, child);
      return;
    case 'loop': {
      const count = Number(evaluate(run, stmt.extent)[0]);
      for (let turn = 0; turn < count; turn++) {
        run.vars.set(stmt.index, [BigInt(turn)]);
        execute(run, stmt.body);
      }
      return;
    }
    case 'while':
      while (evaluate(run, stmt.condition)[0] === 1n) execute(run, stmt.body);
      return;
    case 'let':
      run.vars.set(stmt.variable, evaluate(run, stmt.value));
      execute(run, stmt.body);
      return;
    case 'if':
      if (evaluate(run, stmt.condition)[0] === 1n) execute(run, stmt.then);
      else if (stmt.otherwise) execute(run, stmt.otherwise);
      return;
    case 'alloc': {
      run.arrays.set(stmt.buffer, []);
      execute(run, stmt.body);
      return;
    }
    case 'store': {
      const value = evaluate(run, stmt.value);
      const array = run.arrays.get(stmt.buffer)!;
      placesOf(run, stmt.buffer, stmt.indices).forEach((place, lane) => {
        array[place] = value[lane]!;
      });
      return;
    }
    case 'barrier':
      return;
    case 'check':
      throw new Error('a Check is not interpreted');
  }
}

/** Runs over arrays that stand for the params, and writes to them; true if nothing failed. */
export function interpret(kernel: Kernel, arrays: readonly Element[][], dims: readonly bigint[] = []): boolean {
  const run: Run = { arrays: new Map(), vars: new Map(), failed: false };
  kernel.params.forEach((param, i) => {
    run.arrays.set(param, arrays[i]!);
  });
  kernel.dims.forEach((dim, i) => {
    run.vars.set(dim, [dims[i]!]);
  });
  execute(run, kernel.body);
  return !run.failed;
}
