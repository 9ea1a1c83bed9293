// From the scores of pairs of classes to the probability of each class, as support vector classifiers have it: Platt's
// sigmoid for each pair, then the coupling of Wu, Lin and Weng ("Probability estimates for multi-class classification by
// pairwise coupling", 2004, the second method), which minimizes pᵀQp over the probabilities p by turns of one class.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  bool,
  call,
  constant,
  constantOf,
  div,
  eq,
  indexVar,
  int,
  load,
  lt,
  max,
  min,
  mul,
  neg,
  select,
  sub,
  unary,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loop, loops, store } from '../../ir/kernel-walk.ts';
import { requiredInt } from './attributes.ts';
import { op } from './define.ts';
import { tensorOf, typeSet } from './types.ts';

const float = typeSet('T', ['float32']);
const real = (value: number): Expr => constant(value, 'float32');
const mostTurns = 100;

/** Q from the probabilities r of pairs: Q[t, t] = sum of r[j, t]², Q[t, j] = -r[j, t] r[t, j]. */
function fillQ(pairs: Buffer, Q: Buffer, n: Expr, classes: number): Stmt {
  const [t, j, u] = [indexVar('t', classes), indexVar('j', classes), indexVar('u', classes)];
  const r = (a: Expr, b: Expr): Expr => load(pairs, [n, a, b]);
  const square = mul(r(j, t), r(j, t));
  const diagonal = block([
    store(Q, [t, t], real(0)),
    loop(j, ifThen(eq(j, t), block([]), store(Q, [t, t], add(load(Q, [t, t]), square)))),
  ]);
  const others = loop(u, ifThen(eq(u, t), block([]), store(Q, [t, u], neg(mul(r(u, t), r(t, u))))));
  return loop(t, block([diagonal, others]));
}

/** Qp = Q p, and total = pᵀQp. */
function multiply(Q: Buffer, Qp: Buffer, p: (at: Expr) => Expr, total: Buffer, classes: number): Stmt {
  const [t, j] = [indexVar('t', classes), indexVar('j', classes)];
  return block([
    store(total, [], real(0)),
    loop(
      t,
      block([
        store(Qp, [t], real(0)),
        loop(j, store(Qp, [t], add(load(Qp, [t]), mul(load(Q, [t, j]), p(j))))),
        store(total, [], add(load(total, []), mul(p(t), load(Qp, [t])))),
      ]),
    ),
  ]);
}

/** error = the largest difference of an entry of Qp from pᵀQp: none where p is the minimum. */
function measure(Qp: Buffer, total: Buffer, error: Buffer, classes: number): Stmt {
  const t = indexVar('t', classes);
  const distance = unary('abs', sub(load(Qp, [t]), load(total, [])));
  return block([store(error, [], real(0)), loop(t, store(error, [], max(load(error, []), distance)))]);
}

/** One class after the other moves to where the sum is least, and all are scaled to sum to 1 again. */
function improve(Q: Buffer, Qp: Buffer, Y: Buffer, n: Expr, total: Buffer, classes: number): Stmt {
  const [t, j] = [indexVar('t', classes), indexVar('j', classes)];
  const step = variable('step', 'float32');
  const sum = load(total, []);
  const scale = add(real(1), step);
  const own = load(Q, [t, t]);
  const moved = add(sum, mul(step, add(mul(step, own), mul(real(2), load(Qp, [t])))));
  const body = block([
    store(Y, [n, t], add(load(Y, [n, t]), step)),
    store(total, [], div(div(moved, scale), scale)),
    loop(
      j,
      block([
        store(Qp, [j], div(add(load(Qp, [j]), mul(step, load(Q, [t, j]))), scale)),
        store(Y, [n, j], div(load(Y, [n, j]), scale)),
      ]),
    ),
  ]);
  return loop(t, letIn(step, div(sub(sum, load(Qp, [t])), own), body));
}

/** The probabilities of the classes [N, K] from those of pairs [N, K, K]; the other outputs are memory to work in. */
export const PairwiseCoupling = op('PairwiseCoupling', {
  domain: 'lapidary',
  inputs: ['pairs'],
  outputs: ['Y', 'Q', 'Qp'],
  types: { pairs: float },
  type: ({ pairs }) => {
    const [rows, classes] = pairs.shape as [Expr, Expr];
    return [
      tensorOf('float32', [rows, classes]),
      tensorOf('float32', [classes, classes]),
      tensorOf('float32', [classes]),
    ];
  },
  kernel: ({ pairs }, outputs) => {
    const [Y, Q, Qp] = outputs as [Buffer, Buffer, Buffer];
    const classes = constantOf(Y.shape[1]!)!;
    const register = (name: string): Buffer => ({ name, dtype: 'float32', shape: [], memory: 'register' });
    const [total, error] = [register('total'), register('error')];
    const going: Buffer = { name: 'going', dtype: 'bool', shape: [], memory: 'register' };
    const n = indexVar('n', Y.shape[0]!);
    const [start, turn] = [indexVar('start', classes), indexVar('turn', mostTurns)];
    const p = (at: Expr): Expr => load(Y, [n, at]);
    const body = block([
      multiply(Q, Qp, p, total, classes),
      measure(Qp, total, error, classes),
      ifThen(
        lt(load(error, []), real(0.005 / classes)),
        store(going, [], bool(false)),
        improve(Q, Qp, Y, n, total, classes),
      ),
    ]);
    const row = block([
      fillQ(pairs, Q, n, classes),
      loop(start, store(Y, [n, start], real(1 / classes))),
      store(going, [], bool(true)),
      loop(turn, ifThen(load(going, []), body)),
    ]);
    return loops([n], allocate(total, allocate(error, allocate(going, row))));
  },
});

/** r[n, i, j]: the probability of class i among the classes i and j, from the pair's score, its slope and its offset. */
export const PairProbabilities = op('PairProbabilities', {
  domain: 'lapidary',
  inputs: ['scores', 'slopes', 'offsets'],
  attributes: { classes: requiredInt },
  types: { scores: float, slopes: float, offsets: float },
  type: ({ scores }, { classes }) => tensorOf('float32', [scores.shape[0]!, int(classes), int(classes)]),
  compute: ({ scores, slopes, offsets }, { classes }, [n, i, j]) => {
    const [low, high] = [min(i!, j!), max(i!, j!)];
    // The pairs before those of class `low`, then those of it.
    const before = sub(mul(low, int(classes)), div(mul(low, add(low, int(1))), int(2)));
    const pair = add(before, sub(sub(high, low), int(1)));
    const value = add(mul(scores.at(n!, pair), slopes.at(pair)), offsets.at(pair));
    const clamped = min(max(sub(real(1), call('sigmoid', value)), real(1e-7)), real(1 - 1e-7));
    const own = select(lt(i!, j!), clamped, sub(real(1), clamped));
    return select(eq(i!, j!), real(0), own);
  },
});
