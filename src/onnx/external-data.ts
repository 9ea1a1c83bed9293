// Weights in files beside the model. A model is untrusted: it must not make the compiler read, and put into its output,
// any file but those that belong to it. So a location is a relative path below the model's folder, links are followed
// only to where the model itself lives, and what is opened is checked again to be the file that was approved.

import { constants } from 'node:buffer';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { problem } from '../errors.ts';
import type { StringStringEntryProto } from './proto-types.ts';
import type { ResolveExternal } from './tensor.ts';

/** Reads the external data of the model in `modelFile`, only the bytes that are asked for. */
export function externalDataOf(modelFile: string): ResolveExternal {
  return (entries, byteLength, where) => {
    const reference = readReference(entries, where);
    const length = reference.length ?? BigInt(byteLength);
    if (length !== BigInt(byteLength)) {
      throw problem(where, `The external data has length ${length}, but the shape needs ${byteLength} bytes.`);
    }
    const file = locate(modelFile, reference.location, where);
    return readRange(file, reference, byteLength, where);
  };
}

interface Reference {
  readonly location: string;
  readonly offset: bigint;
  readonly length: bigint | undefined;
}

function readReference(entries: readonly StringStringEntryProto[], where: string): Reference {
  const value = (key: string): string | undefined => {
    const found = entries.filter((entry) => entry.key === key);
    if (found.length > 1) throw problem(where, `The external data has ${found.length} entries "${key}", expected one.`);
    return found[0]?.value;
  };
  const number = (key: string): bigint | undefined => {
    const text = value(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,19}$/.test(text)) {
      throw problem(where, `The ${key} of the external data is ${JSON.stringify(text)}, expected a count of bytes.`);
    }
    return BigInt(text);
  };
  const location = value('location');
  if (location === undefined) throw problem(where, 'The external data has no location.');
  return { location, offset: number('offset') ?? 0n, length: number('length') };
}

/** Why a location is refused before any file is looked at, or undefined. */
export function locationProblem(location: string): string | undefined {
  if (location === '') return 'is empty';
  if (location.includes('\0')) return 'contains a NUL character';
  if (location.includes('\\')) return 'contains a backslash; ONNX separates folders by "/"';
  if (location.startsWith('/') || /^[A-Za-z]:/.test(location)) return 'is an absolute path';
  if (location.includes('://')) return 'is a URL';
  if (location.split('/').includes('..')) return 'leads out of a folder by ".."';
  if (location.endsWith('/')) return 'is a folder';
  return undefined;
}

/** The real path of an external data file that the model may read. */
function locate(modelFile: string, location: string, where: string): string {
  const refused = locationProblem(location);
  if (refused !== undefined) {
    const expected = 'Expected the path of a file in the folder of the model.';
    throw problem(where, `The external data location ${JSON.stringify(location)} ${refused}. ${expected}`);
  }
  const folder = path.dirname(path.resolve(modelFile));
  // In a download cache the model is a link to where the content is kept (../../blobs/HASH), and so are its weights.
  // The content's folder then belongs to the model as much as the folder of the link.
  const content = realPath(modelFile, where);
  const home = realPath(folder, where);
  if (content === undefined || home === undefined) throw problem(where, `The model file ${modelFile} does not exist.`);
  const roots = [...new Set([home, path.dirname(content)])];
  const real = roots.map((root) => realPath(path.join(root, location), where)).find((file) => file !== undefined);
  if (real === undefined) {
    const file = path.join(folder, location);
    throw problem(where, `The external data file ${file} does not exist. Keep it beside the model.`);
  }
  if (!roots.some((root) => isBelow(real, root))) {
    throw problem(where, `The external data location ${JSON.stringify(location)} is a link out of the model's folder.`);
  }
  return real;
}

const isBelow = (file: string, folder: string): boolean =>
  file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);

/** The file with all links followed, or undefined where there is none. */
function realPath(file: string, where: string): string | undefined {
  try {
    return fs.realpathSync(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw problem(where, `The path ${JSON.stringify(file)} cannot be followed: ${reasonOf(error)}.`);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function readRange(file: string, reference: Reference, byteLength: number, where: string): Uint8Array {
  const shown = JSON.stringify(reference.location);
  // Not through a link that was put there meanwhile, and not waiting for the writer of a pipe.
  const flags = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);
  const descriptor = openOrExplain(file, flags, where, shown);
  try {
    const { size, nlink } = checkedStat(descriptor, where, shown);
    if (nlink > 1n) {
      const reason = 'has other hard links, so it may be a file from elsewhere';
      throw problem(where, `The external data file ${shown} ${reason}. Replace it by a copy.`);
    }
    if (reference.offset + BigInt(byteLength) > size) {
      const wanted = `bytes ${reference.offset} to ${reference.offset + BigInt(byteLength)}`;
      throw problem(where, `The external data is ${wanted} of ${shown}, but the file has ${size} bytes.`);
    }
    if (byteLength > constants.MAX_LENGTH) throw problem(where, `The tensor is too large: ${byteLength} bytes.`);
    return readFully(descriptor, byteLength, reference.offset, where, shown);
  } finally {
    fs.closeSync(descriptor);
  }
}

function openOrExplain(file: string, flags: number, where: string, shown: string): number {
  try {
    return fs.openSync(file, flags);
  } catch (error) {
    throw problem(where, `The external data file ${shown} cannot be opened: ${reasonOf(error)}.`);
  }
}

function checkedStat(descriptor: number, where: string, shown: string): { size: bigint; nlink: bigint } {
  const stat = fs.fstatSync(descriptor, { bigint: true });
  if (!stat.isFile()) throw problem(where, `The external data location ${shown} is not a regular file.`);
  return stat;
}

/** One read may return less than asked, and takes less than 2 GiB. */
function readFully(descriptor: number, byteLength: number, offset: bigint, where: string, shown: string): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  let done = 0;
  while (done < byteLength) {
    const wanted = Math.min(byteLength - done, 2 ** 30);
    const read = fs.readSync(descriptor, bytes, done, wanted, offset + BigInt(done));
    if (read === 0) throw problem(where, `The external data file ${shown} became shorter while it was read.`);
    done += read;
  }
  return bytes;
}
