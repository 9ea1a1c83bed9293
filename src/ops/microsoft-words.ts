// Operators of ONNX Runtime's own domain on speech and words: DynamicTimeWarping, WordConvEmbedding.

import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  call,
  cast,
  constant,
  constantOf,
  indexVar,
  int,
  load,
  lt,
  max,
  mul,
  ne,
  reduce,
  select,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { simplify } from '../../ir/simplify.ts';
import { intAttribute } from './attributes.ts';
import { op } from './define.ts';
import { agreeing, checkAgreeing, checked, within } from './run-time-operands.ts';
import { differ, tensorOf, typeSet } from './types.ts';

const domain = 'com.microsoft';
const float = typeSet('F', ['float32']);
const read = (place: Buffer): Expr => load(place, []);
const back = (at: Expr): Expr => sub(at, int(1));

/**
 * cost[i, j] = the least cost of a path to (i, j), both counted from 1; trace says where its last step came from:
 * 0 from both, 1 from the row before, 2 from the column before, which also takes what is undecided.
 */
function fillCosts(input: Buffer, cost: Buffer, trace: Buffer): Stmt {
  const [rows, columns] = cost.shape.map((extent) => back(extent)) as [Expr, Expr];
  const [r, c] = [indexVar('r', rows), indexVar('c', columns)];
  const [clearRow, clearColumn] = cost.shape.map((extent, axis) => indexVar(`clear${axis}`, extent)) as [Expr, Expr];
  const [i, j] = [add(r, int(1)), add(c, int(1))];
  const [both, row, column] = [load(cost, [r, c]), load(cost, [r, j]), load(cost, [i, c])];
  const least = (a: Expr, b: Expr, other: Expr): Expr => and(lt(a, b), lt(a, other));
  const choose = (x: Expr, y: Expr, z: Expr): Expr =>
    select(least(both, row, column), x, select(least(row, both, column), y, z));
  const spread = input.shape.length === 3 ? [int(0), r, c] : [r, c];
  const far = constant(Number.POSITIVE_INFINITY, 'float32');
  const step = block([
    store(trace, [i, j], choose(...([0, 1, 2].map((from) => constant(from, 'int8')) as [Expr, Expr, Expr]))),
    store(cost, [i, j], add(choose(both, row, column), load(input, spread))),
  ]);
  return block([
    loops([clearRow as never, clearColumn as never], store(cost, [clearRow, clearColumn], far)),
    store(cost, [int(0), int(0)], constant(0, 'float32')),
    loops([c, r], step),
  ]);
}

/** Follows a path from the far corner, a statement at each of its points (from 0). */
function walkBack(trace: Buffer, i: Buffer, j: Buffer, visit: (i: Expr, j: Expr) => Stmt): Stmt {
  const from = variable('from', 'int8');
  const notFrom = (where: number): Expr => ne(from, constant(where, 'int8'));
  const turn = block([
    visit(back(read(i)), back(read(j))),
    letIn(
      from,
      load(trace, [read(i), read(j)]),
      block([ifThen(notFrom(2), store(i, [], back(read(i)))), ifThen(notFrom(1), store(j, [], back(read(j))))]),
    ),
  ]);
  return block([
    store(i, [], back(trace.shape[0]!)),
    store(j, [], back(trace.shape[1]!)),
    whileLoop(and(lt(int(0), read(i)), lt(int(0), read(j))), turn),
  ]);
}

/** The cheapest path through a matrix of costs, by steps to the next row, column, or both. */
export const DynamicTimeWarping = op('DynamicTimeWarping', {
  domain,
  inputs: ['input'],
  outputs: ['output', 'cost?', 'trace?'],
  room: 2,
  types: { input: float },
  type: ({ input }, _, context) => {
    const outer = constantOf(input.shape[0] ?? int(1)) ?? 1;
    if (input.rank !== 2 && (input.rank !== 3 || outer !== 1)) {
      context.fail('input must have the shape [M, N] or [1, M, N].');
    }
    const [rows, columns] = input.shape.slice(-2) as [Expr, Expr];
    const empty = [rows, columns].some((extent) => constantOf(extent) === 0);
    const length = empty ? int(0) : context.fresh('path', add(rows, columns));
    const work = [add(rows, int(1)), add(columns, int(1))];
    return [tensorOf('int32', [int(2), length]), tensorOf('float32', work), tensorOf('int8', work)];
  },
  kernel: ({ input }, [output, cost, trace], _, { sizes }) => {
    const register = (name: string): Buffer => ({ name, dtype: 'index', shape: [], memory: 'register' });
    const [i, j, count] = [register('i'), register('j'), register('count')];
    const length = output!.shape[1]!;
    if (length.kind !== 'var') return block([]);
    const step = (by: number): Stmt => store(count, [], add(read(count), int(by)));
    const write = (row: Expr, column: Expr): Stmt =>
      block([
        step(-1),
        store(output!, [int(0), read(count)], cast(row, 'int32')),
        store(output!, [int(1), read(count)], cast(column, 'int32')),
      ]);
    const body = block([
      ...(input.shape.length === 3 ? [checkAgreeing([[input.shape[0]!, int(1)]])] : []),
      fillCosts(input, cost!, trace!),
      store(count, [], int(0)),
      walkBack(trace!, i, j, () => step(1)),
      store(sizes!, [int(0)], cast(read(count), 'int64')),
      letIn(length, read(count), walkBack(trace!, i, j, write)),
    ]);
    return [i, j, count].reduceRight<Stmt>((inner, own) => allocate(own, inner), body);
  },
});

const characters = typeSet('T', ['int32']);
const weights = typeSet('T1', ['float32']);

/**
 * A vector for each word, which is a row of characters: the largest value of each filter that slides over the vectors of
 * its characters. A word ends behind its last character that is not 0; one without any is a vector of zeros.
 */
export const WordConvEmbedding = op('WordConvEmbedding', {
  domain,
  inputs: ['Sequence', 'W', 'B', 'C'],
  attributes: {
    char_embedding_size: intAttribute(-1),
    conv_window_size: intAttribute(-1),
    embedding_size: intAttribute(-1),
  },
  types: { Sequence: characters, W: weights, B: weights, C: weights },
  type: ({ Sequence, W, B, C }, attributes, context) => {
    const ranks = [Sequence, W, B, C].map(({ rank }) => rank);
    if (ranks.join() !== '2,4,1,2') context.fail(`the inputs have ranks ${ranks.join(', ')}; expected 2, 4, 1, 2.`);
    const agree = (given: number, extent: Expr, name: string): void => {
      if (given !== -1 && differ(int(given), extent)) context.fail(`${name} is ${given}, unlike the weights.`);
    };
    agree(attributes.embedding_size, W.shape[0]!, 'embedding_size');
    agree(attributes.conv_window_size, W.shape[2]!, 'conv_window_size');
    agree(attributes.char_embedding_size, C.shape[1]!, 'char_embedding_size');
    if (differ(W.shape[3]!, C.shape[1]!)) context.fail('W and C must have vectors of one length.');
    if (differ(W.shape[0]!, B.shape[0]!)) context.fail('B must have one entry for each filter.');
    if ((constantOf(W.shape[1]!) ?? 1) !== 1) context.fail('W must have the shape [filters, 1, window, vector].');
    return tensorOf('float32', [Sequence.shape[0]!, W.shape[0]!]);
  },
  compute: ({ Sequence, W, B, C }, _, [word, filter]) => {
    const [window, depth] = W.shape.slice(2) as [Expr, Expr];
    const longest = Sequence.shape[1]!;
    const isLetter = (at: Expr): Expr => lt(constant(0, 'int32'), Sequence.at(word!, at));
    const letter = indexVar('l', longest);
    const letters = reduce('sum', [letter], select(isLetter(letter), int(1), int(0)));
    const places = max(simplify(sub(letters, sub(window, int(1)))), int(1));
    const place = indexVar('p', max(simplify(sub(longest, sub(window, int(1)))), int(0)));
    const [k, e] = [indexVar('k', window), indexVar('e', depth)];
    const code = cast(Sequence.at(word!, add(place, k)), 'index');
    const pairs: readonly (readonly [Expr, Expr])[] = [
      [W.shape[0]!, B.shape[0]!],
      [depth, C.shape[1]!],
      [W.shape[1]!, int(1)],
    ];
    const vector = agreeing(pairs, checked(within(code, C.shape[0]!), C.at(code, e)));
    const sum = reduce('sum', [k, e], mul(vector, W.at(filter!, int(0), k, e)));
    const inside = select(lt(place, places), sum, constant(Number.NEGATIVE_INFINITY, 'float32'));
    const best = call('tanh', add(reduce('max', [place], inside), B.at(filter!)));
    const exists = select(simplify(lt(int(0), longest)), isLetter(int(0)), bool(false));
    return agreeing([[W.shape[0]!, B.shape[0]!]], select(exists, best, constant(0, 'float32')));
  },
});
