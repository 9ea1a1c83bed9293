// Runs a program in JavaScript, kernel by kernel: for constant folding, and as the oracle of the other targets.

import { type DType, dtypes, isSubByte, storedSize } from '../ir/dtype.ts';
import { arrayOverBytes, type TypedArrayLike } from '../ir/eval-arrays.ts';
import { errorNumbers } from '../ir/eval-expr.ts';
import type { ErrorCode, Expr, Var } from '../ir/expr.ts';
import { constant, constantOf, product } from '../ir/expr-make.ts';
import { rewriteExpr } from '../ir/expr-walk.ts';
import type { Buffer, Kernel } from '../ir/kernel.ts';
import type { CompiledKernel, EvaluateOptions } from '../ir/kernel-eval.ts';
import { stridesOf } from '../ir/kernel-walk.ts';
import { storageOf } from '../ir/legalize/representation.ts';
import type { Program, Step } from '../ir/program.ts';
import { upperBound } from '../ir/upper-bound.ts';
import { CompilerBug } from './errors.ts';
import { compileLegal } from './legalize.ts';
import { packElements, unpackElements } from './npy-packing.ts';

export interface TensorValue {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** The run reported an error code. */
export class RunError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode) {
    super(`the run reported ${code}`);
    this.code = code;
  }
}

interface Machine {
  readonly program: Program;
  readonly options: EvaluateOptions;
  readonly sizes: Map<Var, number>;
  readonly arrays: Map<Buffer, TypedArrayLike>;
  readonly compiled: Map<Kernel, CompiledKernel>;
  readonly regions: {
    readonly inputs: readonly Uint8Array[];
    readonly outputs: readonly Uint8Array[];
    readonly arena: Uint8Array;
  };
}

/** Binds symbolic sizes to the inputs' dimensions. */
export function bindSizes(program: Program, dims: readonly (readonly number[])[]): Map<Var, number> {
  const sizes = new Map<Var, number>();
  for (const [position, { name, buffer }] of program.inputs.entries()) {
    for (const [axis, extent] of buffer.shape.entries()) {
      const given = dims[position]?.[axis];
      const known = extent.kind === 'var' ? sizes.get(extent) : constantOf(extent);
      if (given === undefined) throw new RangeError(`input ${name} has no axis ${axis}`);
      if (known !== undefined && known !== given)
        throw new RangeError(`input ${name}: axis ${axis} is ${given}, expected ${known}`);
      if (extent.kind === 'var') sizes.set(extent, given);
    }
  }
  return sizes;
}

const isError = (code: number): ErrorCode | undefined =>
  (Object.keys(errorNumbers) as ErrorCode[]).find((name) => errorNumbers[name] === code);

export function runProgram(
  program: Program,
  inputs: readonly TensorValue[],
  options: EvaluateOptions = {},
): readonly TensorValue[] {
  const sizes = bindSizes(
    program,
    inputs.map(({ dims }) => dims),
  );
  const machine: Machine = {
    program,
    options,
    sizes,
    arrays: new Map(),
    compiled: new Map(),
    regions: {
      inputs: inputs.map(toStorage),
      outputs: program.outputs.map(({ buffer }) => new Uint8Array(bytesOf(buffer, sizes))),
      arena: new Uint8Array(evaluateSize(program.arenaBytes, sizes)),
    },
  };
  runSteps(program.body, machine);
  return program.outputs.map(({ buffer }, i) => {
    const dims = buffer.shape.map((extent) => evaluateSize(extent, sizes));
    const count = dims.reduce((a, b) => a * b, 1);
    return { dtype: buffer.dtype, dims, bytes: fromStorage(buffer.dtype, machine.regions.outputs[i]!, count) };
  });
}

/** Sub-byte elements take a byte each while a program runs; ONNX packs them. */
function toStorage({ dtype, dims, bytes }: TensorValue): Uint8Array {
  return isSubByte(dtype)
    ? unpackElements(
        bytes,
        dims.reduce((a, b) => a * b, 1),
        dtype,
      )
    : aligned(bytes);
}

function fromStorage(dtype: DType, bytes: Uint8Array, count: number): Uint8Array {
  const stored = bytes.subarray(0, storedSize(dtype, count));
  return isSubByte(dtype) ? packElements(stored, dtypes[dtype].bits) : stored;
}

/** Typed arrays need their natural alignment. */
const aligned = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());

const bytesOf = (buffer: Buffer, sizes: ReadonlyMap<Var, number>): number =>
  storedSize(buffer.dtype, evaluateSize(upperBound(product(buffer.shape)), sizes));

function evaluateSize(size: Expr, sizes: ReadonlyMap<Var, number>): number {
  const value = constantOf(
    rewriteExpr(size, (node) => {
      const known = node.kind === 'var' ? sizes.get(node) : undefined;
      return known === undefined ? undefined : constant(known, 'index');
    }),
  );
  if (value === undefined) throw new CompilerBug('a size depends on something that is not known');
  return value;
}

function evaluateScalar(expr: Expr, machine: Machine): number {
  const value = rewriteExpr(expr, (node) => {
    if (node.kind === 'var') {
      const known = machine.sizes.get(node);
      return known === undefined ? undefined : constant(known, 'index');
    }
    if (node.kind !== 'load') return undefined;
    const strides = stridesOf(node.buffer);
    const at = node.indices.reduce(
      (sum, index, axis) => sum + (constantOf(index) ?? 0) * evaluateSize(strides[axis]!, machine.sizes),
      0,
    );
    return constant(arrayOf(node.buffer, machine)[at] ?? 0, node.dtype);
  });
  const known = constantOf(value);
  if (known === undefined) throw new CompilerBug('a step depends on something that is not known');
  return known;
}

function arrayOf(buffer: Buffer, machine: Machine): TypedArrayLike {
  const known = machine.arrays.get(buffer);
  if (known) return known;
  const place = machine.program.places.get(buffer);
  if (!place) throw new CompilerBug(`buffer ${buffer.name} has no place`);
  const offset = typeof place.offset === 'number' ? place.offset : evaluateSize(place.offset, machine.sizes);
  const region =
    place.kind === 'constant'
      ? machine.program.weights
      : place.kind === 'arena'
        ? machine.regions.arena
        : place.kind === 'input'
          ? machine.regions.inputs[place.index]!
          : machine.regions.outputs[place.index]!;
  // To the end of the region: a view with strides reaches further than its elements are many.
  const made = arrayOverBytes(storageOf(buffer.dtype), region.subarray(offset));
  machine.arrays.set(buffer, made);
  return made;
}

function runSteps(steps: readonly Step[], machine: Machine): void {
  for (const step of steps) {
    switch (step.kind) {
      case 'call': {
        const run = machine.compiled.get(step.kernel) ?? compileLegal(step.kernel, machine.options);
        machine.compiled.set(step.kernel, run);
        const code = run(
          step.arguments.map((buffer) => arrayOf(buffer, machine)),
          step.dims.map((size) => evaluateSize(size, machine.sizes)),
        );
        const failed = isError(code);
        if (failed) throw new RunError(failed);
        break;
      }
      case 'let':
        machine.sizes.set(step.variable, evaluateScalar(step.value, machine));
        break;
      case 'check':
        if (evaluateScalar(step.condition, machine) === 0) throw new RunError(step.code);
        break;
      case 'if':
        runSteps(evaluateScalar(step.condition, machine) !== 0 ? step.then : step.otherwise, machine);
        break;
      case 'loop': {
        const count = step.count ? evaluateScalar(step.count, machine) : Number.POSITIVE_INFINITY;
        for (let turn = 0; turn < count; turn++) {
          machine.sizes.set(step.index, turn);
          if (step.condition && evaluateScalar(step.condition, machine) === 0) break;
          runSteps(step.body, machine);
        }
        break;
      }
    }
  }
}
