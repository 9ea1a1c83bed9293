import type { Numbers } from './one-node.ts';
import { filled, near, numbers, reader, runMicrosoft, sigmoid, sum, whole } from './reference.ts';

const silu = (x: number): number => x * sigmoid(x);

describe('layers of com.microsoft that hand a state on', () => {
  const [channels, kernel, dilation] = [4, 3, 2];
  const length = (kernel - 1) * dilation;
  const [weight, bias] = [numbers([channels, 1, kernel], 1), numbers([channels], 2)];
  /** The convolution at time t of a sequence whose element at a time, perhaps before 0, is given. */
  const convolved = (channel: number, t: number, at: (time: number) => number): number =>
    silu(
      bias.values[channel]! + sum(kernel, (j) => reader(weight)(channel, 0, j) * at(t - (kernel - 1 - j) * dilation)),
    );

  it('convolve with dilation, channels last in two axes, and a window of states', () => {
    const [batch, time, window] = [2, 3, 5];
    const X = numbers([batch, time, 2, 2], 3);
    const past = numbers([window, batch, length, 2, 2], 4);
    const at = (b: number, c: number, t: number): number =>
      t >= 0 ? reader(X)(b, t, c >> 1, c & 1) : reader(past)(window - 1, b, t + length, c >> 1, c & 1);
    const attributes = { activation: 'silu', channels_last: 1, dilation, state_window: window };
    const inputs = [X, weight, bias, past];
    const output = filled(X.dims, (b, t, i, j) => convolved(2 * i + j, t, (s) => at(b, 2 * i + j, s)));
    near(runMicrosoft('CausalConvWithState', inputs, attributes), X.dims, output);
    const states = filled(past.dims, (slot, b, l, i, j) => {
      const end = time - window + slot + 1;
      return end > 0 ? at(b, 2 * i + j, end - length + l) : 0;
    });
    near(runMicrosoft('CausalConvWithState', inputs, attributes, 1), past.dims, states);
  });

  it('convolve sequences that lie one after the other', () => {
    const [starts, capacity] = [[0, 2, 7], 3];
    const X = numbers([7, channels], 5);
    const state = numbers([2, channels, length], 6);
    const at = (b: number, c: number, t: number): number =>
      t >= 0 ? reader(X)(starts[b]! + t, c) : reader(state)(b, c, t + length);
    const inputs = [X, weight, whole([3], starts), bias, state, whole([2], [5, 2])];
    const attributes = { activation: 'silu', dilation, state_update_capacity: capacity };
    const output = filled([7, channels], (token, c) => {
      const b = token < 2 ? 0 : 1;
      return convolved(c, token - starts[b]!, (t) => at(b, c, t));
    });
    const run = (position: number): Numbers => runMicrosoft('VarlenCausalConvWithState', inputs, attributes, position);
    near(run(0), [7, channels], output);
    const lengths = [2, 5];
    near(
      run(1),
      [2, channels, length],
      filled([2, channels, length], (b, c, l) => at(b, c, lengths[b]! - length + l)),
    );
    const captured = [2, 2];
    const updates = filled([2, capacity, channels], (b, slot, c) => (slot < captured[b]! ? at(b, c, slot) : 0));
    near(run(2), [2, capacity, channels], updates);
  });

  it('let several heads of keys read one of queries', () => {
    const [time, keys, values] = [3, 2, 2];
    const q = numbers([1, time, keys], 7);
    const [k, v] = [numbers([1, time, 2 * keys], 8), numbers([1, time, 2 * values], 9)];
    const expected = filled([1, time, 2 * values], (_, t, at) => {
      const [head, column] = [Math.floor(at / values), at % values];
      const state = (d: number): number =>
        sum(t + 1, (s) => reader(k)(0, s, head * keys + d) * reader(v)(0, s, head * values + column));
      return sum(keys, (d) => reader(q)(0, t, d) * state(d)) / Math.sqrt(keys);
    });
    const attributes = { q_num_heads: 1, kv_num_heads: 2, update_rule: 'linear' };
    const result = runMicrosoft('LinearAttention', [q, k, v], attributes);
    near(result, [1, time, 2 * values], expected);
  });

  it('keep and forget by gates, over sequences of different lengths', () => {
    const [heads, values, size, width] = [1, 2, 2, 3];
    const [starts, tokens] = [[0, 1, 4], 4];
    const [q, k] = [numbers([tokens, heads, size], 10), numbers([tokens, heads, size], 11)];
    const v = numbers([tokens, values, width], 12);
    const [decay, beta] = [numbers([tokens, values], 13), numbers([tokens, values], 14)];
    const [state, a, bias] = [numbers([2, values, width, size], 15), numbers([values], 16), numbers([values], 17)];
    const unit = (x: Numbers, t: number, d: number): number =>
      reader(x)(t, 0, d) / Math.sqrt(sum(size, (i) => reader(x)(t, 0, i) ** 2) + 1e-6);
    const output: number[] = [];
    const finals: number[] = [];
    for (const sequence of [0, 1]) {
      const kept = Array.from({ length: values }, (_, h) =>
        Array.from({ length: size }, (__, d) =>
          Array.from({ length: width }, (___, e) => reader(state)(sequence, h, e, d)),
        ),
      );
      for (let t = starts[sequence]!; t < starts[sequence + 1]!; t++) {
        for (const [h, S] of kept.entries()) {
          const g = -Math.exp(a.values[h]!) * Math.log1p(Math.exp(reader(decay)(t, h) + bias.values[h]!));
          for (const row of S) row.forEach((x, e) => (row[e] = x * Math.exp(g)));
          const rate = sigmoid(reader(beta)(t, h));
          const delta = Array.from(
            { length: width },
            (_, e) => rate * (reader(v)(t, h, e) - sum(size, (d) => S[d]![e]! * unit(k, t, d))),
          );
          for (const [d, row] of S.entries()) row.forEach((x, e) => (row[e] = x + unit(k, t, d) * delta[e]!));
          for (let e = 0; e < width; e++) output.push(sum(size, (d) => unit(q, t, d) * S[d]![e]!) / Math.sqrt(size));
        }
      }
      for (const S of kept) for (let e = 0; e < width; e++) for (let d = 0; d < size; d++) finals.push(S[d]![e]!);
    }
    const attributes = { gate_activation: 'qwen', beta_activation: 'sigmoid', qk_l2_norm: 1 };
    const inputs = [q, k, v, whole([3], starts), decay, beta, state, a, bias];
    near(runMicrosoft('GatedDeltaNet', inputs, attributes), [tokens, values, width], output, 1e-4);
    near(runMicrosoft('GatedDeltaNet', inputs, attributes, 1), [2, values, width, size], finals, 1e-4);
  });
});
