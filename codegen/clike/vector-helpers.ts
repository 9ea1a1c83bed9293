// Operations on GNU vectors that C has no operator for. Functions of one operand are loops over the lanes, which gcc
// and clang turn into one instruction (measured on gcc 12 and clang 19, x86 and Arm, with the flags that targets set).

import { type DType, dtypes, isFloat } from '../../ir/dtype.ts';
import type { Helper } from './helpers.ts';
import { mathName, saturationBounds, scalarFunction } from './scalar-helpers.ts';
import { bytesOf, storageType, tagOf, unsignedOf, vectorType } from './types.ts';

const inline = 'static inline __attribute__((always_inline))';

const suffix = (dtype: DType, lanes: number): string => `${tagOf(dtype)}x${lanes}`;

/** A function whose result starts as a copy of `a` and is then set lane by lane. */
function laneByLane(
  name: string,
  type: Helper,
  lanes: number,
  parameters: string,
  lane: string,
  needs: readonly Helper[] = [],
  headers: readonly string[] = [],
): Helper {
  const text =
    `${inline} ${type.name} ${name}(${parameters}) {\n  ${type.name} r = a;\n` +
    `  for (int i = 0; i < ${lanes}; i++) r[i] = ${lane};\n  return r;\n}\n`;
  return { name, needs: [type, ...needs], headers, text };
}

/** As the vector type, but found at any address and overlapping any other type. */
function unaligned(dtype: DType, lanes: number): Helper {
  const type = vectorType(dtype, lanes);
  const name = `${type.name}_in_memory`;
  const attributes = `aligned(${bytesOf(dtype)}), may_alias`;
  return { name, needs: [type], text: `typedef ${type.name} ${name} __attribute__((${attributes}));\n` };
}

export function loadVector(dtype: DType, lanes: number): Helper {
  const type = vectorType(dtype, lanes);
  const memory = unaligned(dtype, lanes);
  const name = `lap_load_${suffix(dtype, lanes)}`;
  const text = `${inline} ${type.name} ${name}(const ${storageType(dtype)} *p) {\n  return *(const ${memory.name} *)(const void *)p;\n}\n`;
  return { name, needs: [memory], text };
}

export function storeVector(dtype: DType, lanes: number): Helper {
  const type = vectorType(dtype, lanes);
  const memory = unaligned(dtype, lanes);
  const name = `lap_store_${suffix(dtype, lanes)}`;
  const text = `${inline} void ${name}(${storageType(dtype)} *p, ${type.name} a) {\n  *(${memory.name} *)(void *)p = a;\n}\n`;
  return { name, needs: [memory], text };
}

export function splatVector(dtype: DType, lanes: number): Helper {
  const type = vectorType(dtype, lanes);
  const name = `lap_splat_${suffix(dtype, lanes)}`;
  const values = Array.from({ length: lanes }, () => 's').join(', ');
  const text = `${inline} ${type.name} ${name}(${storageType(dtype)} s) {\n  return (${type.name}){${values}};\n}\n`;
  return { name, needs: [type], text };
}

/** By bits: gcc sees through this everywhere, and through a loop over lanes with a condition only sometimes. */
const choose = (type: Helper, mask: Helper, test: string, whenTrue: string, whenFalse: string): string =>
  `(${type.name})(((${mask.name})${whenTrue} & ${test}) | ((${mask.name})${whenFalse} & ~${test}))`;

export function selectVector(dtype: DType, lanes: number, mask: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const name = `lap_select_${suffix(dtype, lanes)}`;
  const text =
    `${inline} ${type.name} ${name}(${mask.name} m, ${type.name} a, ${type.name} b) {\n` +
    `  return ${choose(type, mask, 'm', 'a', 'b')};\n}\n`;
  return { name, needs: [mask, type], text };
}

/** gcc's own name of the instruction for `a > b ? a : b`, which clang finds by itself. */
function minMaxInstruction(
  op: 'min' | 'max',
  dtype: DType,
  lanes: number,
): readonly [macro: string, call: string] | undefined {
  const kind = dtype === 'float32' ? 'ps' : 'pd';
  switch (lanes * bytesOf(dtype)) {
    case 64:
      return ['__AVX512F__', `__builtin_ia32_${op}${kind}512_mask(a, b, a, -1, 4)`];
    case 32:
      return ['__AVX__', `__builtin_ia32_${op}${kind}256(a, b)`];
    case 16:
      return ['__SSE2__', `__builtin_ia32_${op}${kind}(a, b)`];
    default:
      return undefined;
  }
}

/** `a < b ? a : b` or `a > b ? a : b`. */
function orderedMinMax(op: 'min' | 'max', dtype: DType, lanes: number, mask: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const name = isFloat(dtype) ? `lap_${op}_ordered_${suffix(dtype, lanes)}` : `lap_${op}_${suffix(dtype, lanes)}`;
  const plain =
    `  const ${mask.name} m = (${mask.name})(a ${op === 'min' ? '<' : '>'} b);\n` +
    `  return ${choose(type, mask, 'm', 'a', 'b')};\n`;
  const instruction = isFloat(dtype) ? minMaxInstruction(op, dtype, lanes) : undefined;
  const body = instruction
    ? `#if defined(${instruction[0]}) && !defined(__clang__)\n  return ${instruction[1]};\n#else\n${plain}#endif\n`
    : plain;
  const head = `${inline} ${type.name} ${name}(${type.name} a, ${type.name} b) {\n`;
  return { name, needs: [type, mask], text: `${head}${body}}\n` };
}

/** See `minMaxBound`. */
export function minMaxBoundVector(op: 'min' | 'max', dtype: DType, lanes: number, mask: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const name = `lap_${op}_bound_${suffix(dtype, lanes)}`;
  const ordered = orderedMinMax(op, dtype, lanes, mask);
  const text =
    `${inline} ${type.name} ${name}(${type.name} x, ${type.name} bound) {\n` +
    `  return ${ordered.name}(bound, x);\n}\n`;
  return { name, needs: [ordered], text };
}

/** The comparison alone is one instruction; NaN in `a` is put back in a second step. */
export function minMaxVector(op: 'min' | 'max', dtype: DType, lanes: number, mask: Helper): Helper {
  const ordered = orderedMinMax(op, dtype, lanes, mask);
  if (!isFloat(dtype)) return ordered;
  const type = vectorType(dtype, lanes);
  const name = `lap_${op}_${suffix(dtype, lanes)}`;
  const select = selectVector(dtype, lanes, mask);
  const text =
    `${inline} ${type.name} ${name}(${type.name} a, ${type.name} b) {\n` +
    `  return ${select.name}((${mask.name})(a != a), a, ${ordered.name}(a, b));\n}\n`;
  return { name, needs: [ordered, select], text };
}

/** Clears the sign bit. */
export function absoluteVector(dtype: DType, lanes: number, mask: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const name = `lap_abs_${suffix(dtype, lanes)}`;
  if (!isFloat(dtype)) {
    const bits = vectorType(unsignedOf(dtype), lanes);
    const text =
      `${inline} ${type.name} ${name}(${type.name} a) {\n  const ${bits.name} sign = (${bits.name})(a < 0);\n` +
      `  return (${type.name})(((${bits.name})a ^ sign) - sign);\n}\n`;
    return { name, needs: [type, bits], text };
  }
  const most = dtypes[dtype].bits === 64 ? 'INT64_MAX' : 'INT32_MAX';
  const text = `${inline} ${type.name} ${name}(${type.name} a) {\n  return (${type.name})((${mask.name})a & ${most});\n}\n`;
  return { name, needs: [type, mask], text };
}

/** A function of <math.h> on each lane. */
export function mathVector(callee: string, operands: number, dtype: DType, lanes: number, scalar?: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const names = ['a', 'b'].slice(0, operands);
  const lane = `${scalar?.name ?? mathName(callee, dtype)}(${names.map((name) => `${name}[i]`).join(', ')})`;
  const parameters = names.map((name) => `${type.name} ${name}`).join(', ');
  const needs = scalar ? [scalar] : [];
  return laneByLane(`lap_${callee}_${suffix(dtype, lanes)}`, type, lanes, parameters, lane, needs, ['math.h']);
}

/** Integer operations that have corner cases: lane by lane with the scalar helper. */
export function integerVector(op: 'div' | 'mod' | 'shl' | 'shr', dtype: DType, lanes: number): Helper {
  const type = vectorType(dtype, lanes);
  const scalar = scalarFunction(inline, op, dtype);
  const parameters = `${type.name} a, ${type.name} b`;
  const lane = `${scalar.name}(a[i], b[i])`;
  return laneByLane(`lap_${op}_${suffix(dtype, lanes)}`, type, lanes, parameters, lane, [scalar]);
}

/** Element by element through a scalar function of another type: small floats, which no vector unit converts alike. */
export function convertVector(from: DType, to: DType, lanes: number, scalar: Helper): Helper {
  const source = vectorType(from, lanes);
  const type = vectorType(to, lanes);
  const name = `lap_${suffix(to, lanes)}_from_${tagOf(from)}`;
  const text =
    `${inline} ${type.name} ${name}(${source.name} a) {\n  ${type.name} r = {0};\n` +
    `  for (int i = 0; i < ${lanes}; i++) r[i] = ${scalar.name}(a[i]);\n  return r;\n}\n`;
  return { name, needs: [source, type, scalar], text };
}

/** Integers as wide as a float type, or wider, hold what is left of a float when it is cut to a narrower integer type. */
export const carrierOfCut = (from: DType): DType => (from === 'float64' ? 'int64' : 'int32');

/** Whether a float type can say both ends of an integer type exactly. */
export const hasExactEnds = (from: DType, to: DType): boolean => dtypes[to].bits <= (from === 'float64' ? 53 : 24);

/** Float to integer where the float type can say the ends: cut to the range of `to`, as integers of `carrierOfCut`. */
export function cutVector(from: DType, to: DType, lanes: number, mask: Helper): Helper {
  const source = vectorType(from, lanes);
  const type = vectorType(carrierOfCut(from), lanes);
  const select = selectVector(from, lanes, mask);
  const lower = minMaxBoundVector('max', from, lanes, mask);
  const upper = minMaxBoundVector('min', from, lanes, mask);
  const splat = splatVector(from, lanes);
  const { least, greatest } = saturationBounds(from, to);
  const name = `lap_${tagOf(carrierOfCut(from))}x${lanes}_cut_to_${tagOf(to)}_from_${tagOf(from)}`;
  const text =
    `${inline} ${type.name} ${name}(${source.name} a) {\n` +
    `  a = ${select.name}((${mask.name})(a == a), a, (${source.name}){0});\n` +
    `  a = ${upper.name}(${lower.name}(a, ${splat.name}(${least.float})), ${splat.name}(${greatest}));\n` +
    `  return __builtin_convertvector(a, ${type.name});\n}\n`;
  return { name, needs: [type, select, lower, upper, splat], text };
}

/** Float to integer otherwise: what is too large is put in afterwards. */
export function saturateVector(from: DType, to: DType, lanes: number, mask: Helper, wideMask: Helper): Helper {
  const source = vectorType(from, lanes);
  const type = vectorType(to, lanes);
  const select = selectVector(from, lanes, mask);
  const result = selectVector(to, lanes, wideMask);
  const lower = minMaxBoundVector('max', from, lanes, mask);
  const splat = splatVector(from, lanes);
  const most = splatVector(to, lanes);
  const { least, most: greatest, above } = saturationBounds(from, to);
  const name = `lap_${suffix(to, lanes)}_from_${tagOf(from)}`;
  const high = mask.name === wideMask.name ? 'high' : `__builtin_convertvector(high, ${wideMask.name})`;
  const text =
    `${inline} ${type.name} ${name}(${source.name} a) {\n` +
    `  const ${mask.name} high = (${mask.name})(a >= ${above}), number = (${mask.name})(a == a);\n` +
    `  a = ${lower.name}(${select.name}(number & ~high, a, (${source.name}){0}), ${splat.name}(${least.float}));\n` +
    `  return ${result.name}(${high}, ${most.name}(${greatest}), __builtin_convertvector(a, ${type.name}));\n}\n`;
  return { name, needs: [source, type, select, result, lower, splat, most], text };
}
