// Optionals: a truth value and the value. Where it is known that there is a value, nothing is left of the optional.

import { constantOf } from '../../ir/expr-make.ts';
import type { Value } from '../../ir/graph.ts';
import { Assuming } from './assuming.ts';
import { optionalType } from './attributes.ts';
import { op } from './define.ts';
import { elementsOf } from './elements.ts';
import { mapLeaves, optionalOf } from './structure.ts';

export const Optional = op('Optional', {
  inputs: ['input?'],
  attributes: { type: optionalType },
  since: 15,
  build: ({ input }, { type }, g, { fail }) => {
    const element = input?.type ?? type ?? fail('has neither an input nor attribute type.');
    return optionalOf(g.scalar(input ? 1 : 0, 'bool'), input, element);
  },
});

export const OptionalHasElement = op('OptionalHasElement', {
  inputs: ['input?'],
  since: 18,
  build: ({ input }, _, g) => {
    if (input?.structure?.kind === 'optional') return input.structure.present;
    return g.scalar(input ? 1 : 0, 'bool');
  },
});

/** Whether a truth value is known, and which it is. */
export const knownTruth = (value: Value): boolean | undefined => {
  const [element] = elementsOf(value) ?? [];
  const known = element && constantOf(element);
  return known === undefined ? undefined : known !== 0;
};

export const OptionalGetElement = op('OptionalGetElement', {
  inputs: ['input'],
  since: 18,
  build: ({ input }, _, g, { fail }) => {
    if (input.structure?.kind !== 'optional') return input;
    const { present, value } = input.structure;
    const known = knownTruth(present);
    if (!value || known === false) return fail('the optional has no element.');
    if (known === true) return value;
    // The run reports that there is none where it reads what is not there.
    return mapLeaves(value, (leaf) => g.apply(Assuming, [leaf, present], { expected: 1 }));
  },
});
