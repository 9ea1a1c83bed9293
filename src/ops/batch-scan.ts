// Scan of opset 8: once through the sequence for each element of the batch, perhaps not to its end.

import type { Expr } from '../../ir/expr.ts';
import { int, sub } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { Max, Min, Sub } from './arithmetic.ts';
import { optionalInts, requiredGraph, requiredInt } from './attributes.ts';
import { scalarLike, tensorTypeOf } from './compose.ts';
import { op } from './define.ts';
import { Less, Where } from './logic.ts';
import { repeat } from './loop-body.ts';
import { ScalarOf, TakeSlice } from './scan.ts';
import { replaceInputs } from './subgraph.ts';
import { sizeType, tensorOf } from './types.ts';

/** Inputs after sequence_lens: states [batch, …], then scan inputs [batch, time, …]. */
export const BatchScan = op('BatchScan', {
  domain: 'lapidary',
  inputs: ['sequence_lens?', 'initial_state_and_scan_inputs...'],
  outputs: ['final_state_and_scan_outputs...'],
  attributes: { body: requiredGraph, directions: optionalInts, num_scan_inputs: requiredInt },
  types: { sequence_lens: sizeType },
  type: ({ initial_state_and_scan_inputs: inputs }, { body, num_scan_inputs: scans }, context) => {
    const states = inputs.length - scans;
    if (scans < 1 || states < 0) context.fail(`num_scan_inputs is ${scans} with ${inputs.length} inputs.`);
    if (body.inputs.length !== inputs.length)
      context.fail(`the body has ${body.inputs.length} inputs; expected ${inputs.length}.`);
    for (const { rank } of inputs.slice(states))
      if (rank < 2) context.fail('scan inputs must have axes batch and time.');
    const [batch, time] = inputs[states]!.shape as readonly [Expr, Expr];
    return body.outputs.map(({ type }, i) => {
      if (type.kind !== 'tensor') return context.fail('the outputs of the body must be tensors.');
      return tensorOf(type.dtype, i < states ? [batch, ...type.shape] : [batch, time, ...type.shape]);
    });
  },
  expand: ({ sequence_lens, initial_state_and_scan_inputs: inputs }, attributes, g) => {
    const { body, directions, num_scan_inputs: scans } = attributes;
    const states = inputs.slice(0, inputs.length - scans);
    const sources = inputs.slice(inputs.length - scans);
    const [batch, time] = tensorTypeOf(sources[0]!).shape as readonly [Expr, Expr];
    const first = (value: Value, at: Value): Value => g.apply(TakeSlice, [value, at]);
    const end = g.apply(ScalarOf, [g.sizes([simplify(sub(time, int(1)))])]);
    return repeat(g, g.sizes([batch]), [], (b) => {
      const length = sequence_lens ? first(sequence_lens, b) : g.apply(ScalarOf, [g.sizes([time])]);
      const last = g.apply(Sub, [length, g.scalar(1, 'int64')]);
      const initial = states.map((state) => first(state, b));
      const results = repeat(g, g.sizes([time]), initial, (t, current) => {
        // Lengths are data: whatever they are, only elements of the sequence are read.
        const inside = g.apply(Min, [g.apply(Sub, [last, t]), end]);
        const backwards = g.apply(Max, [inside, g.scalar(0, 'int64')]);
        const slices = sources.map((source, i) => first(first(source, b), directions?.[i] === 1 ? backwards : t));
        const outputs = replaceInputs(body, [...current, ...slices], g);
        const going = sequence_lens && g.apply(Less, [t, length]);
        const kept = (value: Value, otherwise: Value): Value =>
          going ? g.apply(Where, [going, value, otherwise]) : value;
        return {
          states: outputs.slice(0, states.length).map((output, i) => kept(output, current[i]!)),
          scans: outputs.slice(states.length).map((output) => kept(output, scalarLike(g, output, 0))),
        };
      });
      return { states: [], scans: results };
    });
  },
});
