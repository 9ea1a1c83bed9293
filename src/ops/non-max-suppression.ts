// NonMaxSuppression: of boxes that overlap much, the one with the best score. For every class of every batch, a heap of
// candidates gives the best one that is left, which is kept unless it overlaps one kept before.

import type { DType } from '../../ir/dtype.ts';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  bool,
  cast,
  constant,
  div,
  eq,
  indexVar,
  int,
  load,
  lt,
  max,
  min,
  mul,
  or,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Stmt } from '../../ir/kernel.ts';
import { allocate, block, ifThen, letIn, loop, loops, store, whileLoop } from '../../ir/kernel-walk.ts';
import { intAttribute } from './attributes.ts';
import { op, type TypeSet } from './define.ts';
import { sizesOf } from './elements.ts';
import { type Heap, heapify, siftDown, slotOf } from './heap.ts';
import { checkAgreeing } from './run-time-operands.ts';
import { differ, floatTypes, tensorOf, typeSet } from './types.ts';

const number = (name: string, dtype: DType): TypeSet => typeSet(name, [dtype]);
const register = (name: string, dtype: DType): Buffer => ({ name, dtype, shape: [], memory: 'register' });
const only = (buffer: Buffer): Expr =>
  load(
    buffer,
    buffer.shape.map(() => int(0)),
  );

interface Box {
  readonly top: Expr;
  readonly bottom: Expr;
  readonly left: Expr;
  readonly right: Expr;
}

/** Two opposite corners, or center and size. */
function boxOf(boxes: Buffer, batch: Expr, at: Expr, centered: boolean): Box {
  const part = (i: number): Expr => load(boxes, [batch, at, int(i)]);
  if (!centered) {
    return {
      top: min(part(0), part(2)),
      bottom: max(part(0), part(2)),
      left: min(part(1), part(3)),
      right: max(part(1), part(3)),
    };
  }
  const half = (i: number): Expr => div(part(i), constant(2, boxes.dtype));
  return {
    left: sub(part(0), half(2)),
    right: add(part(0), half(2)),
    top: sub(part(1), half(3)),
    bottom: add(part(1), half(3)),
  };
}

/** intersection / union > threshold; boxes without area overlap nothing. */
function overlaps(a: Box, b: Box, threshold: Expr): Expr {
  const zero = constant(0, threshold.dtype);
  const height = sub(min(a.bottom, b.bottom), max(a.top, b.top));
  const width = sub(min(a.right, b.right), max(a.left, b.left));
  const area = (box: Box): Expr => mul(sub(box.bottom, box.top), sub(box.right, box.left));
  const common = mul(height, width);
  const union = sub(add(area(a), area(b)), common);
  const solid = and(and(lt(zero, area(a)), lt(zero, area(b))), and(lt(zero, width), lt(zero, height)));
  return and(and(solid, lt(zero, union)), lt(threshold, div(common, union)));
}

export const NonMaxSuppression = op('NonMaxSuppression', {
  inputs: ['boxes', 'scores', 'max_output_boxes_per_class?', 'iou_threshold?', 'score_threshold?'],
  outputs: ['selected_indices', 'candidates?'],
  room: 1,
  attributes: { center_point_box: intAttribute(0, [0, 1]) },
  types: {
    boxes: typeSet('T', floatTypes),
    scores: typeSet('T', floatTypes),
    max_output_boxes_per_class: number('N', 'int64'),
    iou_threshold: number('F', 'float32'),
    score_threshold: number('F', 'float32'),
  },
  since: 11,
  type: ({ boxes, scores, max_output_boxes_per_class }, _, context) => {
    if (boxes.rank !== 3 || differ(boxes.shape[2]!, int(4)))
      context.fail('boxes must have the shape [batch, boxes, 4].');
    if (scores.rank !== 3) context.fail(`scores has rank ${scores.rank}; expected 3 (batch, class, box).`);
    if (differ(boxes.shape[0]!, scores.shape[0]!) || differ(boxes.shape[1]!, scores.shape[2]!)) {
      context.fail('boxes and scores must have equally many batches and boxes.');
    }
    const count = boxes.shape[1]!;
    const wanted = max_output_boxes_per_class ? sizesOf(max_output_boxes_per_class)?.[0] : int(0);
    const most = wanted ? max(int(0), min(wanted, count)) : count;
    const rows = context.fresh('selected', mul(mul(scores.shape[0]!, scores.shape[1]!), most));
    return [tensorOf('int64', [rows, int(3)]), tensorOf('int32', [count])];
  },
  kernel: (inputs, [selected, slots], { center_point_box }, { sizes }) => {
    const { boxes, scores, max_output_boxes_per_class, iou_threshold, score_threshold } = inputs;
    const { dtype } = boxes;
    const [batch, kind] = [indexVar('batch', scores.shape[0]!), indexVar('kind', scores.shape[1]!)];
    const box = indexVar('box', boxes.shape[1]!);
    const score = (at: Expr): Expr => load(scores, [batch, kind, at]);
    const better = (a: Expr, b: Expr): Expr => or(lt(score(b), score(a)), and(eq(score(a), score(b)), lt(a, b)));
    const heap: Heap = { buffer: slots!, at: (slot) => [slot], above: better };
    const most = max_output_boxes_per_class ? cast(only(max_output_boxes_per_class), 'index') : int(0);
    const threshold = iou_threshold ? cast(only(iou_threshold), dtype) : constant(0, dtype);
    const [left, first, rows] = [register('left', 'index'), register('first', 'index'), register('rows', 'index')];
    const free = register('free', 'bool');
    const read = (place: Buffer): Expr => load(place, []);
    const limit = variable('limit', 'index');

    const enter = block([store(slots!, [read(left)], cast(box, 'int32')), store(left, [], add(read(left), int(1)))]);
    const passes = score_threshold ? lt(cast(only(score_threshold), scores.dtype), score(box)) : bool(true);
    const best = variable('best', 'index');
    const kept = indexVar('kept', sub(read(rows), read(first)));
    const centered = center_point_box === 1;
    const other = variable('other', 'index');
    const rival = cast(load(selected!, [add(read(first), kept), int(2)]), 'index');
    const clash = overlaps(boxOf(boxes, batch, best, centered), boxOf(boxes, batch, other, centered), threshold);
    const compareAll = loop(kept, ifThen(read(free), letIn(other, rival, ifThen(clash, store(free, [], bool(false))))));
    const write = [batch, kind, best].map((value, i) => store(selected!, [read(rows), int(i)], cast(value, 'int64')));
    const takeBest = letIn(
      best,
      slotOf(heap, int(0)),
      block([
        store(left, [], sub(read(left), int(1))),
        ifThen(lt(int(0), read(left)), siftDown(heap, int(0), read(left), slotOf(heap, read(left)))),
        store(free, [], bool(true)),
        compareAll,
        ifThen(read(free), block([...write, store(rows, [], add(read(rows), int(1)))])),
      ]),
    );
    const more = and(lt(int(0), read(left)), lt(sub(read(rows), read(first)), limit));
    const perClass = block([
      store(first, [], read(rows)),
      store(left, [], int(0)),
      loop(box, ifThen(passes, enter)),
      heapify(heap, read(left)),
      whileLoop(more, takeBest),
    ]);
    const agree = checkAgreeing([
      [boxes.shape[0]!, scores.shape[0]!],
      [boxes.shape[1]!, scores.shape[2]!],
    ]);
    const body = block([
      agree,
      store(rows, [], int(0)),
      letIn(limit, most, loops([batch, kind], perClass)),
      store(sizes!, [int(0)], cast(read(rows), 'int64')),
    ]);
    return [left, first, rows, free].reduceRight<Stmt>((inner, own) => allocate(own, inner), body);
  },
});
