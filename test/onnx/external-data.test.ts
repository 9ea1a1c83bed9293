import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { ModelError } from '../../src/errors.ts';
import { externalDataOf, locationProblem } from '../../src/onnx/external-data.ts';
import { readModelFile } from '../../src/onnx/model-file.ts';

/** root/model/{model.onnx, weights.bin, sub/more.bin} and root/secret.bin. */
function house(): { readonly root: string; readonly folder: string; readonly model: string } {
  const root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'external-')));
  const folder = path.join(root, 'model');
  fs.mkdirSync(path.join(folder, 'sub'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'model.onnx'), 'model');
  fs.writeFileSync(path.join(folder, 'weights.bin'), '0123456789');
  fs.writeFileSync(path.join(folder, 'sub/more.bin'), 'abcdef');
  fs.writeFileSync(path.join(root, 'secret.bin'), 'top secret');
  return { root, folder, model: path.join(folder, 'model.onnx') };
}

const entries = (fields: Readonly<Record<string, string>>) =>
  Object.entries(fields).map(([key, value]) => ({ key, value }));
const read = (model: string, fields: Readonly<Record<string, string>>, byteLength: number): string =>
  Buffer.from(externalDataOf(model)(entries(fields), byteLength, 'tensor "w"')).toString();

function refusal(model: string, fields: Readonly<Record<string, string>>, byteLength = 4): string {
  try {
    read(model, fields, byteLength);
  } catch (error) {
    if (error instanceof ModelError) return error.message;
    throw error;
  }
  return assert.fail(`${JSON.stringify(fields)} was accepted`);
}

describe('external data', () => {
  let place = house();
  beforeEach(() => {
    place = house();
  });
  afterEach(() => fs.rmSync(place.root, { recursive: true }));

  it('reads the range that is asked for', () => {
    assert.equal(read(place.model, { location: 'weights.bin' }, 10), '0123456789');
    assert.equal(read(place.model, { location: 'weights.bin', offset: '4', length: '3' }, 3), '456');
    assert.equal(read(place.model, { location: 'weights.bin', offset: '10' }, 0), '');
    assert.equal(read(place.model, { location: 'weights.bin', checksum: 'ignored' }, 2), '01');
  });

  it('reads files in folders below, by any spelling that stays there', () => {
    for (const location of ['sub/more.bin', './sub/more.bin', 'sub//more.bin', './/./sub/./more.bin']) {
      assert.equal(read(place.model, { location }, 6), 'abcdef', location);
    }
  });

  it('accepts file names that only look odd', () => {
    for (const location of [
      '..data',
      'w..bin',
      '...',
      'onnx::MatMul_1',
      'dense/kernel:0',
      '-rf',
      '~',
      'a b%2e.bin',
      'gewicht-ü',
    ]) {
      const file = path.join(place.folder, location);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, 'data');
      assert.equal(read(place.model, { location }, 4), 'data', location);
    }
  });

  it('works when the model is named relative to the current folder', () => {
    const relative = path.relative(process.cwd(), place.model);
    assert.equal(read(relative, { location: 'weights.bin' }, 2), '01');
  });

  it('refuses every spelling of a way out', () => {
    const ways = [
      '../secret.bin',
      './../secret.bin',
      'sub/../../secret.bin',
      'sub/../weights.bin',
      'sub/./../../secret.bin',
      'sub//..//..//secret.bin',
      '..',
      '../',
      'sub/..',
      '../model/weights.bin',
      'missing/../../secret.bin',
      'weights.bin/../../secret.bin',
      path.join(place.root, 'secret.bin'),
      path.join(place.folder, 'weights.bin'),
      '/etc/passwd',
      '//etc/passwd',
      '///etc/passwd',
      'file:///etc/passwd',
      'http://example.com/w.bin',
      'C:/weights.bin',
      'C:\\weights.bin',
      'c:weights.bin',
      '..\\secret.bin',
      'sub\\..\\..\\secret.bin',
      '\\\\server\\share\\w.bin',
      'weights.bin\0.txt',
      '\0',
      '',
      'sub/',
    ];
    for (const location of ways) {
      assert.notEqual(locationProblem(location), undefined, location);
      assert.match(
        refusal(place.model, { location }),
        /^tensor "w": The external data location .* Expected the path/,
        location,
      );
    }
  });

  it('says why', () => {
    assert.equal(
      refusal(place.model, { location: '../secret.bin' }),
      'tensor "w": The external data location "../secret.bin" leads out of a folder by "..". ' +
        'Expected the path of a file in the folder of the model.',
    );
  });

  it('takes percent signs and tildes as part of a name', () => {
    for (const location of ['%2e%2e/secret.bin', '~/secret.bin', '$HOME/secret.bin', '．．/secret.bin']) {
      assert.match(refusal(place.model, { location }), /does not exist\. Keep it beside the model/);
    }
  });

  it('refuses links out of the folder: of files, of folders, in chains, absolute and relative', () => {
    const link = (target: string, name: string) => fs.symlinkSync(target, path.join(place.folder, name));
    link('../secret.bin', 'relative');
    link(path.join(place.root, 'secret.bin'), 'absolute');
    link('..', 'up');
    link('relative', 'chain');
    link('/etc', 'etc');
    fs.symlinkSync('../../secret.bin', path.join(place.folder, 'sub/deep'));
    for (const location of [
      'relative',
      'absolute',
      'up/secret.bin',
      'chain',
      'etc/passwd',
      'sub/deep',
      'up/model/../secret.bin',
    ]) {
      const text = refusal(place.model, { location });
      assert.match(text, /is a link out of the model's folder|leads out of a folder/, location);
    }
  });

  it('refuses a folder whose name begins as that of the model does', () => {
    fs.mkdirSync(path.join(place.root, 'model-2'));
    fs.writeFileSync(path.join(place.root, 'model-2/w.bin'), 'data');
    fs.symlinkSync('../model-2/w.bin', path.join(place.folder, 'w.bin'));
    assert.match(refusal(place.model, { location: 'w.bin' }), /is a link out of/);
  });

  it('follows links that stay in the folder', () => {
    fs.symlinkSync('sub/more.bin', path.join(place.folder, 'link'));
    fs.symlinkSync('sub', path.join(place.folder, 'folder'));
    assert.equal(read(place.model, { location: 'link' }, 3), 'abc');
    assert.equal(read(place.model, { location: 'folder/more.bin' }, 3), 'abc');
  });

  it('refuses hard links, which show no trace of where they come from', () => {
    fs.linkSync(path.join(place.root, 'secret.bin'), path.join(place.folder, 'hard'));
    assert.match(refusal(place.model, { location: 'hard' }), /has other hard links.* Replace it by a copy/);
  });

  it('refuses what is not a file: folders, pipes, loops of links', () => {
    fs.symlinkSync('loop', path.join(place.folder, 'loop'));
    execFileSync('mkfifo', [path.join(place.folder, 'pipe')]);
    assert.match(refusal(place.model, { location: 'sub' }), /is not a regular file/);
    assert.match(refusal(place.model, { location: '.' }), /is a link out of|is not a regular file/);
    assert.match(refusal(place.model, { location: 'pipe' }), /is not a regular file/);
    assert.match(refusal(place.model, { location: 'loop' }), /cannot be followed: ELOOP/);
    assert.match(refusal(place.model, { location: 'x'.repeat(5000) }), /cannot be followed: ENAMETOOLONG/);
  });

  it('says which file is missing', () => {
    assert.equal(
      refusal(place.model, { location: 'gone.bin' }),
      `tensor "w": The external data file ${place.folder}/gone.bin does not exist. Keep it beside the model.`,
    );
    assert.match(refusal(place.model, { location: 'weights.bin/x' }), /does not exist/);
    fs.symlinkSync('nowhere', path.join(place.folder, 'dangling'));
    assert.match(refusal(place.model, { location: 'dangling' }), /does not exist/);
  });

  it('bounds offset and length by the file and the shape', () => {
    const of = (fields: Readonly<Record<string, string>>, byteLength = 4) =>
      refusal(place.model, { location: 'weights.bin', ...fields }, byteLength);
    assert.match(of({ offset: '7' }), /is bytes 7 to 11 of "weights.bin", but the file has 10 bytes/);
    assert.match(of({ offset: '9223372036854775807' }), /but the file has 10 bytes/);
    assert.match(of({}, 11), /is bytes 0 to 11/);
    assert.match(of({ length: '3' }), /has length 3, but the shape needs 4 bytes/);
    assert.match(of({ length: '8' }), /has length 8, but the shape needs 4 bytes/);
    for (const bad of ['-1', '1e3', '0x10', ' 1', '1.0', '', '99999999999999999999', 'NaN', '٣']) {
      assert.match(of({ offset: bad }), /The offset of the external data is ".*", expected a count of bytes/);
      assert.match(of({ length: bad }), /The length of the external data is ".*", expected a count of bytes/);
    }
  });

  it('refuses references without a location or with two', () => {
    assert.match(refusal(place.model, {}), /has no location/);
    const twice = [...entries({ location: 'weights.bin' }), ...entries({ location: 'sub/more.bin' })];
    assert.throws(() => externalDataOf(place.model)(twice, 4, 'w'), /2 entries "location", expected one/);
  });

  it('accepts the layout of a download cache: model and weights are links into one folder of contents', () => {
    const blobs = path.join(place.root, 'cache/blobs');
    const snapshot = path.join(place.root, 'cache/snapshots/abc/onnx');
    fs.mkdirSync(blobs, { recursive: true });
    fs.mkdirSync(snapshot, { recursive: true });
    fs.writeFileSync(path.join(blobs, 'hash1'), 'model');
    fs.writeFileSync(path.join(blobs, 'hash2'), 'weights');
    fs.symlinkSync('../../../blobs/hash1', path.join(snapshot, 'model.onnx'));
    fs.symlinkSync('../../../blobs/hash2', path.join(snapshot, 'model.onnx_data'));
    fs.symlinkSync('../../../../secret.bin', path.join(snapshot, 'secret'));
    const model = path.join(snapshot, 'model.onnx');
    assert.equal(read(model, { location: 'model.onnx_data' }, 7), 'weights');
    assert.match(refusal(model, { location: 'secret' }), /is a link out of the model's folder/);
    assert.match(refusal(model, { location: '../../../blobs/hash2' }), /leads out of a folder/);
  });

  it('finds the weights beside the real model when only the model is linked', () => {
    const link = path.join(place.root, 'linked.onnx');
    fs.symlinkSync('model/model.onnx', link);
    assert.equal(read(link, { location: 'weights.bin' }, 2), '01');
    assert.equal(read(link, { location: 'sub/more.bin' }, 2), 'ab');
  });

  it('works below a linked folder', () => {
    fs.symlinkSync('model', path.join(place.root, 'alias'));
    assert.equal(read(path.join(place.root, 'alias/model.onnx'), { location: 'weights.bin' }, 2), '01');
  });

  it('reads 100 MB in good time, and a small part of it at once', () => {
    const size = 100 * 2 ** 20;
    const descriptor = fs.openSync(path.join(place.folder, 'big'), 'w');
    fs.writeSync(descriptor, 'end', size - 3);
    fs.closeSync(descriptor);
    const resolve = externalDataOf(place.model);
    const start = performance.now();
    assert.equal(resolve(entries({ location: 'big' }), size, 'w').length, size);
    assert.ok(performance.now() - start < 2000);
    const again = performance.now();
    assert.equal(read(place.model, { location: 'big', offset: String(size - 3) }, 3), 'end');
    assert.ok(performance.now() - again < 100);
  });
});

describe('readModelFile', () => {
  it('says what is wrong with the path', () => {
    assert.throws(() => readModelFile('/nowhere/model.onnx'), {
      name: 'ModelError',
      message: 'file /nowhere/model.onnx: There is no such file.',
    });
    assert.throws(() => readModelFile('/'), { message: 'file /: It is a folder; expected an ONNX model.' });
  });
});
