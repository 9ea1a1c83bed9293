// Operators that reorder axes: Transpose, DepthToSpace, SpaceToDepth.

import { add, constantOf, div, int, mod, mul } from '../../ir/expr-make.ts';
import { optionalInts, requiredInt, stringAttribute } from './attributes.ts';
import { type Operand, op, type TypeContext } from './define.ts';
import { anyType, tensorOf } from './types.ts';

const reversed = (rank: number): readonly number[] => Array.from({ length: rank }, (_, axis) => rank - 1 - axis);

/** Y[i] = X[permuted i]; the axes are reversed where perm is absent. */
export const Transpose = op('Transpose', {
  inputs: ['data'],
  outputs: ['transposed'],
  attributes: { perm: optionalInts },
  types: { data: anyType },
  since: 25,
  type: ({ data }, { perm }, context) => {
    const order = perm ?? reversed(data.rank);
    const legal = [...order].sort((a, b) => a - b).every((axis, position) => axis === position);
    if (order.length !== data.rank || !legal) {
      context.fail(`perm is ${order.join(', ')}; expected a permutation of the ${data.rank} axes of data.`);
    }
    return tensorOf(
      data.dtype,
      order.map((axis) => data.shape[axis]!),
    );
  },
  compute: ({ data }, { perm }, index) => {
    const order = perm ?? reversed(data.rank);
    return data.at(...order.map((_, axis) => index[order.indexOf(axis)]!));
  },
});

function checkImage(input: Operand, blocksize: number, context: TypeContext): void {
  if (input.rank !== 4) context.fail(`input has rank ${input.rank}; expected 4 (N, C, H, W).`);
  if (blocksize < 1) context.fail(`blocksize is ${blocksize}; expected at least 1.`);
}

/**
 * DCR: Y[n, c, h, w] = X[n, (h % b * b + w % b) * C + c, h / b, w / b]
 * CRD: Y[n, c, h, w] = X[n, c * b * b + h % b * b + w % b, h / b, w / b]
 */
export const DepthToSpace = op('DepthToSpace', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { blocksize: requiredInt, mode: stringAttribute('DCR', ['DCR', 'CRD']) },
  types: { input: anyType },
  since: 13,
  type: ({ input }, { blocksize }, context) => {
    checkImage(input, blocksize, context);
    const [n, c, h, w] = input.shape;
    const depth = constantOf(c!);
    if (depth !== undefined && depth % blocksize ** 2 !== 0) {
      context.fail(`input has ${depth} channels; expected a multiple of ${blocksize ** 2}.`);
    }
    const b = int(blocksize);
    return tensorOf(input.dtype, [n!, div(c!, mul(b, b)), mul(h!, b), mul(w!, b)]);
  },
  compute: ({ input }, { blocksize, mode }, index, { types }) => {
    const [n, c, h, w] = index;
    const b = int(blocksize);
    const block = add(mul(mod(h!, b), b), mod(w!, b));
    const channels = types[0]!.shape[1]!;
    const channel = mode === 'DCR' ? add(mul(block, channels), c!) : add(mul(c!, mul(b, b)), block);
    return input.at(n!, channel, div(h!, b), div(w!, b));
  },
});

/** Y[n, k, h, w] = X[n, k % C, h * b + k / C / b, w * b + k / C % b] */
export const SpaceToDepth = op('SpaceToDepth', {
  inputs: ['input'],
  outputs: ['output'],
  attributes: { blocksize: requiredInt, mode: stringAttribute('DCR', ['DCR', 'CRD']) },
  types: { input: anyType },
  since: 13,
  type: ({ input }, { blocksize }, context) => {
    checkImage(input, blocksize, context);
    const [n, c, h, w] = input.shape;
    for (const extent of [h!, w!]) {
      const known = constantOf(extent);
      if (known !== undefined && known % blocksize !== 0) {
        context.fail(`input has a height or width of ${known}; expected a multiple of ${blocksize}.`);
      }
    }
    const b = int(blocksize);
    return tensorOf(input.dtype, [n!, mul(c!, mul(b, b)), div(h!, b), div(w!, b)]);
  },
  compute: ({ input }, { blocksize, mode }, index) => {
    const [n, k, h, w] = index;
    const b = int(blocksize);
    const channels = input.shape[1]!;
    const area = mul(b, b);
    const channel = mode === 'DCR' ? mod(k!, channels) : div(k!, area);
    const block = mode === 'DCR' ? div(k!, channels) : mod(k!, area);
    return input.at(n!, channel, add(mul(h!, b), div(block, b)), add(mul(w!, b), mod(block, b)));
  },
});
