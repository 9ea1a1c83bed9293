// AttnLSTM (com.microsoft): an LSTM that reads, beside its input, what its last output drew from a memory (Bahdanau's
// attention).
//   weight of a memory step = softmax over the steps of: sum of V * tanh(M MW + H QW)
//   context = the weighted sum of the memory;  attention = context, or (H, context) AW

import type { Expr } from '../../ir/expr.ts';
import { add, constantOf, int, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { accumulatorType } from './accumulate.ts';
import { Add, Mul } from './arithmetic.ts';
import { intAttribute } from './attributes.ts';
import { castTo, scalarLike, tensorTypeOf } from './compose.ts';
import { type Builder, type Operand, op, type TypeContext } from './define.ts';
import { Less, Where } from './logic.ts';
import { shaped } from './loop-body.ts';
import { MatMul } from './matmul.ts';
import {
  type Cell,
  type Direction,
  expandRecurrent,
  recurrentAttributes,
  recurrentTypes,
  recurrentTypesOf,
} from './recurrent.ts';
import { activationsOf } from './recurrent-activations.ts';
import { functionsOf, lstmCell } from './recurrent-cells.ts';
import { ReduceSum } from './reductions.ts';
import { Unsqueeze } from './reshape.ts';
import { TakeSlice } from './scan.ts';
import { Range } from './sizes.ts';
import { Slice } from './slice.ts';
import { Softmax } from './softmax.ts';
import { Transpose } from './transpose.ts';
import { anyFloat, differ, typeSet } from './types.ts';
import { Tanh } from './unary.ts';

interface Memory<T> {
  readonly QW: T | undefined;
  readonly MW: T | undefined;
  readonly V: T | undefined;
  readonly M: T | undefined;
  readonly memory_seq_lens: T | undefined;
  readonly AW: T | undefined;
}

/** The width of the attention, which W has columns for behind those of the input. */
const attentionWidth = ({ M, AW }: { readonly M: readonly Expr[]; readonly AW: readonly Expr[] | undefined }): Expr =>
  AW ? AW[2]! : M[2]!;

const { layout: _, ...attributes } = recurrentAttributes;

function checkMemory(memory: Memory<Operand>, hidden: Expr, batch: Expr, context: TypeContext): Expr {
  const { QW, MW, V, M, memory_seq_lens, AW } = memory;
  if (!QW || !MW || !V || !M) return context.fail('needs QW, MW, V and M: the attention that it is named after.');
  for (const [name, { rank }, expected] of [
    ['QW', QW, 3],
    ['MW', MW, 3],
    ['V', V, 2],
    ['M', M, 3],
  ] as const) {
    if (rank !== expected) context.fail(`${name} has rank ${rank}; expected ${expected}.`);
  }
  if (AW && AW.rank !== 3) context.fail(`AW has rank ${AW.rank}; expected 3.`);
  const depth = M.shape[2]!;
  const pairs: readonly (readonly [string, Expr, Expr])[] = [
    ['M must have one memory for each batch', M.shape[0]!, batch],
    ['QW must have a row for each element of the state', QW.shape[1]!, hidden],
    ['MW must have a row for each element of the memory', MW.shape[1]!, depth],
    ['MW and QW must be as wide as each other', MW.shape[2]!, QW.shape[2]!],
    ['V must be as wide as QW', V.shape[1]!, QW.shape[2]!],
    ...(AW ? ([['AW must have rows for state and memory', AW.shape[1]!, add(hidden, depth)]] as const) : []),
    ...(memory_seq_lens
      ? ([['memory_seq_lens must have one entry for each batch', memory_seq_lens.shape[0]!, batch]] as const)
      : []),
  ];
  for (const [rule, a, b] of pairs) if (differ(a, b)) context.fail(`${rule}.`);
  return attentionWidth({ M: M.shape, AW: AW?.shape });
}

interface Attention {
  readonly width: Expr;
  /** From a state [B, H]: what is read along with the next input. */
  read(H: Value): Value;
}

const part = (g: Builder, value: Value, axis: number, from: Expr, to: Expr): Value =>
  g.apply(Slice, [value, g.sizes([from]), g.sizes([to]), g.ints([axis])]);

/** One direction's attention. What does not depend on the state is computed once. */
function attentionOf(g: Builder, memory: Memory<Value>, hidden: Expr, position: number, like: Value): Attention {
  const wide = tensorTypeOf(like).dtype;
  const own = (value: Value): Value => castTo(g, g.apply(TakeSlice, [value, g.scalar(position, 'int64')]), wide);
  const M = castTo(g, memory.M!, wide);
  const [batch, steps, depth] = tensorTypeOf(M).shape as [Expr, Expr, Expr];
  const keys = g.apply(MatMul, [M, own(memory.MW!)]);
  const [query, V] = [own(memory.QW!), own(memory.V!)];
  const lengths = memory.memory_seq_lens && castTo(g, shaped(g, memory.memory_seq_lens, [batch]), 'int64');
  const places =
    lengths &&
    g.apply(Range, [
      g.scalar(0, 'int64'),
      g.apply(TakeSlice, [g.sizes([steps]), g.scalar(0, 'int64')]),
      g.scalar(1, 'int64'),
    ]);
  const inside = lengths && g.apply(Less, [places!, g.apply(Unsqueeze, [lengths, g.ints([1])])]);
  const AW = memory.AW && own(memory.AW);
  const read = (H: Value): Value => {
    const asked = g.apply(Unsqueeze, [g.apply(MatMul, [H, query]), g.ints([1])]);
    const terms = g.apply(Mul, [g.apply(Tanh, [g.apply(Add, [keys, asked])]), V]);
    const scores = g.apply(ReduceSum, [terms, g.ints([2])], { keepdims: 0 });
    const masked = inside ? g.apply(Where, [inside, scores, scalarLike(g, scores, Number.NEGATIVE_INFINITY)]) : scores;
    const weights = g.apply(Unsqueeze, [g.apply(Softmax, [masked], { axis: 1 }), g.ints([1])]);
    const context = g.apply(TakeSlice, [
      g.apply(Transpose, [g.apply(MatMul, [weights, M])], { perm: [1, 0, 2] }),
      g.scalar(0, 'int64'),
    ]);
    if (!AW) return context;
    const fromState = g.apply(MatMul, [H, part(g, AW, 0, int(0), hidden)]);
    return g.apply(Add, [fromState, g.apply(MatMul, [context, part(g, AW, 0, hidden, add(hidden, depth))])]);
  };
  return { width: attentionWidth({ M: [batch, steps, depth], AW: memory.AW && tensorTypeOf(memory.AW).shape }), read };
}

/** The cell of an LSTM with the attention as one more state. W holds the columns for it, transposed. */
function attentiveCell(g: Builder, inner: Cell, attention: Attention, W: Value): Cell {
  return {
    bias: inner.bias,
    inner: [attention.width],
    step: (projected, [H, C, A]) => {
      const sums = A ? g.apply(Add, [projected, g.apply(MatMul, [A, W])]) : projected;
      const [next, cell] = inner.step(sums, [H, C]);
      return [next!, cell!, attention.read(next!)];
    },
  };
}

export const AttnLSTM = op('AttnLSTM', {
  domain: 'com.microsoft',
  inputs: [
    ...(['X', 'W', 'R', 'B?', 'sequence_lens?', 'initial_h?', 'initial_c?', 'P?'] as const),
    ...(['QW?', 'MW?', 'V?', 'M?', 'memory_seq_lens?', 'AW?'] as const),
  ],
  outputs: ['Y?', 'Y_h?', 'Y_c?'],
  attributes: { ...attributes, input_forget: intAttribute(0) },
  types: {
    ...recurrentTypes,
    initial_c: anyFloat,
    P: anyFloat,
    QW: anyFloat,
    MW: anyFloat,
    V: anyFloat,
    M: anyFloat,
    memory_seq_lens: typeSet('T1', ['int32']),
    AW: anyFloat,
  },
  type: ({ QW, MW, V, M, memory_seq_lens, AW, ...operands }, given, context) => {
    const { X, W, R } = operands;
    for (const [name, { rank }] of Object.entries({ X, W, R })) {
      if (rank !== 3) context.fail(`${name} has rank ${rank}; expected 3.`);
    }
    const width = checkMemory({ QW, MW, V, M, memory_seq_lens, AW }, R.shape[2]!, X.shape[1]!, context);
    if (constantOf(width) === undefined) context.fail('the width of the attention must be known at compile time.');
    const narrow = { ...W, shape: [...W.shape.slice(0, 2), sub(W.shape[2]!, width)] };
    const counts = { gates: 4, functions: 3, states: 2 };
    return recurrentTypesOf({ ...operands, W: narrow }, { ...given, layout: 0 }, counts, context);
  },
  expand: ({ QW, MW, V, M, memory_seq_lens, AW, W, initial_h, initial_c, ...given }, own, g) => {
    const hidden = tensorTypeOf(given.R).shape[2]!;
    const [, rows, columns] = tensorTypeOf(W).shape as [Expr, Expr, Expr];
    const width = attentionWidth({ M: tensorTypeOf(M!).shape, AW: AW && tensorTypeOf(AW).shape });
    const split = sub(columns, width);
    const functions = activationsOf(own, ['Sigmoid', 'Tanh', 'Tanh', 'Sigmoid', 'Tanh', 'Tanh']);
    const wide = accumulatorType(tensorTypeOf(given.X).dtype);
    const makeCell = (builder: Builder, direction: Direction, d: number): Cell => {
      const attention = attentionOf(builder, { QW, MW, V, M, memory_seq_lens, AW }, hidden, d, direction.R);
      const whole = castTo(builder, builder.apply(TakeSlice, [W, builder.scalar(d, 'int64')]), wide);
      const columnsOfAttention = shaped(builder, part(builder, whole, 1, split, columns), [rows, width]);
      const turned = builder.apply(Transpose, [columnsOfAttention], { perm: [1, 0] });
      const inner = lstmCell(builder, direction, functionsOf(functions, d, 3), own.input_forget !== 0);
      return attentiveCell(builder, inner, attention, turned);
    };
    const inputs = { ...given, W: part(g, W, 2, int(0), split), initial: [initial_h, initial_c] };
    return expandRecurrent(inputs, { ...own, layout: 0 }, { gates: 4, hidden }, g, makeCell);
  },
});
