// ModelProto → Graph: the border at which a model is checked. Reports every problem that it finds in one go.

import { int } from '../../ir/expr-make.ts';
import type { NamedForm } from '../../ir/form.ts';
import type { Graph, Type, Value } from '../../ir/graph.ts';
import { ModelError, problem } from '../errors.ts';
import type { Builder } from '../ops/define.ts';
import { countInlined } from './count-inlined.ts';
import { functionKey, normalizeDomain, opsetVersions } from './domains.ts';
import { importNodes } from './import-graph.ts';
import { importInitializers } from './import-initializers.ts';
import { inputPorts, isPlain, outputPorts, sizeOfInput } from './import-ports.ts';
import { collect, type ImportState, type OperatorTable, refuseRepeated, type Scope } from './import-scope.ts';
import { createSymbols, type DimensionOptions, variablesOf } from './import-types.ts';
import type { FunctionProto, ModelProto } from './proto-types.ts';
import { typeHints } from './shape-hints.ts';
import type { ResolveExternal } from './tensor.ts';
import { scanLimits } from './wire-scan.ts';

export interface ImportOptions extends DimensionOptions {
  /** Whole shapes of inputs, by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Initializers that stay inputs. */
  readonly overridable: readonly string[];
  /** Functions for operators that the model does not define itself. */
  readonly functions?: readonly FunctionProto[];
  readonly resolveExternal?: ResolveExternal;
}

const newestIr = 13n;

export function importModel(model: ModelProto, table: OperatorTable, builder: Builder, options: ImportOptions): Graph {
  const proto = model.graph;
  if (!proto) throw problem('model', 'has no graph.');
  if ((model.irVersion ?? 0n) < 1n || (model.irVersion ?? 0n) > newestIr) {
    throw problem('model', `has IR version ${model.irVersion}; supported are 1 to ${newestIr}.`);
  }
  const functions = new Map(
    [...(options.functions ?? []), ...model.functions].map(
      (item) => [functionKey(normalizeDomain(item.domain), item.name ?? '', item.overload ?? ''), item] as const,
    ),
  );
  const written = countInlined(proto.node, ({ domain, opType, overload }) =>
    functions.get(functionKey(normalizeDomain(domain), opType ?? '', overload ?? '')),
  );
  if (written > scanLimits.nodes) {
    throw problem('model', `its functions, written out, have more than ${scanLimits.nodes} nodes.`);
  }
  const symbols = createSymbols(options);
  const inputs: Value[] = [];
  const forms: NamedForm[] = [];
  const border = { g: builder, symbols, inputs };
  const state: ImportState = {
    builder,
    table,
    symbols,
    functions,
    resolveExternal: options.resolveExternal,
    problems: [],
    budget: { branches: 64 },
    sizeOf: (value, position) => sizeOfInput(value, position, forms, border),
  };
  const infos = [...proto.valueInfo, ...proto.output];
  const scope: Scope = {
    values: new Map(),
    parent: undefined,
    captures: new Set(),
    opsets: opsetVersions(model.opsetImport),
    ...typeHints(infos, proto.node),
    attributes: new Map(),
    callers: [],
    results: proto.output.map(({ name }) => name ?? ''),
  };
  const initialized = new Set([
    ...proto.initializer.map(({ name }) => name ?? ''),
    ...proto.sparseInitializer.map(({ values }) => values?.name ?? ''),
  ]);
  const overridable = new Set(options.overridable);
  for (const info of proto.input) {
    const name = info.name ?? '';
    if (initialized.has(name) && !overridable.has(name)) continue;
    collect(state, `input ${JSON.stringify(name)}`, () => {
      refuseRepeated(name, scope);
      scope.values.set(name, undefined);
      const { value, form } = inputPorts(info.type, name, border, (type) => shapedType(type, name, options));
      scope.values.set(name, value);
      forms.push({ name, form });
    });
  }
  importInitializers(proto, scope, state, overridable);
  importNodes(proto.node, scope, state);
  const outputs = proto.output.flatMap(({ name = '' }) => {
    const value = scope.values.get(name);
    const failed = scope.values.has(name) && !value;
    if (!value && !failed)
      state.problems.push({ where: `output ${JSON.stringify(name)}`, what: 'is not computed by any node.' });
    return value ? [{ name, value }] : [];
  });
  if (proto.output.length === 0) state.problems.push({ where: 'model', what: 'has no outputs.' });
  if (state.problems.length > 0) throw new ModelError(state.problems);
  const made = outputPorts(outputs);
  const plain = [...forms, ...made.forms].every(isPlain);
  return {
    name: proto.name ?? '',
    inputs,
    outputs: made.values,
    outputNames: made.names,
    captures: [],
    dims: variablesOf(symbols),
    ...(plain ? {} : { forms: { inputs: forms, outputs: made.forms } }),
  };
}

function shapedType(type: Type, name: string, options: ImportOptions): Type {
  const shape = Object.hasOwn(options.shapes, name) ? options.shapes[name] : undefined;
  if (!shape || type.kind !== 'tensor') return type;
  if (shape.length !== type.shape.length) {
    throw problem(
      `input ${JSON.stringify(name)}`,
      `has rank ${type.shape.length}; --shape gives ${shape.length} sizes.`,
    );
  }
  return { ...type, shape: shape.map(int) };
}
