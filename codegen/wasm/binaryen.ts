// A small facade over binaryen.js: the only file that sees its types, which differ from what it does in places
// (i64.const, segment names, feature bits), and its raw C entry points, which it needs for relaxed SIMD.
// Loaded lazily: importing binaryen costs 0.3 s and 100 MB.

import { IrError } from '../../ir/expr-make.ts';

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';
type Shape = 'i8x16' | 'i16x8' | 'i32x4' | 'i64x2' | 'f32x4' | 'f64x2';

/** An expression inside a module under construction; it may be placed in one position only. */
export type Code = number & { readonly code: unique symbol };

/** The name of an instruction without immediates, as binaryen.js spells it: 'i32.add', 'f32.convert_s.i32'. */
export type Opcode = `${ValueType | Shape}.${string}`;

export interface DataSegment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface ModuleBuilder {
  /** An instruction whose operands are all on the stack. */
  op(name: Opcode, ...operands: readonly Code[]): Code;
  /** A lane access: extract_lane, replace_lane. */
  lane(name: Opcode, vector: Code, lane: number, value?: Code): Code;
  /** load, load8_u, v128.load32_splat …; every access may be unaligned. */
  load(name: Opcode, offset: number, pointer: Code): Code;
  store(name: Opcode, offset: number, pointer: Code, value: Code): Code;
  /** v128.load8_lane … and v128.store8_lane … */
  laneAccess(name: Opcode, offset: number, lane: number, pointer: Code, vector: Code): Code;
  shuffle(left: Code, right: Code, bytes: readonly number[]): Code;
  /** a * b + addend, rounded once or twice. */
  relaxedMadd(shape: 'f32x4' | 'f64x2', a: Code, b: Code, addend: Code): Code;
  /** addend - a * b, rounded once or twice. */
  relaxedNmadd(shape: 'f32x4' | 'f64x2', a: Code, b: Code, addend: Code): Code;
  i32(value: number): Code;
  i64(value: bigint): Code;
  f32(value: number): Code;
  f64(value: number): Code;
  v128(bytes: Uint8Array): Code;
  get(local: number, type: ValueType): Code;
  set(local: number, value: Code): Code;
  tee(local: number, value: Code, type: ValueType): Code;
  getGlobal(name: string, type: ValueType): Code;
  setGlobal(name: string, value: Code): Code;
  select(condition: Code, whenTrue: Code, whenFalse: Code): Code;
  if(condition: Code, then: Code, otherwise?: Code | undefined): Code;
  /** A sequence; its value, where `type` is given, is that of the last. */
  block(body: readonly Code[], type?: ValueType, label?: string): Code;
  loop(label: string, body: Code): Code;
  branch(label: string, condition?: Code): Code;
  call(name: string, operands: readonly Code[], result?: ValueType): Code;
  returns(value?: Code): Code;
  drop(value: Code): Code;
  /** Reads, replaces or adds to an i32 that threads share; adding gives what was there before. */
  atomic(operation: 'load' | 'add', offset: number, pointer: Code, value?: Code): Code;
  atomicStore(offset: number, pointer: Code, value: Code): Code;
  /** Sleeps until notified, unless the i32 is no longer as expected. */
  wait(pointer: Code, expected: Code): Code;
  /** Wakes all that sleep there. */
  notify(pointer: Code): Code;
  copyMemory(to: Code, from: Code, bytes: Code): Code;
  function(
    name: string,
    parameters: readonly ValueType[],
    result: ValueType | undefined,
    locals: readonly ValueType[],
    body: Code,
  ): void;
  exportFunction(internal: string, external: string): void;
  global(name: string, value: number): void;
  memory(initialPages: number, maximumPages: number, segments: readonly DataSegment[]): void;
  /** A memory that threads share, given to the module as `env.memory`. */
  sharedMemory(initialPages: number, maximumPages: number, segments: readonly DataSegment[]): void;
  /** Light passes that keep the shape of kernels; never a whole optimisation level. */
  runPasses(names: readonly string[]): void;
  text(): string;
  /** Validates, encodes and frees the module. */
  emit(): Uint8Array<ArrayBuffer>;
}

export interface Features {
  readonly simd: boolean;
  readonly relaxed: boolean;
  readonly threads?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: the border to binaryen, whose declarations are wrong in places.
type Untyped = any;

let loaded: Promise<Untyped> | undefined;

export async function newModule(features: Features): Promise<ModuleBuilder> {
  loaded ??= import('binaryen').then((found) => found.default);
  return wrapModule(await loaded, features);
}

/** Accesses name the memory, since it is made last. */
const memoryName = '0';

/** Segment bytes beyond this take seconds in binaryen. */
export const largestSegment = 64 << 20;

function wrapModule(binaryen: Untyped, { simd, relaxed, threads = false }: Features): ModuleBuilder {
  const module: Untyped = new binaryen.Module();
  const bits = binaryen.Features;
  // BulkMemory without BulkMemoryOpt aborts when the module is emitted.
  const basic = bits.MutableGlobals | bits.NontrappingFPToInt | bits.SignExt | bits.BulkMemory | bits.BulkMemoryOpt;
  const optional = (simd ? bits.SIMD128 : 0) | (relaxed ? bits.RelaxedSIMD : 0) | (threads ? bits.Atomics : 0);
  module.setFeatures(basic | optional);

  const methods = new Map<string, Untyped>();
  const method = (name: string): Untyped => {
    let found = methods.get(name);
    if (!found) {
      found = name.split('.').reduce((scope: Untyped, part) => scope?.[part], module);
      if (typeof found !== 'function') throw new IrError(`no WebAssembly instruction ${name}`);
      methods.set(name, found);
    }
    return found;
  };
  const typeOf = (type: ValueType | undefined): number => (type === undefined ? binaryen.none : binaryen[type]);
  const types = (list: readonly ValueType[]): number => binaryen.createType(list.map(typeOf));

  const setMemory = (initial: number, maximum: number, segments: readonly DataSegment[], shared: boolean): void => {
    const data = segments.map(({ offset, bytes }) => ({
      offset: module.i32.const(offset),
      data: bytes,
      passive: false,
    }));
    module.setMemory(initial, maximum, shared ? null : 'memory', data, shared, false, memoryName);
    if (shared) module.addMemoryImport(memoryName, 'env', 'memory', true);
  };

  return {
    op: (name, ...operands) => method(name)(...operands),
    lane: (name, vector, lane, value) =>
      value === undefined ? method(name)(vector, lane) : method(name)(vector, lane, value),
    load: (name, offset, pointer) => method(name)(offset, 1, pointer, memoryName),
    store: (name, offset, pointer, value) => method(name)(offset, 1, pointer, value, memoryName),
    laneAccess: (name, offset, lane, pointer, vector) => method(name)(offset, 1, lane, pointer, vector, memoryName),
    shuffle: (left, right, bytes) => module.i8x16.shuffle(left, right, bytes),
    relaxedMadd: (shape, a, b, addend) => {
      const operation = shape === 'f32x4' ? binaryen.RelaxedMaddVecF32x4 : binaryen.RelaxedMaddVecF64x2;
      return binaryen._BinaryenSIMDTernary(module.ptr, operation, a, b, addend);
    },
    relaxedNmadd: (shape, a, b, addend) => {
      const operation = shape === 'f32x4' ? binaryen.RelaxedNmaddVecF32x4 : binaryen.RelaxedNmaddVecF64x2;
      return binaryen._BinaryenSIMDTernary(module.ptr, operation, a, b, addend);
    },
    i32: (value) => module.i32.const(value | 0),
    i64: (value) => module.i64.const(BigInt.asIntN(64, value)),
    f32: (value) => module.f32.const(value),
    f64: (value) => module.f64.const(value),
    v128: (bytes) => module.v128.const(bytes),
    get: (local, type) => module.local.get(local, typeOf(type)),
    set: (local, value) => module.local.set(local, value),
    tee: (local, value, type) => module.local.tee(local, value, typeOf(type)),
    getGlobal: (name, type) => module.global.get(name, typeOf(type)),
    setGlobal: (name, value) => module.global.set(name, value),
    select: (condition, whenTrue, whenFalse) => module.select(condition, whenTrue, whenFalse),
    if: (condition, then, otherwise) =>
      otherwise === undefined ? module.if(condition, then) : module.if(condition, then, otherwise),
    block: (body, type, label) => module.block(label ?? null, body, typeOf(type)),
    loop: (label, body) => module.loop(label, body),
    branch: (label, condition) => (condition === undefined ? module.br(label) : module.br(label, condition)),
    call: (name, operands, result) => module.call(name, operands, typeOf(result)),
    returns: (value) => (value === undefined ? module.return() : module.return(value)),
    drop: (value) => module.drop(value),
    atomic: (operation, offset, pointer, value) =>
      operation === 'load'
        ? module.i32.atomic.load(offset, pointer, memoryName)
        : module.i32.atomic.rmw.add(offset, pointer, value, memoryName),
    atomicStore: (offset, pointer, value) => module.i32.atomic.store(offset, pointer, value, memoryName),
    wait: (pointer, expected) => module.memory.atomic.wait32(pointer, expected, module.i64.const(-1n), memoryName),
    notify: (pointer) => module.memory.atomic.notify(pointer, module.i32.const(-1), memoryName),
    copyMemory: (to, from, bytes) => module.memory.copy(to, from, bytes, memoryName, memoryName),
    function: (name, parameters, result, locals, body) => {
      module.addFunction(name, types(parameters), typeOf(result), locals.map(typeOf), body);
    },
    exportFunction: (internal, external) => module.addFunctionExport(internal, external),
    global: (name, value) => module.addGlobal(name, binaryen.i32, true, module.i32.const(value)),
    memory: (initialPages, maximumPages, segments) => setMemory(initialPages, maximumPages, segments, false),
    sharedMemory: (initialPages, maximumPages, segments) => setMemory(initialPages, maximumPages, segments, true),
    runPasses: (names) => module.runPasses(names),
    text: () => module.emitText(),
    emit: () => {
      if (!module.validate()) throw new IrError('the generated WebAssembly module is not valid');
      const binary: Uint8Array<ArrayBuffer> = module.emitBinary();
      module.dispose();
      return binary;
    },
  };
}
