// Operations on GNU vectors that C has no operator for. Most are loops over the lanes, which gcc and clang turn into
// one instruction (measured on gcc 12 and clang 19, x86 and Arm, with the flags that targets set).

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

export function selectVector(dtype: DType, lanes: number, mask: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const parameters = `${mask.name} m, ${type.name} a, ${type.name} b`;
  return laneByLane(`lap_select_${suffix(dtype, lanes)}`, type, lanes, parameters, 'm[i] ? a[i] : b[i]', [mask]);
}

/** See `minMaxBound`. */
export function minMaxBoundVector(op: 'min' | 'max', dtype: DType, lanes: number): Helper {
  const type = vectorType(dtype, lanes);
  const name = `lap_${op}_bound_${suffix(dtype, lanes)}`;
  const lane = op === 'min' ? 'b[i] < a[i] ? b[i] : a[i]' : 'b[i] > a[i] ? b[i] : a[i]';
  return laneByLane(name, type, lanes, `${type.name} a, ${type.name} b`, lane);
}

/** The comparison alone is one instruction; NaN in `a` is put back in a second step. */
export function minMaxVector(op: 'min' | 'max', dtype: DType, lanes: number, mask: Helper): Helper {
  const type = vectorType(dtype, lanes);
  const name = `lap_${op}_${suffix(dtype, lanes)}`;
  const parameters = `${type.name} a, ${type.name} b`;
  const relation = op === 'min' ? '<' : '>';
  const plain = laneByLane(name, type, lanes, parameters, `a[i] ${relation} b[i] ? a[i] : b[i]`);
  if (!isFloat(dtype)) return plain;
  const ordered = { ...plain, name: `${name}_ordered`, text: plain.text.replace(name, `${name}_ordered`) };
  const select = selectVector(dtype, lanes, mask);
  const text =
    `${inline} ${type.name} ${name}(${parameters}) {\n` +
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

/** Float to integer: NaN becomes 0, then the range is cut where the float type can say its ends exactly. */
export function saturateVector(from: DType, to: DType, lanes: number, mask: Helper, wideMask: Helper): Helper {
  const source = vectorType(from, lanes);
  const type = vectorType(to, lanes);
  const select = selectVector(from, lanes, mask);
  const name = `lap_${suffix(to, lanes)}_from_${tagOf(from)}`;
  const { least, most, above } = saturationBounds(from, to);
  const splat = (value: string): string => `${splatVector(from, lanes).name}(${value})`;
  const lower = minMaxBoundVector('max', from, lanes);
  const upper = minMaxBoundVector('min', from, lanes);
  const head = `${inline} ${type.name} ${name}(${source.name} a) {\n`;
  const number = `  a = ${select.name}((${mask.name})(a == a), a, ${splat('0')});\n  a = ${lower.name}(a, ${splat(least.float)});\n`;
  const needs = [source, type, select, splatVector(from, lanes), lower];
  const significant = from === 'float64' ? 53 : 24;
  if (dtypes[to].bits <= significant) {
    // Through int32, which vector units convert to; the ends are exact, so nothing is left to repair.
    const between = vectorType(from === 'float64' ? 'int64' : 'int32', lanes);
    const cut = `  a = ${upper.name}(a, ${splat(`${most.replace(/u$/, '')}`)});\n`;
    const convert = `  return __builtin_convertvector(__builtin_convertvector(a, ${between.name}), ${type.name});\n}\n`;
    return { name, needs: [...needs, upper, between], text: head + number + cut + convert };
  }
  const result = selectVector(to, lanes, wideMask);
  const high = `  const ${mask.name} high = (${mask.name})(a >= ${above});\n`;
  const safe = `  a = ${select.name}(high, ${splat('0')}, a);\n`;
  const convert =
    `  return ${result.name}(${maskText('high', mask, wideMask)}, ${splatVector(to, lanes).name}(${most}), ` +
    `__builtin_convertvector(a, ${type.name}));\n}\n`;
  const text = head + number + high + safe + convert;
  return { name, needs: [...needs, result, splatVector(to, lanes)], text };
}

const maskText = (name: string, from: Helper, to: Helper): string =>
  from.name === to.name ? name : `__builtin_convertvector(${name}, ${to.name})`;
