import assert from 'node:assert/strict';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  binary,
  bitcast,
  bool,
  call,
  cast,
  constant,
  div,
  failure,
  float,
  indexVar,
  int,
  load,
  lt,
  mul,
  neg,
  not,
  ramp,
  reduce,
  select,
  splat,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import { printExpr } from '../../ir/expr-print.ts';
import type { Buffer, Kernel } from '../../ir/kernel.ts';
import { printKernel } from '../../ir/kernel-print.ts';
import { allocate, block, check, ifThen, letIn, loop, store } from '../../ir/kernel-walk.ts';

const n = variable('n');
const i = indexVar('i', n);
const x: Buffer = { name: 'x', dtype: 'float32', shape: [n], memory: 'argument' };

describe('printing of expressions', () => {
  const a = variable('a', 'float32');
  const cases: readonly (readonly [string, Expr])[] = [
    ['a + 1.0', add(a, float(1))],
    ['(a + 1.0) * a', mul(add(a, float(1)), a)],
    ['a - (a - 1.5)', sub(a, sub(a, float(1.5)))],
    ['a - a - 1.5', sub(sub(a, a), float(1.5))],
    ['-a * -0.0', mul(neg(a), float(-0))],
    ['a / inf', div(a, float(Number.POSITIVE_INFINITY))],
    ['d + 1e+30f64', add(variable('d', 'float64'), constant(1e30, 'float64'))],
    ['min(a, 0.5)', binary('min', a, float(0.5))],
    ['int64(i) + 5i64', add(cast(i, 'int64'), constant(5n, 'int64'))],
    ['bits_int32(a) ^ -2i32', binary('xor', bitcast(a, 'int32'), constant(-2, 'int32'))],
    ['!(i < 4)', not(lt(i, int(4)))],
    ['i < n ? x[i] : 0.0', select(lt(i, n), load(x, [i]), float(0))],
    ['(i < n ? a : 0.0) + 1.0', add(select(lt(i, n), a, float(0)), float(1))],
    ['x[ramp8(i)] * splat8(a)', mul(load(x, [ramp(i, 1, 8)]), splat(a, 8))],
    ['sum[i < n](x[i] * 2.0)', reduce('sum', [i], mul(load(x, [i]), float(2)))],
    ['pow(a, 2.0)', call('pow', a, float(2))],
    ['i == 0 ? fail(divide) : 10 / i', select(binary('eq', i, int(0)), failure('divide', 'index'), div(int(10), i))],
    ['true', bool(true)],
  ];
  for (const [text, expr] of cases) {
    it(`prints ${text}`, () => assert.equal(printExpr(expr), text));
  }

  it('names big shared parts instead of printing them again and again', () => {
    let expr: Expr = a;
    for (let turn = 0; turn < 60; turn++) expr = mul(add(expr, float(1)), expr);
    const text = printExpr(expr);
    assert.ok(text.length < 10_000);
    assert.match(text, /where \$1 = /);
  });
});

describe('printing of kernels', () => {
  it('prints one statement a line', () => {
    const y: Buffer = { ...x, name: 'y' };
    const sum: Buffer = { name: 'sum', dtype: 'float32', shape: [], memory: 'register', lanes: 4 };
    const t = variable('t', 'float32');
    const inner = indexVar('i', 4);
    const kernel: Kernel = {
      name: 'demo',
      params: [x, y],
      dims: [n],
      body: block([
        check(lt(int(0), n), 'shape'),
        loop(
          i,
          letIn(
            t,
            load(x, [i]),
            ifThen(
              lt(t, float(0)),
              store(y, [i], float(0)),
              loop(inner, store(y, [i], mul(t, cast(inner, 'float32')))),
            ),
          ),
          'parallel',
        ),
        allocate(sum, store(sum, [], splat(float(0), 4))),
      ]),
    };
    assert.equal(
      printKernel(kernel),
      [
        'kernel demo(x: float32[n], y: float32[n]; n: index)',
        '  check 0 < n else shape',
        '  for parallel i < n',
        '    let t: float32 = x[i]',
        '    if t < 0.0',
        '      y[i] = 0.0',
        '    else',
        '      for i_1 < 4',
        '        y[i] = t * float32(i_1)',
        '  register sum: float32x4[]',
        '  sum[] = splat4(0.0)',
      ].join('\n'),
    );
  });
});
