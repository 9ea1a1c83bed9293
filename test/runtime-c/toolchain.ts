// Compiles the C of runtime-c for tests, and writes the tensor files that tests feed to it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const runtimeFolder = resolve(import.meta.dirname, '../../runtime-c');
export const testFolder = import.meta.dirname;
export const runtimeSources = readdirSync(runtimeFolder).filter((name) => name.endsWith('.c'));
export const strictFlags = '-std=c99 -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wconversion -Werror'.split(' ');

const answers = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;

/** The C compilers at hand, each of the two families at most once. */
export const compilers: readonly string[] = [
  ['gcc', 'cc'].find(answers),
  ['clang', 'clang-19', 'clang-18', 'clang-17'].find(answers),
].filter((tool) => tool !== undefined);

/** Skips a suite, and says so, where there is no C compiler. */
export function needCompiler(context: Mocha.Context): string {
  const compiler = compilers[0];
  if (compiler !== undefined) return compiler;
  console.warn('      SKIPPED: no C compiler (gcc, cc or clang) was found');
  return context.skip();
}

export const makeFolder = (): string => mkdtempSync(join(tmpdir(), 'lapidary-runtime-'));
export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in a folder. Under sanitizers too, memory that cannot be had is an answer and not an abort. */
export function runProgram(program: string, texts: readonly string[], folder: string): Outcome {
  const env = { ...process.env, ASAN_OPTIONS: 'allocator_may_return_null=1:detect_leaks=1' };
  const result = spawnSync(program, texts, { cwd: folder, encoding: 'utf8', timeout: 60_000, env });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** Compiles C, and links unless told not to; throws what the compiler said. Later flags win over the strict ones. */
export function build(compiler: string, texts: readonly string[], folder: string): void {
  const language = texts.includes('c++') ? strictFlags.slice(1) : strictFlags;
  const result = runProgram(compiler, [...language, `-I${runtimeFolder}`, ...texts], folder);
  if (result.status !== 0) throw new Error(`${compiler} ${texts.join(' ')}\n${result.stderr}`);
}

export const sanitizers = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** The bytes of a .npy file with a header as NumPy writes it, or with the header given. */
export function npy(descriptor: string, shape: readonly number[], data: Uint8Array, options: NpyOptions = {}): Buffer {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = options.header ?? `{'descr': '${descriptor}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const version = options.version ?? 1;
  const start = version === 1 ? 10 : 12;
  const header = `${dict.padEnd((Math.ceil((start + dict.length + 1) / 64) * 64 || 64) - start - 1)}\n`;
  const prefix = Buffer.alloc(start);
  prefix.write('\x93NUMPY', 'latin1');
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(header.length, 8);
  else prefix.writeUInt32LE(header.length, 8);
  return Buffer.concat([prefix, Buffer.from(header, 'latin1'), data]);
}

export interface NpyOptions {
  readonly header?: string;
  readonly version?: number;
}

export interface NpyArray {
  readonly header: string;
  readonly data: Buffer;
}

export function readNpy(path: string): NpyArray {
  const bytes = readFileSync(path);
  const length = bytes.readUInt16LE(8);
  return { header: bytes.toString('latin1', 10, 10 + length).trimEnd(), data: bytes.subarray(10 + length) };
}

export const bytesOf = (array: NodeJS.ArrayBufferView): Buffer =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength);
export const floats = (...values: readonly number[]): Buffer => bytesOf(Float32Array.from(values));
export const longs = (...values: readonly number[]): Buffer => bytesOf(BigInt64Array.from(values, BigInt));

/** A protobuf varint, two's complement in 64 bits. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** Protobuf fields by wire type: a number, bytes with their length, raw bytes of 4 or 8. */
export const numberField = (field: number, value: number | bigint): Buffer =>
  Buffer.concat([varint(field * 8), varint(value)]);
export const bytesField = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
export const fixedField = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([varint(field * 8 + (bytes.length === 4 ? 5 : 1)), bytes]);

/** An ONNX TensorProto with dims and data type, and the fields that hold the data. */
export const onnxTensor = (dtype: number, shape: readonly number[], ...data: readonly Buffer[]): Buffer =>
  Buffer.concat([...shape.map((size) => numberField(1, size)), numberField(2, dtype), ...data]);

/** Writes files into a folder: { name: bytes }. */
export function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
}
