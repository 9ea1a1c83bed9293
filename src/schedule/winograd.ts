// 3×3 convolutions of stride 1 with fewer products, where sums may be reordered. One kernel of three stages works on a
// block of tiles while it stays in cache:
//   for each block of tiles {
//     V[xi, tile, c] = input transform of the tile's patch
//     for each panel of output channels {
//       M[xi, tile, n] = sum over c of V[xi, tile, c] * U[panel, xi, c, n]      for every xi: a small matrix product
//       outputs of the tile = output transform of M[…, tile, n], then whatever followed the sum
//     } }
// U is made of the weights at compile time, by the kernel `transform`.

import type { Expr, Var } from '../../ir/expr.ts';
import { add, and, cast, constant, div, int, load, lt, min, mod, mul, sub, variable } from '../../ir/expr-make.ts';
import { substitute } from '../../ir/expr-walk.ts';
import type { Buffer, Kernel, Stmt } from '../../ir/kernel.ts';
import { allocate, ifThen, letIn, loop, rewriteStmtExprs, store, substituteStmt } from '../../ir/kernel-walk.ts';
import { simplifyKernel } from '../../ir/simplify.ts';
import type { Target } from '../../ir/target.ts';
import { accumulateOverTile } from './accumulate-over-tile.ts';
import { dropSingleTurns } from './drop-single-turns.ts';
import { flatten } from './flatten.ts';
import { nameLoops } from './nest.ts';
import { split } from './split.ts';
import { applySteps, blockOf, makeLoop, ScheduleError } from './step.ts';
import { unroll } from './unroll.ts';
import { vectorize } from './vectorize.ts';
import { type Convolution3, matchConvolution, mayBeConvolution } from './winograd-match.ts';
import { type WinogradPlan as Plan, planWinograd } from './winograd-plan.ts';
import { transform4, type WinogradTransform } from './winograd-transforms.ts';

export interface WinogradKernel {
  /** Ready to print; reads `transformed` in the place of `weights`. */
  readonly kernel: Kernel;
  readonly weights: Buffer;
  readonly transformed: Buffer;
  /** Writes `transformed` from `weights`, its two parameters. */
  readonly transform: Kernel;
}

/** The faster kernel for a lowered convolution; undefined where it is none, or would not be faster. */
export function winograd(
  kernel: Kernel,
  isConstant: (buffer: Buffer) => boolean,
  target: Target,
  transform: WinogradTransform = transform4,
): WinogradKernel | undefined {
  if (!mayBeConvolution(kernel)) return undefined;
  const flat = simplifyKernel(nameLoops(flatten(kernel)));
  const original = new Map(flat.params.map((param, i) => [param, kernel.params[i]!]));
  const convolution = matchConvolution(flat, (buffer) => isConstant(original.get(buffer) ?? buffer));
  const plan = convolution && planWinograd(convolution, target, transform);
  if (!plan) return undefined;
  try {
    return build(flat, plan, original.get(plan.convolution.weight.buffer)!);
  } catch (error) {
    // What follows the sum lies in an order, channels first say, in which the output stage has no vectors.
    if (error instanceof ScheduleError) return undefined;
    throw error;
  }
}

function build(flat: Kernel, plan: Plan, weights: Buffer): WinogradKernel {
  const { convolution, transform, widths, lanes, channels, outputs, panel } = plan;
  const products = transform.inputs ** 2;
  const transformed: Buffer = {
    name: `${weights.name}_transformed`,
    dtype: 'float32',
    shape: [outputs / panel, products, channels, panel].map(int),
    memory: 'argument',
  };
  const body = convolution.outer.reduceRight<Stmt>(
    (inner, { index }) => loop(index, inner, 'parallel'),
    blocks(plan, transformed),
  );
  const params = flat.params.map((param) => (param === convolution.weight.buffer ? transformed : param));
  const whole = simplifyKernel({ ...flat, params, body });
  const kernel = applySteps(whole, [
    split('channel', [...widths, 1]),
    accumulateOverTile('row', 'column'),
    split('column', lanes),
    split('output', lanes),
    simplifyKernel,
    vectorize('channel.i'),
    vectorize('column.i'),
    vectorize('output.i'),
    unroll('column.o'),
    unroll('row'),
    dropSingleTurns,
    simplifyKernel,
  ]);
  return { kernel, weights, transformed, transform: weightTransform(plan, transformed) };
}

function blocks(plan: Plan, transformed: Buffer): Stmt {
  const { transform, tiles, block, channels, outputs, panel } = plan;
  const products = int(transform.inputs ** 2);
  const local = (name: string, width: number): Buffer => ({
    name,
    dtype: 'float32',
    shape: [products, int(block), int(width)],
    memory: 'stack',
  });
  const [V, M] = [local('factors', channels), local('products', panel)];
  const count = Math.ceil(tiles / block);
  return makeLoop(
    'block',
    int(count),
    (index) => {
      const first = mul(index, int(block));
      const inBlock = tiles % block === 0 ? int(block) : min(int(block), sub(int(tiles), first));
      const each = (name: string, body: (row: Expr, y: Expr, x: Expr) => Stmt): Stmt =>
        makeLoop(name, inBlock, (row) => atTile(plan, add(first, row), (y, x) => body(row, y, x)));
      const panels = makeLoop('panel', int(outputs / panel), (p) =>
        allocate(
          M,
          blockOf([
            matrixProducts(plan, V, M, transformed, p),
            each('outputTile', (row, y, x) => outputStage(plan, M, row, y, x, p)),
          ]),
        ),
      );
      return allocate(V, blockOf([each('inputTile', (row, y, x) => inputStage(plan, V, row, y, x)), panels]));
    },
    count > 1 ? 'parallel' : 'serial',
  );
}

/** The position of a tile, with its bounds. */
function atTile({ across, tiles }: Plan, at: Expr, body: (y: Expr, x: Expr) => Stmt): Stmt {
  const tile = variable('tile', 'index', { extent: int(tiles) });
  const y = variable('tileY', 'index', { extent: int(tiles / across) });
  const x = variable('tileX', 'index', { extent: int(across) });
  const inner = letIn(y, div(tile, int(across)), letIn(x, mod(tile, int(across)), body(y, x)));
  return letIn(tile, at, inner);
}

/** Names values, so that each is computed once. */
function named(values: readonly Expr[], name: string, body: (values: readonly Expr[]) => Stmt): Stmt {
  const own = values.map((value, i) => variable(`${name}${i}`, value.dtype));
  return own.reduceRight<Stmt>((inner, each, i) => letIn(each, values[i]!, inner), body(own));
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, i) => i);

function inputStage(plan: Plan, V: Buffer, row: Expr, tileY: Expr, tileX: Expr): Stmt {
  const { convolution, transform, height, width, channels } = plan;
  const { data, y, x, ky, kx, c } = convolution;
  const { inputs, outputs: step } = transform;
  // Beyond the edge the last row and column serve again: what is made of them is not stored.
  const along = (tile: Expr, offset: number, extent: number): Expr =>
    min(add(mul(tile, int(step)), int(offset)), int(extent + 1));
  return makeLoop('channel', int(channels), (channel) => {
    const half: Buffer = { name: 'half', dtype: 'float32', shape: [int(inputs), int(inputs)], memory: 'register' };
    const at = (i: number, j: number): Expr =>
      substitute(
        data,
        new Map<Var, Expr>([
          [y.index, along(tileY, i, height)],
          [x.index, along(tileX, j, width)],
          [ky, int(0)],
          [kx, int(0)],
          [c.index, channel],
        ]),
      );
    const columns = upTo(inputs).map((j) =>
      named(
        upTo(inputs).map((i) => at(i, j)),
        'd',
        (values) => blockOf(transform.input(values).map((value, i) => store(half, [int(i), int(j)], value))),
      ),
    );
    const rows = upTo(inputs).map((i) => {
      const values = transform.input(upTo(inputs).map((j) => load(half, [int(i), int(j)])));
      return blockOf(values.map((value, j) => store(V, [int(i * inputs + j), row, channel], value)));
    });
    return allocate(half, blockOf([...columns, ...rows]));
  });
}

function matrixProducts({ transform, block, panel, channels }: Plan, V: Buffer, M: Buffer, U: Buffer, p: Expr): Stmt {
  return makeLoop('xi', int(transform.inputs ** 2), (xi) =>
    makeLoop('row', int(block), (row) =>
      makeLoop('column', int(panel), (column) => {
        const acc: Buffer = { name: 'acc', dtype: 'float32', shape: [], memory: 'register' };
        const sum = makeLoop('k', int(channels), (k) =>
          store(acc, [], add(load(acc, []), mul(load(V, [xi, row, k]), load(U, [p, xi, k, column])))),
        );
        const zero = store(acc, [], constant(0, 'float32'));
        return allocate(acc, blockOf([zero, sum, store(M, [xi, row, column], load(acc, []))]));
      }),
    ),
  );
}

function outputStage(plan: Plan, M: Buffer, row: Expr, tileY: Expr, tileX: Expr, p: Expr): Stmt {
  const { convolution, transform, height, width, panel } = plan;
  const { inputs, outputs } = transform;
  return makeLoop('output', int(panel), (column) => {
    const half: Buffer = { name: 'half', dtype: 'float32', shape: [int(outputs), int(inputs)], memory: 'register' };
    const columns = upTo(inputs).map((j) => {
      const values = transform.output(upTo(inputs).map((i) => load(M, [int(i * inputs + j), row, column])));
      return blockOf(values.map((value, i) => store(half, [int(i), int(j)], value)));
    });
    const rows = upTo(outputs).map((i) => {
      const values = transform.output(upTo(inputs).map((j) => load(half, [int(i), int(j)])));
      const y = add(mul(tileY, int(outputs)), int(i));
      return named(values, 'sum', (sums) =>
        blockOf(
          sums.map((sum, j) => {
            const x = add(mul(tileX, int(outputs)), int(j));
            const inside = and(lt(y, int(height)), lt(x, int(width)));
            return ifThen(inside, afterSum(convolution, sum, y, x, add(mul(p, int(panel)), column)));
          }),
        ),
      );
    });
    return allocate(half, blockOf([...columns, ...rows]));
  });
}

/** What followed the sum, at one position. */
function afterSum({ after, accumulator, y, x, n }: Convolution3, sum: Expr, atY: Expr, atX: Expr, atN: Expr): Stmt {
  const placed = substituteStmt(
    after,
    new Map([
      [y.index, atY],
      [x.index, atX],
      [n.index, atN],
    ]),
  );
  return rewriteStmtExprs(placed, (node) => (node.kind === 'load' && node.buffer === accumulator ? sum : undefined));
}

/** U[p, i j, c, l] = sum over the taps of G[i, ky] G[j, kx] W[p * panel + l, c, ky, kx], in double precision. */
function weightTransform({ convolution, transform, panel, channels, outputs }: Plan, U: Buffer): Kernel {
  const { weight, n, c, ky, kx } = convolution;
  const { inputs, weights } = transform;
  const body = makeLoop('p', int(outputs / panel), (p) =>
    makeLoop('c', int(channels), (channel) =>
      makeLoop('l', int(panel), (l) => {
        const tap = (a: number, b: number): Expr =>
          cast(
            substitute(
              weight,
              new Map<Var, Expr>([
                [n.index, add(mul(p, int(panel)), l)],
                [c.index, channel],
                [ky, int(a)],
                [kx, int(b)],
              ]),
            ),
            'float64',
          );
        const taps = upTo(9).map((at) => tap(Math.floor(at / 3), at % 3));
        return named(taps, 'w', (values) =>
          blockOf(
            upTo(inputs ** 2).map((xi) => {
              const [i, j] = [Math.floor(xi / inputs), xi % inputs];
              const terms = values.map((value, at) =>
                mul(value, constant(weights[i]![Math.floor(at / 3)]! * weights[j]![at % 3]!, 'float64')),
              );
              return store(U, [p, int(xi), channel, l], cast(terms.reduce(add), 'float32'));
            }),
          ),
        );
      }),
    ),
  );
  return simplifyKernel({ name: 'transform', params: [weight.buffer, U], dims: [], body });
}
