// Loops that carry values which are no plain tensors. One that runs a known, small number of turns is written out: its
// sequences may then be lists, and nothing is left of them. Else such values are carried in parts that have room for all
// turns; how much a turn adds is found by importing the body with rooms that are not known yet.

import type { Expr } from '../../ir/expr.ts';
import { constantOf } from '../../ir/expr-make.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { problem } from '../errors.ts';
import { Loop, scalarType } from '../ops/control.ts';
import { elementsOf, operandOf, sizesOf } from '../ops/elements.ts';
import { Concat } from '../ops/join.ts';
import {
  asState,
  fitted,
  formOf,
  type Room,
  roomsForAll,
  roomsOf,
  stateLike,
  unknownRooms,
} from '../ops/loop-states.ts';
import { OptionalGetElement } from '../ops/optionals.ts';
import { Unsqueeze } from '../ops/reshape.ts';
import { alike } from '../ops/sequence-values.ts';
import { countLimit, leavesOf, partsOf, withParts } from '../ops/structure.ts';
import { collect, define, type ImportState, lookUp, type NodeItem, placeOf, type Scope } from './import-scope.ts';
import { declaredType } from './import-types.ts';
import type { GraphProto } from './proto-types.ts';

export interface Body {
  readonly outputs: readonly Value[];
  readonly captures: readonly Value[];
}
export type ImportBody = (graph: GraphProto, inputs: readonly Value[], parent: Scope, state: ImportState) => Body;

/** A loop of no more turns, and nodes in all of them, is written out. */
const mostTurns = 64;
const mostNodes = 4096;

interface LoopParts {
  readonly item: NodeItem;
  readonly body: GraphProto;
  readonly limit: Value | undefined;
  readonly condition: Value | undefined;
  readonly carried: readonly Value[];
}

/** Imports a Loop that carries such values; false where it carries none, so that any other node is imported alike. */
export function importLoop(item: NodeItem, state: ImportState, importBody: ImportBody): boolean {
  const body = item.node.attribute.find(({ name }) => name === 'body')?.g;
  if (!body || (item.node.domain && item.node.domain !== 'ai.onnx')) return false;
  let handled = false;
  const done = collect(state, placeOf(item), () => {
    const inputs = item.node.input.map((name) => (name === '' ? undefined : lookUp(item.scope, name)));
    const [limit, condition] = inputs;
    const carried = inputs.slice(2).filter((value) => value !== undefined);
    if (!carried.some(({ structure }) => structure)) return;
    handled = true;
    const parts = { item, body, limit, condition, carried };
    const outputs = writtenOut(parts, state, importBody) ?? asLoop(parts, state, importBody);
    define(item.node, outputs, item.scope, placeOf(item));
  });
  if (!handled) return false;
  if (!done) for (const name of item.node.output) if (name) item.scope.values.set(name, undefined);
  return true;
}

const knownNumber = (value: Value | undefined): number | undefined => {
  const [element] = (value && elementsOf(value)) ?? [];
  return element && constantOf(element);
};

/** The outputs where all turns are known, one after another. */
function writtenOut(parts: LoopParts, state: ImportState, importBody: ImportBody): readonly Value[] | undefined {
  const { item, body, limit, condition, carried } = parts;
  const turns = knownNumber(limit);
  const first = condition ? knownNumber(condition) : 1;
  if (turns === undefined || first === undefined || turns > mostTurns || turns * body.node.length > mostNodes) {
    return undefined;
  }
  const { builder } = state;
  let states: readonly Value[] = carried;
  let going = first !== 0;
  const scans: Value[][] = [];
  for (let turn = 0; turn < turns && going; turn++) {
    const inputs = [builder.scalar(BigInt(turn), 'int64'), builder.scalar(1, 'bool'), ...states];
    const before = state.problems.length;
    const { outputs } = importBody(body, inputs, item.scope, state);
    if (state.problems.length > before) throw problem(placeOf(item), `turn ${turn} of its body cannot be imported.`);
    const next = knownNumber(outputs[0]);
    if (next === undefined) return undefined;
    going = next !== 0;
    states = outputs.slice(1, carried.length + 1);
    scans.push(outputs.slice(carried.length + 1));
  }
  if (body.output.length <= carried.length + 1) return states;
  if (scans.length === 0) return undefined;
  const stacked = scans[0]!.map((_, i) => {
    const rows = scans.map((turn) => builder.apply(Unsqueeze, [turn[i]!, builder.ints([0])]));
    return rows.length === 1 ? rows[0]! : builder.apply(Concat, rows, { axis: 0 });
  });
  return [...states, ...stacked];
}

/** A bound of the number of turns. */
function turnsOf(limit: Value | undefined, state: ImportState): Expr | undefined {
  if (!limit) return undefined;
  return sizesOf(operandOf(limit))?.[0] ?? countLimit(limit) ?? state.sizeOf(limit);
}

interface Import {
  readonly inputs: readonly Value[];
  readonly body: Body;
}

function importTurn(parts: LoopParts, states: readonly Value[], state: ImportState, importBody: ImportBody): Import {
  const { item, body, carried } = parts;
  if (body.input.length !== carried.length + 2)
    throw problem('', `the body has ${body.input.length} inputs; expected ${carried.length + 2}.`);
  if (body.output.length < carried.length + 1)
    throw problem('', `the body has ${body.output.length} outputs; expected at least ${carried.length + 1}.`);
  const { builder } = state;
  const [iteration, going] = [
    builder.input('iteration', scalarType('int64')),
    builder.input('going', scalarType('bool')),
  ];
  const inputs = [iteration, going, ...states];
  const before = state.problems.length;
  const made = importBody(body, inputs, item.scope, state);
  if (state.problems.length > before) throw problem(placeOf(item), 'its body cannot be imported.');
  return { inputs, body: made };
}

const _sizes = (rooms: readonly Room[]): readonly Expr[] => rooms.map(({ size }) => size);

function asLoop(parts: LoopParts, state: ImportState, importBody: ImportBody): readonly Value[] {
  const { builder } = state;
  const fail = (rule: string): never => {
    throw problem('', rule);
  };
  const turns = turnsOf(parts.limit, state);
  let initial = parts.carried.map((value) => asState(builder, value));
  for (let round = 0; ; round++) {
    const unknown = initial.map((value) => unknownRooms(roomsOf(value)));
    const states = initial.map((value, i) => stateLike(builder, value, unknown[i]!));
    const { body } = importTurn(parts, states, state, importBody);
    const joined = initial.map((value, i) =>
      alike(builder, value, asState(builder, body.outputs[i + 1]!), (rule) => fail(`loop-carried value ${i}: ${rule}`)),
    );
    const settled = joined.every(([own], i) => formOf(own) === formOf(initial[i]!));
    const after = joined.map(([, next]) => roomsOf(next));
    if (settled) {
      const rooms = joined.map(([own], i) => roomsForAll(roomsOf(own), unknown[i]!, after[i]!, turns, fail));
      return runInRooms(parts, initial, rooms, state, importBody);
    }
    if (round > 4) fail('what its loop-carried values are made of changes from turn to turn.');
    initial = joined.map(([own]) => own);
  }
}

function runInRooms(
  parts: LoopParts,
  initial: readonly Value[],
  rooms: readonly (readonly Expr[])[],
  state: ImportState,
  importBody: ImportBody,
): readonly Value[] {
  const { item, carried } = parts;
  const { builder } = state;
  const fail = (rule: string): never => {
    throw problem('', rule);
  };
  const states = initial.map((value, i) => stateLike(builder, value, rooms[i]!));
  const { inputs, body } = importTurn(parts, states, state, importBody);
  const own = (value: Value, i: number): Value => {
    const [, like] = alike(builder, states[i]!, asState(builder, value), fail);
    return fitted(builder, like, rooms[i]!);
  };
  const scans = body.outputs.slice(carried.length + 1);
  if (scans.some(({ structure }) => structure)) fail('a scan output must be a tensor of numbers or truth values.');
  const outputs = [
    body.outputs[0]!,
    ...body.outputs
      .slice(1, carried.length + 1)
      .map(own)
      .flatMap(leavesOf),
    ...scans,
  ];
  const graph: Graph = {
    name: parts.body.name ?? '',
    inputs: [...inputs.slice(0, 2), ...states.flatMap(leavesOf)],
    outputs,
    outputNames: outputs.map(({ name }) => name),
    captures: body.captures,
    dims: [],
  };
  const given = initial.map((value, i) => fitted(builder, value, rooms[i]!)).flatMap(leavesOf);
  const declared = item.node.output
    .slice(carried.length)
    .map((name) => declaredType(item.scope.declared.get(name), state.symbols));
  const results = [
    ...builder.applyAll(
      Loop,
      [parts.limit, parts.condition, ...given],
      { body: graph },
      {
        name: item.name,
        outputs: outputs.slice(1).map(() => true),
        sizeOf: (value) => turnsOf(value, state),
        declared: [...given.map(() => undefined), ...declared],
      },
    ),
  ];
  const finals = states.map((value, i) => asDeclared(takeLeaves(value, results), body.outputs[i + 1]!, state));
  return [...finals, ...results];
}

/** A value of the same form, with leaves from a list. */
function takeLeaves(value: Value, leaves: Value[]): Value {
  if (!value.structure) return leaves.shift()!;
  return withParts(
    value,
    partsOf(value).map((part) => takeLeaves(part, leaves)),
  );
}

/** A state that could only begin as an optional is the value inside where the body gives one. */
const asDeclared = (value: Value, given: Value, state: ImportState): Value =>
  value.structure?.kind === 'optional' && given.structure?.kind !== 'optional'
    ? state.builder.apply(OptionalGetElement, [value])
    : value;
