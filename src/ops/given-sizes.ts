// A size that only a run finds out, as a bound that the caller gives beforehand: where neither the model nor an operand
// bounds it, but it follows from integers among the model's inputs. The shape arithmetic between those and the size is
// folded as for known elements (elements.ts), with each integer the difference of two sizes. The run still checks the bound.

import type { Expr } from '../../ir/expr.ts';
import { cast, int, max } from '../../ir/expr-make.ts';
import { contains } from '../../ir/expr-walk.ts';
import type { Node, TensorType, Value } from '../../ir/graph.ts';
import { simplify } from '../../ir/simplify.ts';
import { type ApplyOptions, type Builder, byName, type Operator } from './define.ts';
import { countOf, elementsOf, operandOf, resolvedElements, resolveLoads } from './elements.ts';

type SizeOf = NonNullable<ApplyOptions['sizeOf']>;

/** A longer way back to the inputs is no shape arithmetic. */
const maximumNodes = 256;

/** The bound of a size in terms of the elements of values; undefined where these follow from anything else. */
export function boundFromGivenSizes(size: Expr, sizeOf: SizeOf, builder: Builder): Expr | undefined {
  const known = new Map<Value, readonly Expr[] | undefined>();
  const elements = (value: Value): readonly Expr[] | undefined => {
    if (!known.has(value)) {
      known.set(value, undefined);
      if (known.size <= maximumNodes) known.set(value, elementsOf(value) ?? found(value));
    }
    return known.get(value);
  };
  const found = (value: Value): readonly Expr[] | undefined => {
    if (value.type.kind !== 'tensor') return undefined;
    const { producer } = value;
    return producer ? computed(producer as Node<Operator>, value.output ?? 0) : given(value, value.type, sizeOf);
  };
  const computed = ({ op, inputs, attributes, outputs }: Node<Operator>, output: number) => {
    const types = outputs.map(({ type }) => type).filter((type): type is TensorType => type.kind === 'tensor');
    if (!op.pure || types.length < outputs.length) return undefined;
    if (op.compute) {
      const { compute } = op;
      const operands = byName(
        op,
        inputs.map((input) => input && operandOf(input)),
      ) as never;
      return resolvedElements(
        types[output]!,
        (index) => compute(operands, attributes, index, { output, types }),
        elements,
      );
    }
    const context = { types, outputs: outputs.map(() => true) };
    const expanded = op.expand?.(byName(op, inputs) as never, attributes, builder, context);
    const own = Array.isArray(expanded) ? (expanded as readonly Value[])[output] : (expanded as Value | undefined);
    return own && elements(own);
  };
  const bound = resolveLoads(size, elements);
  return bound && !contains(bound, isFoundAtRunTime) ? simplify(max(bound, int(0))) : undefined;
}

/** A size that a node finds out: in a bound it would be one only where nothing is taken from it. */
const isFoundAtRunTime = (expr: Expr): boolean => expr.kind === 'var' && expr.extent !== undefined;

function given(value: Value, type: TensorType, sizeOf: SizeOf): readonly Expr[] | undefined {
  const sizes = Array.from({ length: countOf(type) ?? 0 }, (_, position) => sizeOf(value, position));
  return sizes.length > 0 && sizes.every((size) => size !== undefined)
    ? sizes.map((size) => cast(size, type.dtype))
    : undefined;
}
