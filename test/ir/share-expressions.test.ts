import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Expr } from '../../ir/expr.ts';
import {
  add,
  and,
  call,
  div,
  eq,
  failure,
  float,
  indexVar,
  int,
  le,
  load,
  lt,
  mul,
  neg,
  ramp,
  select,
  splat,
  sub,
  variable,
} from '../../ir/expr-make.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { evaluateKernel } from '../../ir/kernel-eval.ts';
import { printStmt } from '../../ir/kernel-print.ts';
import { allocate, block, ifThen, letIn, loop, store } from '../../ir/kernel-walk.ts';
import { bindShared } from '../../ir/share-expressions.ts';
import { contents, sources, statement, storedTypes } from './random-kernels.ts';

const n = variable('n', 'index', { min: 1 });
const i = indexVar('i', n);
const x: Buffer = { name: 'x', dtype: 'float32', shape: [n], memory: 'argument' };
const y: Buffer = { ...x, name: 'y' };
const z: Buffer = { ...x, name: 'z' };

const shows = (stmt: Stmt, ...lines: readonly string[]): void =>
  assert.equal(printStmt(bindShared(stmt)), lines.join('\n'));

const runs = 40 * Number(process.env.LAPIDARY_FUZZ ?? 1);

describe('bindShared', () => {
  it('keeps the meaning of random statements', () => {
    fc.assert(
      fc.property(statement({ fails: true }), contents, (body, inputs) => {
        const run = (stmt: Stmt, checked: boolean) => {
          const kernel: Kernel = { name: 'random', params: [...sources.values()], dims: [], body: stmt };
          const arrays = inputs.map((array) => array.slice());
          const error = evaluateKernel(kernel, arrays, [], { checked });
          return { failed: error !== 0, arrays: arrays.map((array, at) => [storedTypes[at], ...array]) };
        };
        const shared = bindShared(body);
        assert.deepEqual(run(shared, true), run(body, false));
        assert.deepEqual(run(bindShared(shared), false), run(body, false));
      }),
      { numRuns: runs },
    );
  });

  it('names what one store uses twice', () => {
    const power = (): Expr => call('exp', load(x, [i]));
    shows(store(y, [i], div(power(), add(float(1), power()))), 'let s1: float32 = exp(x[i])', 'y[i] = s1 / (s1 + 1.0)');
  });

  it('shares loads between stores until their buffer is written', () => {
    const twice = (): Expr => mul(load(x, [i]), float(2));
    shows(
      block([
        store(y, [i], twice()),
        store(z, [i], neg(twice())),
        store(x, [i], float(0)),
        store(y, [int(0)], twice()),
      ]),
      'let s1: float32 = x[i] * 2.0',
      'y[i] = s1',
      'z[i] = -s1',
      'x[i] = 0.0',
      'y[0] = x[i] * 2.0',
    );
  });

  it('shares the vectors of a tile, and leaves registers, ramps and short indices alone', () => {
    const registers: Buffer = { name: 'acc', dtype: 'float32', shape: [int(4)], memory: 'register', lanes: 8 };
    const k = variable('k');
    const row = (at: number): Expr => splat(load(y, [add(mul(k, int(2)), int(at))]), 8);
    const column = (at: number): Expr => load(x, [ramp(add(mul(k, int(16)), int(at * 8)), 1, 8)]);
    const update = (r: number, c: number): Stmt => {
      const place = [int(r * 2 + c)];
      return store(registers, place, add(load(registers, place), mul(row(r), column(c))));
    };
    shows(
      allocate(registers, block([update(0, 0), update(0, 1), update(1, 0), update(1, 1)])),
      'register acc: float32x8[4]',
      'let s1: float32x8 = splat8(y[k * 2])',
      'let s2: float32x8 = x[ramp8(k * 16)]',
      'acc[0] = acc[0] + s1 * s2',
      'let s3: float32x8 = x[ramp8(k * 16 + 8)]',
      'acc[1] = acc[1] + s1 * s3',
      'let s4: float32x8 = splat8(y[k * 2 + 1])',
      'acc[2] = acc[2] + s4 * s2',
      'acc[3] = acc[3] + s4 * s3',
    );
  });

  it('does not move a load out of a branch unless it is performed anyway', () => {
    const inside = lt(i, int(3));
    const square = mul(load(x, [i]), load(x, [i]));
    shows(store(y, [i], select(inside, square, float(0))), 'y[i] = i < 3 ? x[i] * x[i] : 0.0');
    shows(
      store(y, [i], add(select(inside, square, float(0)), load(x, [i]))),
      'let s1: float32 = x[i]',
      'y[i] = (i < 3 ? s1 * s1 : 0.0) + s1',
    );
    shows(
      store(y, [i], select(inside, add(load(x, [i]), float(1)), neg(load(x, [i])))),
      'let s1: float32 = x[i]',
      'y[i] = i < 3 ? s1 + 1.0 : -s1',
    );
  });

  it('makes an If of a Select whose branch repeats a lot', () => {
    const value = (): Expr => sub(load(x, [sub(i, int(1))]), float(1));
    const cube = mul(mul(value(), value()), add(mul(value(), value()), value()));
    shows(
      store(y, [i], add(select(le(int(1), i), cube, float(0)), float(5))),
      'register s1: float32[]',
      'if 1 <= i',
      '  let s2: float32 = x[i - 1] - 1.0',
      '  let s3: float32 = s2 * s2',
      '  s1[] = s3 * (s3 + s2)',
      'else',
      '  s1[] = 0.0',
      'y[i] = s1[] + 5.0',
    );
  });

  it('never moves a division by zero or a fail', () => {
    const d = variable('d', 'int32');
    const target: Buffer = { ...y, dtype: 'int32' };
    const a = variable('a', 'int32');
    const quotient = (): Expr => div(a, d);
    const zero = sub(d, d);
    const safe = (): Expr => select(eq(d, zero), failure('divide', 'int32'), mul(quotient(), quotient()));
    shows(store(target, [i], safe()), 'y[i] = d == 0i32 ? fail(divide) : a / d * (a / d)');
    shows(
      store(target, [i], add(safe(), safe())),
      'let s1: int32 = d == 0i32 ? fail(divide) : a / d * (a / d)',
      'y[i] = s1 + s1',
    );
  });

  it('lets a let name its value, and drops a let of a name', () => {
    const v = variable('v', 'float32');
    const w = variable('w', 'float32');
    const root = (): Expr => call('log', load(x, [i]));
    shows(
      letIn(v, root(), block([store(y, [i], root()), letIn(w, root(), store(z, [i], add(v, w)))])),
      'let v: float32 = log(x[i])',
      'y[i] = v',
      'z[i] = v + v',
    );
  });

  it('keeps the value of a let over a later write', () => {
    const v = variable('v', 'float32');
    shows(
      letIn(v, load(x, [i]), block([store(x, [i], float(0)), store(y, [i], v), store(z, [i], load(x, [i]))])),
      'let v: float32 = x[i]',
      'x[i] = 0.0',
      'y[i] = v',
      'z[i] = x[i]',
    );
  });

  it('tells copies of an unrolled body apart', () => {
    const v = variable('v', 'float32');
    const copyAt = (at: number): Stmt =>
      letIn(v, load(x, [int(at)]), block([store(y, [int(at)], v), loop(i, store(z, [i], v))]));
    shows(
      block([copyAt(0), copyAt(1)]),
      'let v: float32 = x[0]',
      'y[0] = v',
      'for i < n',
      '  z[i] = v',
      'let v_1: float32 = x[1]',
      'y[1] = v_1',
      'for i < n',
      '  z[i] = v_1',
    );
  });

  it('shares in conditions and inside of loops', () => {
    const long = (): Expr => mul(load(x, [i]), load(x, [i]));
    const close = and(lt(float(0), long()), lt(long(), float(4)));
    shows(
      loop(i, ifThen(close, store(y, [i], add(long(), long())))),
      'for i < n',
      '  let s1: float32 = x[i]',
      '  let s2: float32 = s1 * s1',
      '  if 0.0 < s2 & s2 < 4.0',
      '    let s3: float32 = x[i]',
      '    let s4: float32 = s3 * s3',
      '    y[i] = s4 + s4',
    );
  });

  it('prints deeply shared expressions in lines of bounded length', () => {
    let expr: Expr = load(x, [i]);
    for (let turn = 0; turn < 200; turn++) {
      expr = add(mul(expr, expr), select(lt(expr, float(turn)), neg(expr), mul(expr, expr)));
    }
    const text = printStmt(bindShared(store(y, [i], select(lt(i, int(3)), expr, float(0)))));
    assert.ok(text.length < 60_000, `${text.length}`);
  });

  it('takes time in proportion', () => {
    const stores = Array.from({ length: 4000 }, (_, at) => {
      const value = add(load(x, [int(at)]), mul(load(x, [int(at + 1)]), load(x, [int(at + 2)])));
      return store(y, [int(at)], mul(value, value));
    });
    const start = performance.now();
    bindShared(block(stores));
    assert.ok(performance.now() - start < 3000);
  });
});
