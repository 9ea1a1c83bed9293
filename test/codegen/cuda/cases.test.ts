// A few ONNX cases of each kind of kernel as CUDA, and whole models; `npm run conformance -- --target cuda` runs all.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defaultTolerance, runCase } from '../../../src/test-runner/run-case.ts';
import { findCudaCompiler } from '../../../src/toolchain/cuda-compiler.ts';

const root = process.env.LAPIDARY_ONNX_TESTS ?? '../shared/onnx-backend';

const models = process.env.LAPIDARY_MODELS ?? '../shared/models';

const kinds: Readonly<Record<string, readonly string[]>> = {
  'element-wise kernels': ['test_add_bcast', 'test_erf', 'test_mod_int64_fmod'],
  'contractions and windows': ['test_basic_conv_with_padding', 'test_matmul_3d', 'test_averagepool_2d_ceil'],
  'rows and reductions': ['test_softmax_axis_1', 'test_layer_normalization_2d_axis0', 'test_reduce_sum_empty_set'],
  'indices from data': ['test_gather_negative_indices', 'test_scatter_elements_with_axis', 'test_nonzero_example'],
  'short element types': [
    'test_cast_FLOAT16_to_FLOAT',
    'test_quantizelinear_int4',
    'test_qlinearmatmul_2D_uint8_float32',
  ],
  'control flow on the host': [
    'test_if',
    'test_range_float_type_positive_delta_expanded',
    'test_scan_sum',
    'test_lstm_batchwise',
  ],
};

describe('ONNX cases as CUDA', function () {
  this.timeout(120_000);
  before(async function () {
    const cuda = await findCudaCompiler().catch(() => undefined);
    if (cuda && existsSync(join(root, 'node'))) return;
    console.warn('      SKIPPED: there is no C++ compiler, or there are no cases (LAPIDARY_ONNX_TESTS says where)');
    this.skip();
  });

  async function expectPass(name: string, folder: string): Promise<void> {
    const settings = { target: 'cuda', execute: {}, tolerance: defaultTolerance };
    const { status, message } = await runCase({ name, folder }, settings);
    assert.deepEqual({ name, status, message }, { name, status: 'pass', message: '' });
  }

  for (const [kind, names] of Object.entries(kinds)) {
    it(`pass: ${kind}`, async () => {
      for (const name of names) await expectPass(name, join(root, 'node', name));
    });
  }

  for (const name of ['mnist_cntk', 'mobilenetv1_025_fp32']) {
    it(`pass: the whole model ${name}`, async function () {
      if (!existsSync(join(models, name))) return this.skip();
      await expectPass(name, join(models, name));
    });
  }
});
