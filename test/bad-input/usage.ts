// Options that make no sense, places that cannot be written, tools that are not there.

import * as fs from 'node:fs';
import { makeModel, node, port } from '../onnx/make-model.ts';
import type { BadCase } from './case.ts';

const model = makeModel({
  input: [port('x', ['n', 3])],
  output: [port('y', ['n', 3])],
  node: [node('Neg', ['x'], ['y'])],
});
const compile = (...options: readonly string[]) => ({ model, code: 2, options });
const run = (...options: readonly string[]) => ({
  model,
  code: 2,
  arguments: ['run', 'model.onnx', '-o', 'out', '--target', 'js', ...options],
});
const npy = (header: string, data: number): Buffer => {
  const padded = `${header.padEnd(117, ' ')}\n`;
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    Buffer.from([118, 0]),
    Buffer.from(padded),
    Buffer.alloc(data),
  ]);
};
const input = (content: Uint8Array) => (folder: string) => fs.writeFileSync(`${folder}/x.npy`, content);
const floats = (shape: string, data: number, descr = '<f4'): Buffer =>
  npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`, data);

export const usageCases: readonly BadCase[] = [
  {
    name: 'an unknown command',
    model,
    code: 2,
    arguments: ['compil', 'model.onnx'],
    message: /^error: unknown command 'compil'/,
  },
  {
    name: 'no model',
    code: 2,
    arguments: ['compile', '-o', 'out'],
    message: /^error: missing required argument 'model'/,
  },
  {
    name: 'no output folder',
    model,
    code: 2,
    arguments: ['compile', 'model.onnx'],
    message: /^error: required option '-o, --output <folder>'/,
  },
  { name: 'an unknown option', ...compile('--frobnicate'), message: /^error: unknown option '--frobnicate'/ },
  {
    name: 'an unknown target',
    ...compile('--target', 'cortex-m99'),
    message: /^error: There is no target "cortex-m99"/,
  },
  {
    name: 'a target named constructor',
    ...compile('--target', 'constructor'),
    message: /^error: There is no target "constructor"/,
  },
  {
    name: 'an unknown kind of output',
    ...compile('--target', 'c', '--emit', 'exee'),
    message: /Nothing is called "exee".*"exe"/,
  },
  {
    name: 'kinds that the target does not give',
    ...compile('--target', 'wasm', '--emit', 'c'),
    message: '--emit c does not go with target wasm, which gives wasm.',
  },
  {
    name: 'a dimension that the model does not have',
    ...compile('--target', 'c', '--dim', 'm=1'),
    message: '--dim: the model has no symbolic dimension "m". Did you mean "n"?',
  },
  {
    name: 'a dimension below zero',
    ...compile('--target', 'c', '--dim', 'n=-1'),
    message: /is not a size: expected a whole number/,
  },
  { name: 'a dimension without a size', ...compile('--target', 'c', '--dim', 'n'), message: /Expected NAME=SIZE/ },
  {
    name: 'a dimension that is too large',
    ...compile('--target', 'c', '--dim', 'n=99999999999999999999'),
    message: /is not a size/,
  },
  {
    name: 'a dimension of terabytes',
    model,
    options: ['--target', 'c', '--dim', 'n=900000000000000'],
    message: /^error: input "x": .*bytes/,
  },
  {
    name: 'a shape of another rank',
    model,
    options: ['--target', 'c', '--shape', 'x=3'],
    message: 'input "x": has rank 2; --shape gives 1 sizes.',
  },
  {
    name: 'a shape for an input that is not there',
    ...compile('--target', 'c', '--shape', 'z=3'),
    message: /^error: --shape: the model has no input "z"/,
  },
  {
    name: 'a name that is no name',
    ...compile('--target', 'c', '--name', '../evil'),
    message: /is not a name for functions/,
  },
  {
    name: 'math that does not exist',
    ...compile('--target', 'c', '--math', 'sloppy'),
    message: /Allowed choices are fast, strict/,
  },
  {
    name: 'a file in the place of the output folder',
    ...compile('--target', 'c'),
    prepare: (folder) => fs.writeFileSync(`${folder}/out`, 'mine'),
    message: /^error: The folder .*out cannot be written: part of its path is a file\. Choose another with -o\.\n$/,
  },
  {
    name: 'an output folder below a file',
    model,
    code: 2,
    prepare: (folder) => fs.writeFileSync(`${folder}/taken`, ''),
    arguments: ['compile', 'model.onnx', '-o', 'taken/deep/out', '--target', 'c'],
    message: /part of its path is a file/,
  },
  {
    name: 'an output folder that nobody can write',
    model,
    code: 2,
    arguments: ['compile', 'model.onnx', '-o', '/proc/out', '--target', 'c'],
    message: /^error: The folder \/proc\/out cannot be written: /,
  },
  {
    name: 'an output folder with a NUL',
    model,
    code: 2,
    arguments: ['compile', 'model.onnx', '-o', `${'n'.repeat(300)}/x`, '--target', 'c'],
    message: /cannot be written/,
  },
  {
    name: 'no C compiler',
    model,
    code: 3,
    options: ['--target', 'c', '--emit', 'exe', '--dim', 'n=1'],
    environment: { PATH: '/nowhere', CC: '' },
    message: /^error: .*C compiler.*not found.*install/is,
  },
  {
    name: 'a C compiler that fails',
    model,
    code: 3,
    options: ['--target', 'c', '--emit', 'exe', '--dim', 'n=1'],
    environment: { CC: 'false' },
    message: /^error: /,
  },
  {
    name: 'a C compiler that does not exist',
    model,
    code: 3,
    options: ['--target', 'c', '--emit', 'exe', '--dim', 'n=1'],
    environment: { CC: '/nowhere/cc' },
    message: /^error: /,
  },
  { name: 'no input', ...run(), code: 2, message: /^error: .*"x"/ },
  {
    name: 'an input that the model does not have',
    ...run('--input', 'z=x.npy'),
    message: /^error: --input: the model has no input "z"/,
  },
  {
    name: 'an input file that is not there',
    ...run('--input', 'x=x.npy'),
    message: '--input x=x.npy: there is no file x.npy.',
  },
  {
    name: 'an input given twice',
    ...run('--input', 'x=x.npy', '--input', 'x=x.npy'),
    prepare: input(floats('2, 3', 24)),
    message: '--input: "x" is given twice.',
  },
  {
    name: 'an input of another shape',
    ...run('--input', 'x=x.npy'),
    prepare: input(floats('2, 4', 32)),
    message: /^error: .*x/,
  },
  {
    name: 'an input of another rank',
    ...run('--input', 'x=x.npy'),
    prepare: input(floats('6,', 24)),
    message: /^error: .*x/,
  },
  {
    name: 'an input of another type',
    ...run('--input', 'x=x.npy'),
    prepare: input(floats('2, 3', 48, '<f8')),
    message: /^error: .*float64.*float32|^error: .*float32.*float64/,
  },
  {
    name: 'an input file that is cut off',
    ...run('--input', 'x=x.npy'),
    prepare: input(floats('2, 3', 20)),
    message: /Is the file complete\?/,
  },
  {
    name: 'an input file of terabytes, it says',
    ...run('--input', 'x=x.npy'),
    prepare: input(floats('999999999999, 3', 24)),
    message: /^error: --input x=x\.npy: /,
  },
  {
    name: 'an input file whose header is no dictionary',
    ...run('--input', 'x=x.npy'),
    prepare: input(npy('import os', 24)),
    message: /^error: --input x=x\.npy: /,
  },
  {
    name: 'an input file that is only a magic number',
    ...run('--input', 'x=x.npy'),
    prepare: input(Buffer.from('\x93NUMPY', 'latin1')),
    message: /^error: --input x=x\.npy: /,
  },
  { name: 'a folder without cases', model, code: 2, arguments: ['test', 'model.onnx'], message: /^error: / },
];
