// Gives each lane its own partial result of a reduction along the contiguous axis, and joins them at the end.
//   acc = 0; for k { acc = acc + x[k] }
//     →   alloc part[f] = 0; for k.o < n / f { for k.i < f { part[k.i] = part[k.i] + x[k.o * f + k.i] } };
//         acc = acc + (part[0] + part[1] + …); for the rest of k { acc = acc + x[k] }
// f = chains * lanes; the lanes' loop is `${name}.v` inside `${name}.i`. The order of a sum changes: only for operations
// whose order does not matter, or where the caller may reorder sums (`anyOrder`).

import { type DType, integerRange, isFloat } from '../../ir/dtype.ts';
import type { BinaryOp, Expr } from '../../ir/expr.ts';
import { sameExpr } from '../../ir/expr-key.ts';
import { add, binary, constant, constantOf, div, int, load, mul, not, sub } from '../../ir/expr-make.ts';
import { loadsOf } from '../../ir/expr-walk.ts';
import type { Buffer, Loop, Stmt, Store } from '../../ir/kernel.ts';
import { allocate, store } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import {
  aroundBody,
  blockOf,
  instantiate,
  makeLoop,
  onLoops,
  perfectNest,
  ScheduleError,
  type Step,
  statementsOf,
} from './step.ts';

export interface LaneOptions {
  readonly lanes: number;
  /** Independent partial results, each `lanes` wide. */
  readonly chains: number;
  /** Sums of floats may be reordered. */
  readonly anyOrder: boolean;
}

/** `outermost` is the first loop of the reduction; the lanes run along its innermost loop, `innermost`. */
export const accumulateOverLanes =
  (outermost: string, innermost: string, options: LaneOptions): Step =>
  (kernel) =>
    onLoops(kernel, outermost, (stmt) => {
      const { loops, body } = perfectNest(stmt);
      const last = loops.findIndex((inner) => inner.index.name === innermost);
      if (last < 0 || last !== loops.length - 1) throw new ScheduleError(`loop ${innermost} is not the innermost`);
      const updates = statementsOf(body).map((part) => updateOf(part, options));
      return widen(loops.slice(0, -1), loops[last]!, updates, options);
    });

/** acc = acc op value */
interface Update {
  readonly target: Store;
  readonly op: BinaryOp;
  readonly value: Expr;
}

const associative: ReadonlySet<BinaryOp> = new Set<BinaryOp>(['add', 'mul', 'min', 'max', 'and', 'or', 'xor']);

function updateOf(stmt: Stmt, { anyOrder }: LaneOptions): Update {
  const update = stmt.kind === 'store' ? readUpdate(stmt) : undefined;
  if (!update) throw new ScheduleError('not a reduction into an accumulator');
  const isSum = update.op === 'add' || update.op === 'mul';
  if (isSum && isFloat(update.target.buffer.dtype) && !anyOrder) throw new ScheduleError('a sum must keep its order');
  return update;
}

/** The update that a store makes of a register, if it is one. */
export function readUpdate(target: Store): Update | undefined {
  const { value, buffer } = target;
  if (buffer.memory !== 'register' || value.kind !== 'binary' || !associative.has(value.op)) return undefined;
  const isOwn = (expr: Expr): boolean =>
    expr.kind === 'load' && expr.buffer === buffer && expr.indices.every((at, i) => sameExpr(at, target.indices[i]!));
  if (isOwn(value.left) && !mentions(value.right, buffer)) return { target, op: value.op, value: value.right };
  if (isOwn(value.right) && !mentions(value.left, buffer)) return { target, op: value.op, value: value.left };
  return undefined;
}

const mentions = (expr: Expr, buffer: Buffer): boolean => loadsOf(expr).some((access) => access.buffer === buffer);

/** What leaves the other operand as it is. */
function identityOf(op: BinaryOp, dtype: DType): Expr {
  if (op === 'mul') return constant(1, dtype);
  if (op === 'and') return dtype === 'bool' ? constant(1, dtype) : not(constant(0, dtype));
  if (op !== 'min' && op !== 'max') return constant(0, dtype);
  const sign = op === 'min' ? 1 : -1;
  if (isFloat(dtype)) return constant(sign * Number.POSITIVE_INFINITY, dtype);
  const { min, max } = integerRange(dtype);
  return constant(op === 'min' ? max : min, dtype);
}

function widen(outer: readonly Loop[], inner: Loop, updates: readonly Update[], options: LaneOptions): Stmt {
  const { lanes, chains } = options;
  const count = simplify(inner.extent);
  const known = constantOf(count);
  if (known !== undefined && known < lanes) throw new ScheduleError(`${inner.index.name} is shorter than a vector`);
  const parts = updates.map(({ target }, i): Buffer => {
    const { name, dtype } = target.buffer;
    return { name: `${name}_part${i || ''}`, dtype, shape: [int(chains), int(lanes)], memory: 'register' };
  });
  const update = (at: (lane: readonly Expr[]) => Expr, width: number): Stmt =>
    overLanes(inner.index.name, width, lanes, (own) =>
      instantiate(
        blockOf(updates.map(({ op, value }, i) => store(parts[i]!, own, binary(op, load(parts[i]!, own), value)))),
        new Map([[inner.index, at(own)]]),
      ),
    );
  const name = inner.index.name;
  const step = int(lanes * chains);
  const whole = mul(div(count, step), step);
  const main = makeLoop(`${name}.o`, simplify(div(count, step)), (o) =>
    update(([c, v]) => add(mul(o, step), add(mul(c!, int(lanes)), v!)), chains),
  );
  const left = simplify(div(sub(count, whole), int(lanes)));
  const more = makeLoop(`${name}.o`, left, (o) => update(([, v]) => add(whole, add(mul(o, int(lanes)), v!)), 1));
  const start = simplify(mul(div(count, int(lanes)), int(lanes)));
  const tail = makeLoop(`${name}.r`, simplify(sub(count, start)), (r) =>
    instantiate(blockOf(updates.map(({ target }) => target)), new Map([[inner.index, add(start, r)]])),
  );
  const identities = updates.map(({ op, target }, i) =>
    overLanes(name, chains, lanes, (own) => store(parts[i]!, own, identityOf(op, target.buffer.dtype))),
  );
  const joined = updates.map((own, i) => join(own, parts[i]!, name, options));
  const body = blockOf([...identities, aroundBody(outer, blockOf([main, more].filter(isWork))), ...joined]);
  const allocated = parts.reduceRight<Stmt>((rest, part) => allocate(part, rest), body);
  return blockOf(isWork(tail) ? [allocated, instantiate(aroundBody(outer, tail))] : [allocated]);
}

const isWork = (stmt: Stmt): boolean => stmt.kind !== 'block' || stmt.body.length > 0;

const overLanes = (name: string, chains: number, lanes: number, body: (own: readonly Expr[]) => Stmt): Stmt =>
  makeLoop(`${name}.c`, int(chains), (c) => makeLoop(`${name}.v`, int(lanes), (v) => body([c, v])));

/** The chains joined lane by lane, the lanes through a local array, pairs first. */
function join({ op, target }: Update, part: Buffer, name: string, { lanes, chains }: LaneOptions): Stmt {
  const sums: Buffer = { ...part, name: `${part.name}_lanes`, shape: [int(lanes)], memory: 'stack' };
  const lane = makeLoop(`${name}.v`, int(lanes), (v) => {
    const each = Array.from({ length: chains }, (_, c) => load(part, [int(c), v]));
    return store(sums, [v], pairwise(op, each));
  });
  const each = Array.from({ length: lanes }, (_, v) => load(sums, [int(v)]));
  const total = binary(op, load(target.buffer, target.indices), pairwise(op, each));
  return allocate(sums, blockOf([lane, store(target.buffer, target.indices, total)]));
}

function pairwise(op: BinaryOp, values: readonly Expr[]): Expr {
  if (values.length === 1) return values[0]!;
  const half = values.length >> 1;
  return binary(op, pairwise(op, values.slice(0, half)), pairwise(op, values.slice(half)));
}
