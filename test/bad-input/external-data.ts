// Weights in files beside the model that are not there, too short, or none of the model's business.

import * as fs from 'node:fs';
import { makeModel, node, port } from '../onnx/make-model.ts';
import type { BadCase } from './case.ts';

/** A model whose weights, 8 bytes, are said to lie at these places. */
function model(fields: Readonly<Record<string, string>>): Uint8Array {
  const externalData = Object.entries(fields).map(([key, value]) => ({ key, value }));
  return makeModel({
    input: [port('x', [2])],
    output: [port('y', [2])],
    node: [node('Add', ['x', 'w'], ['y'])],
    initializer: [{ name: 'w', dataType: 1, dims: [2], dataLocation: 1, externalData }],
  });
}

const where = 'tensor "w"';
const secret = (folder: string): void => fs.writeFileSync(`${folder}/secret.bin`, 'topsecret');
const weights = (folder: string): void => fs.writeFileSync(`${folder}/w.bin`, Buffer.alloc(8));
const refused = /^error: [^\n]*external data[^\n]*\n$/i;

export const externalDataCases: readonly BadCase[] = [
  {
    name: 'a file that is missing',
    model: model({ location: 'w.bin' }),
    message: new RegExp(`^error: ${where}.*does not exist. Keep it beside the model`),
  },
  { name: 'no location', model: model({ offset: '0' }), message: /has no location/ },
  { name: 'a location above', model: model({ location: '../secret.bin' }), message: /leads out of a folder/ },
  {
    name: 'a location above by a detour',
    model: model({ location: 'sub/../../secret.bin' }),
    message: /leads out of a folder/,
  },
  { name: 'an absolute location', model: model({ location: '/etc/passwd' }), message: /is an absolute path/ },
  { name: 'a location on another drive', model: model({ location: 'C:\\secret.bin' }), message: refused },
  { name: 'a location with a NUL', model: model({ location: 'w.bin\0.txt' }), message: /NUL/ },
  { name: 'a URL', model: model({ location: 'file:///etc/passwd' }), message: refused },
  { name: 'an empty location', model: model({ location: '' }), message: refused },
  {
    name: 'a folder',
    model: model({ location: 'folder' }),
    prepare: (folder) => fs.mkdirSync(`${folder}/folder`),
    message: /not a regular file|cannot be opened/,
  },
  {
    name: 'a symbolic link out of the folder',
    model: model({ location: 'w.bin' }),
    prepare: (folder) => fs.symlinkSync('/etc/passwd', `${folder}/w.bin`),
    message: /is a link out of the model's folder/,
  },
  {
    name: 'a folder that is a link elsewhere',
    model: model({ location: 'etc/passwd' }),
    prepare: (folder) => fs.symlinkSync('/etc', `${folder}/etc`),
    message: /is a link out of the model's folder/,
  },
  {
    name: 'a hard link',
    model: model({ location: 'w.bin' }),
    prepare: (folder) => {
      secret(folder);
      fs.linkSync(`${folder}/secret.bin`, `${folder}/w.bin`);
    },
    message: /has other hard links/,
  },
  {
    name: 'an offset beyond the file',
    model: model({ location: 'w.bin', offset: '4' }),
    prepare: weights,
    message: /is bytes 4 to 12 of "w.bin", but the file has 8 bytes/,
  },
  {
    name: 'an offset beyond every file',
    model: model({ location: 'w.bin', offset: '9223372036854775807' }),
    prepare: weights,
    message: /but the file has 8 bytes/,
  },
  {
    name: 'an offset below zero',
    model: model({ location: 'w.bin', offset: '-4' }),
    prepare: weights,
    message: /offset of the external data is "-4"/,
  },
  {
    name: 'a length below zero',
    model: model({ location: 'w.bin', length: '-8' }),
    prepare: weights,
    message: /length of the external data is "-8"/,
  },
  {
    name: 'another length than the shape needs',
    model: model({ location: 'w.bin', length: '4' }),
    prepare: weights,
    message: /has length 4, but the shape needs 8 bytes/,
  },
  {
    name: 'an offset that is no number',
    model: model({ location: 'w.bin', offset: '0x0' }),
    prepare: weights,
    message: /offset of the external data is "0x0"/,
  },
];
