// The part of the JavaScript for models with values that are no plain tensors: strings, sequences, optionals and maps as
// JavaScript has them ↔ the tensors of `run`. A template; only the table of forms is filled in. See ir/form.ts.

import type { DType } from '../../ir/dtype.ts';
import type { Form, Forms } from '../../ir/form.ts';
import { type Interface, jsonText } from './interface.ts';

export function valuesOf(forms: Forms | undefined, tensors: Interface): string {
  if (!forms) return '';
  const dtypes = tensors.inputs.map(({ dtype }) => dtype);
  return `
const forms = ${jsonText(forms)};
const sequenceArrays = { ${arraysOf(forms, tensors, dtypes)} };
${conversions}`;
}

/** The arrays that hold the data of sequences and maps at the inputs. */
function arraysOf(forms: Forms, tensors: Interface, dtypes: readonly DType[]): string {
  const used = new Set<DType>();
  const visit = (form: Form): void => {
    if (form.kind === 'sequence' && form.data.kind === 'tensor') used.add(dtypes[form.data.port]!);
    if (form.kind === 'map' && form.values.kind === 'tensor') used.add(dtypes[form.values.port]!);
    if (form.kind === 'optional' && form.value) visit(form.value);
  };
  for (const { form } of forms.inputs) visit(form);
  const found = tensors.inputs.filter(({ dtype }) => used.has(dtype));
  return [...new Map(found.map(({ dtype, array }) => [dtype, array]))]
    .map(([dtype, array]) => `${dtype}: ${array}`)
    .join(', ');
}

const conversions = `
const countOf = (shape) => shape.reduce((product, size) => product * size, 1);
const dataOf = (value) => value?.data ?? (typeof value === 'string' ? [value] : value);
const shapeOf = (value) => value?.shape ?? (typeof value === 'string' ? [] : [value.length]);
const int64 = (values, shape) => ({ data: BigInt64Array.from(values, BigInt), shape });

/** Writes a value to the tensors of \`run\`, by their position. */
function encode(form, value, tensors, name) {
  switch (form.kind) {
    case 'tensor': {
      tensors[form.port] = value;
      if (form.size === undefined) return;
      const integers = Array.from(dataOf(value), Number);
      const sizes = [1, -1].flatMap((sign) => integers.map((integer) => Math.max(0, sign * integer)));
      tensors[form.size] = { data: new Uint8Array(0), shape: [...sizes, 0] };
      return;
    }
    case 'strings': {
      const texts = [...dataOf(value)].map((text) => new TextEncoder().encode(text));
      const bytes = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0));
      let offset = 0;
      const spans = texts.map((text) => {
        bytes.set(text, offset);
        offset += text.length;
        return (BigInt(offset - text.length) << 32n) | BigInt(text.length);
      });
      tensors[form.spans] = int64(spans, shapeOf(value));
      tensors[form.bytes] = { data: bytes, shape: [bytes.length] };
      return;
    }
    case 'sequence':
      encodeSequence(form, value, tensors, name);
      return;
    case 'optional': {
      const there = value !== undefined && value !== null;
      tensors[form.present] = { data: Uint8Array.of(there ? 1 : 0), shape: [] };
      if (there) encode(form.value, value, tensors, name);
      else for (const port of portsOf(form.value)) tensors[port] = nothing(description.inputs[port]);
      return;
    }
    case 'map': {
      const [keys, values] = [[...value.keys()], [...value.values()]];
      encode(form.keys, form.keys.kind === 'strings' ? keys : int64(keys, [keys.length]), tensors, name);
      encode(form.values, arrayAt(form.values, values), tensors, name);
    }
  }
}

function encodeSequence(form, value, tensors, name) {
  const shapes = value.map(shapeOf);
  const declared = description.inputs[form.shapes].shape[1];
  const widest = Math.max(0, ...shapes.map((shape) => shape.length));
  const rank = typeof declared === 'number' ? declared - 1 : widest;
  if (widest > rank) throw new RangeError(\`\${label}: input "\${name}" has elements of rank \${widest}, expected \${rank}\`);
  const rows = shapes.flatMap((shape) => [shape.length, ...shape, ...Array(rank - shape.length).fill(1)]);
  tensors[form.shapes] = int64(rows, [value.length, rank + 1]);
  const all = value.flatMap((element) => [...dataOf(element)]);
  // An extent is at most the room for elements, even where another one is 0.
  const room = Math.max(all.length, ...shapes.flat());
  while (all.length < room) all.push(typeof all[0] === 'bigint' ? 0n : form.data.kind === 'strings' ? '' : 0);
  encode(form.data, arrayAt(form.data, all), tensors, name);
}

function arrayAt(form, values) {
  if (form.kind === 'strings') return values;
  const { dtype } = description.inputs[form.port];
  const wide = dtype === 'int64' || dtype === 'uint64';
  return { data: sequenceArrays[dtype].from(values, wide ? BigInt : Number), shape: [values.length] };
}

const portsOf = (form) =>
  form.kind === 'sequence'
    ? [form.shapes, ...portsOf(form.data)]
    : form.kind === 'strings'
      ? [form.spans, form.bytes]
      : form.kind === 'map'
        ? [...portsOf(form.keys), ...portsOf(form.values)]
        : form.kind === 'optional'
          ? [form.present, ...portsOf(form.value)]
          : [form.port];

const nothing = ({ dtype, shape }) => {
  const sizes = shape.map((size) => (typeof size === 'number' ? size : 0));
  return { data: new arrays[dtype](countOf(sizes)), shape: sizes };
};

/** Reads a value from the tensors that \`run\` gave. */
function decode(form, tensors) {
  switch (form.kind) {
    case 'tensor':
      return { data: tensors[form.port].data.slice(), shape: [...tensors[form.port].shape] };
    case 'strings': {
      const [spans, bytes] = [tensors[form.spans], tensors[form.bytes].data];
      const data = Array.from(spans.data, (span) => {
        const offset = Number(span >> 32n);
        return new TextDecoder().decode(bytes.slice(offset, offset + Number(span & 0xffffffffn)));
      });
      return { data, shape: [...spans.shape] };
    }
    case 'list':
      return form.items.map((item) => decode(item, tensors));
    case 'sequence': {
      const { data: rows, shape: [length, width] } = tensors[form.shapes];
      const count = form.count === undefined ? length : Number(tensors[form.count].data[0]);
      const { data } = decode(form.data, tensors);
      let start = 0;
      return Array.from({ length: count }, (_, row) => {
        const rank = Number(rows[row * width]);
        const shape = Array.from(rows.slice(row * width + 1, row * width + 1 + rank), Number);
        start += countOf(shape);
        return { data: data.slice(start - countOf(shape), start), shape };
      });
    }
    case 'optional':
      return form.value && (form.present === undefined || tensors[form.present].data[0]) ? decode(form.value, tensors) : undefined;
    default: {
      const [keys, values] = [decode(form.keys, tensors).data, decode(form.values, tensors)];
      if (form.kind === 'map') return new Map(Array.from(keys, (key, i) => [key, values.data[i]]));
      return Array.from({ length: values.shape[0] }, (_, row) => new Map(Array.from(keys, (key, i) => [key, values.data[row * keys.length + i]])));
    }
  }
}

/** Runs a model on values as JavaScript has them: strings, arrays for sequences, undefined for an absent optional, Map. */
export function runValues(model, values) {
  const tensors = [];
  for (const { name, form } of forms.inputs) encode(form, values[name], tensors, name);
  const inputs = Object.fromEntries(description.inputs.map(({ key }, port) => [key, tensors[port]]));
  const found = model.run(inputs);
  const outputs = description.outputs.map(({ key, shape }) => {
    const own = found[key];
    return ArrayBuffer.isView(own) ? { data: own, shape } : own;
  });
  return Object.fromEntries(forms.outputs.map(({ name, form }) => [name, decode(form, outputs)]));
}`;

/** The declarations that belong to it. */
export const valueDeclarations = (forms: Forms | undefined): string =>
  forms
    ? `
/** A tensor, text included; a sequence; an optional that is absent; a map. */
export type Value =
  | ArrayBufferView
  | string
  | readonly string[]
  | { readonly data: ArrayBufferView | readonly string[]; readonly shape: readonly number[] }
  | readonly Value[]
  | undefined
  | ReadonlyMap<bigint | string, number | bigint | string>;

/** Runs a model on values by the names of the model: ${forms.inputs.map(({ name }) => jsonText(name).replaceAll('*/', '* /')).join(', ')}. */
export function runValues(model: Model, values: Readonly<Record<string, Value>>): Record<string, Value>;
`
    : '';
