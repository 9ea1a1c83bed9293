// TypeProto → Type. Symbolic dimensions become variables, one for each name.

import { dtypeFromOnnx } from '../../ir/dtype.ts';
import type { Expr, Var } from '../../ir/expr.ts';
import { int, variable } from '../../ir/expr-make.ts';
import type { Type } from '../../ir/graph.ts';
import { problem } from '../errors.ts';
import { refuseHugeTensor } from '../ops/builder.ts';
import type { DimensionProto, TypeProto } from './proto-types.ts';

export interface DimensionOptions {
  /** Sizes given for symbolic dimensions, by name. */
  readonly dims: Readonly<Record<string, number>>;
  /** Upper bounds of symbolic dimensions. */
  readonly maximums: Readonly<Record<string, number>>;
}

/** The symbolic dimensions met so far. */
export interface Symbols {
  readonly byName: Map<string, Expr>;
  readonly options: DimensionOptions;
}

export const createSymbols = (options: DimensionOptions): Symbols => ({ byName: new Map(), options });

/** A dimension that only the caller of the compiled model knows, or the size that the options give for it. */
export function symbol(symbols: Symbols, name: string): Expr {
  const known = symbols.byName.get(name);
  if (known) return known;
  const { dims, maximums } = symbols.options;
  const size = Object.hasOwn(dims, name) ? dims[name] : undefined;
  const maximum = Object.hasOwn(maximums, name) ? maximums[name] : undefined;
  const made =
    size !== undefined
      ? int(size)
      : variable(name, 'index', { min: 0, ...(maximum !== undefined ? { max: maximum } : {}) });
  symbols.byName.set(name, made);
  return made;
}

/** The variables among the symbols, in order of appearance. */
export const variablesOf = (symbols: Symbols): readonly Var[] =>
  [...symbols.byName.values()].filter((size): size is Var => size.kind === 'var');

function extentOf(dimension: DimensionProto, unnamed: string, symbols: Symbols, where: string): Expr {
  if (dimension.dimValue !== undefined) {
    if (dimension.dimValue < 0n) return symbol(symbols, unnamed);
    if (dimension.dimValue > 2n ** 40n) throw problem(where, `dimension ${dimension.dimValue} is too large.`);
    return int(Number(dimension.dimValue));
  }
  return symbol(symbols, dimension.dimParam || unnamed);
}

/** The type of a graph input; dimensions without a name are named after the input and the axis. */
export function inputType(proto: TypeProto | undefined, name: string, symbols: Symbols): Type {
  const where = `input ${JSON.stringify(name)}`;
  if (!proto) throw problem(where, 'has no type.');
  const tensorType = proto.tensorType ?? proto.sparseTensorType;
  if (tensorType) {
    const dtype = dtypeFromOnnx(tensorType.elemType ?? 0);
    if (!dtype) throw problem(where, `has unknown element type ${tensorType.elemType ?? 0}.`);
    if (!tensorType.shape) {
      throw problem(where, `has no shape, not even its rank. Give it: --shape ${name}=1x3x224x224`);
    }
    const shape = tensorType.shape.dim.map((dim, axis) => extentOf(dim, `${name}_${axis}`, symbols, where));
    refuseHugeTensor(dtype, shape, where);
    return { kind: 'tensor', dtype, shape };
  }
  if (proto.sequenceType) return { kind: 'sequence', element: inputType(proto.sequenceType.elemType, name, symbols) };
  if (proto.optionalType) return { kind: 'optional', element: inputType(proto.optionalType.elemType, name, symbols) };
  if (proto.mapType) {
    const key = dtypeFromOnnx(proto.mapType.keyType ?? 0);
    if (!key) throw problem(where, `has unknown key type ${proto.mapType.keyType ?? 0}.`);
    return { kind: 'map', key, value: inputType(proto.mapType.valueType, name, symbols) };
  }
  throw problem(where, 'has a type that is not supported (opaque or absent).');
}

/** What a value_info says, if it says all of it in terms of known symbols; a hint, never an error. */
export function declaredType(proto: TypeProto | undefined, symbols: Symbols): Type | undefined {
  const tensorType = proto?.tensorType;
  if (tensorType?.shape) {
    const dtype = dtypeFromOnnx(tensorType.elemType ?? 0);
    const shape = tensorType.shape.dim.map((dim): Expr | undefined => {
      if (dim.dimValue !== undefined)
        return dim.dimValue >= 0n && dim.dimValue < 2n ** 40n ? int(Number(dim.dimValue)) : undefined;
      return dim.dimParam ? symbols.byName.get(dim.dimParam) : undefined;
    });
    return dtype && shape.every((extent) => extent !== undefined)
      ? { kind: 'tensor', dtype, shape: shape as Expr[] }
      : undefined;
  }
  const inner = proto?.sequenceType?.elemType ?? proto?.optionalType?.elemType;
  const element = inner && declaredType(inner, symbols);
  if (!element) return undefined;
  return proto?.sequenceType ? { kind: 'sequence', element } : { kind: 'optional', element };
}
