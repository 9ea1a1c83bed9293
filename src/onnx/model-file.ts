// Reads a model file, with errors that say what to do.

import * as fs from 'node:fs';
import { problem } from '../errors.ts';

/** Protobuf lengths are 31-bit; ONNX puts larger weights in files beside the model. */
export const largestModelFile = 2 ** 31 - 1;

export const tooLargeModel = (where: string, size: number) =>
  problem(
    where,
    `The file has ${size} bytes; an ONNX file has less than 2 GiB. ` +
      'Save the model with external data (onnx.save with save_as_external_data=True).',
  );

export function readModelFile(file: string): Uint8Array {
  const where = `file ${file}`;
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) throw problem(where, 'There is no such file.');
  if (!stat.isFile())
    throw problem(where, `It is ${stat.isDirectory() ? 'a folder' : 'not a regular file'}; expected an ONNX model.`);
  if (stat.size > largestModelFile) throw tooLargeModel(where, stat.size);
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw problem(where, `The file cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
