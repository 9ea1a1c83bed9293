// Sizes in bytes or elements as C that cannot overflow: what does not fit becomes the greatest value.

import type { Expr, Var } from '../../ir/expr.ts';
import { IrError } from '../../ir/expr-make.ts';
import type { Helper, Helpers } from './helpers.ts';
import { integerLiteral } from './literals.ts';
import { applied, castTo, infix, primary, type Text, within } from './text.ts';

const helper = (name: string, result: string): Helper => ({
  name: `lap_size_${name}`,
  text: `static inline int64_t lap_size_${name}(int64_t a, int64_t b) {\n  return ${result};\n}\n`,
});

const operations: Partial<Readonly<Record<string, Helper>>> = {
  add: helper('add', 'a > 0 && b > INT64_MAX - a ? INT64_MAX : a + b'),
  mul: helper('mul', 'a > 0 && b > 0 && a > INT64_MAX / b ? INT64_MAX : a * b'),
  div: helper('div', 'b == 0 ? INT64_MAX : a / b'),
  mod: helper('mod', 'b == 0 ? INT64_MAX : a % b'),
  min: helper('min', 'a < b ? a : b'),
  max: helper('max', 'a > b ? a : b'),
};

const infixes: Partial<Readonly<Record<string, string>>> = {
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  and: '&&',
  or: '||',
};

/** An expression of type int64_t. */
export function printSize(size: Expr, nameOf: (variable: Var) => string, helpers: Helpers): Text {
  const print = (expr: Expr): Text => {
    switch (expr.kind) {
      case 'const':
        return integerLiteral(BigInt(expr.value), expr.dtype === 'bool' ? 'bool' : 'int64');
      case 'var':
        return primary(nameOf(expr));
      case 'cast':
        if (expr.dtype === 'bool') return infix(print(expr.value), '!=', primary('0'), 4);
        return expr.value.dtype === 'bool' ? castTo('int64_t', print(expr.value)) : print(expr.value);
      case 'select':
        return {
          text: `${within(print(expr.condition), 5)} ? ${within(print(expr.whenTrue), 5)} : ${within(print(expr.whenFalse), 5)}`,
          level: 6,
        };
      case 'unary':
        if (expr.op === 'not') return primary(`!(${print(expr.value).text})`);
        if (expr.op === 'neg') return primary(`(-${within(print(expr.value), 0)})`);
        throw new IrError(`${expr.op} in a size`);
      case 'binary': {
        if (expr.op === 'sub') return infix(print(expr.left), '-', print(expr.right), 3);
        const operator = infixes[expr.op];
        if (operator) return infix(print(expr.left), operator, print(expr.right), 4);
        const operation = operations[expr.op];
        if (!operation) throw new IrError(`${expr.op} in a size`);
        return applied(helpers.use(operation), print(expr.left), print(expr.right));
      }
      case 'load':
      case 'ramp':
      case 'splat':
      case 'reduce':
      case 'call':
        throw new IrError(`${expr.kind} in a size`);
    }
  };
  return print(size);
}
