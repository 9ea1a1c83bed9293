// Puts many kernels into one module and runs each over typed arrays, for comparison with the evaluator.

import assert from 'node:assert/strict';
import { newModule } from '../../../codegen/wasm/binaryen.ts';
import { errorGlobal } from '../../../codegen/wasm/context.ts';
import { legalizeKernel } from '../../../codegen/wasm/legalize.ts';
import { printKernel } from '../../../codegen/wasm/print-kernel.ts';
import { makeArray, type TypedArrayLike } from '../../../ir/eval-arrays.ts';
import type { Kernel } from '../../../ir/kernel.ts';
import { compileKernel } from '../../../ir/kernel-eval.ts';

export interface Case {
  readonly name: string;
  readonly kernel: Kernel;
  /** Contents of the parameters before the run. */
  readonly buffers: readonly TypedArrayLike[];
  readonly dims?: readonly number[];
}

export interface Ran {
  readonly error: number;
  readonly buffers: readonly TypedArrayLike[];
}

const stackBase = 1024;
const dataBase = 65536;
const pages = 64;

export interface KernelModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  run(position: number): Ran;
}

export async function moduleOf(cases: readonly Case[], contract = false): Promise<KernelModule> {
  const module = await newModule({ simd: true, relaxed: contract });
  for (const [position, { kernel }] of cases.entries()) {
    const name = `k${position}`;
    const stack = printKernel(module, legalizeKernel(kernel), `${name}_body`, { contract, stackBase });
    assert(stackBase + stack <= dataBase);
    const parameters = [...kernel.params, ...kernel.dims].map(() => 'i32' as const);
    const operands = parameters.map((type, index) => module.get(index, type));
    const body = module.block(
      [
        module.setGlobal(errorGlobal, module.i32(0)),
        module.call(`${name}_body`, operands),
        module.getGlobal(errorGlobal, 'i32'),
      ],
      'i32',
    );
    module.function(name, parameters, 'i32', [], body);
    module.exportFunction(name, name);
  }
  module.global(errorGlobal, 0);
  module.memory(pages, pages, []);
  const bytes = module.emit();
  assert(WebAssembly.validate(bytes));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  const memory = exports.memory;
  assert(memory instanceof WebAssembly.Memory);
  return {
    bytes,
    run(position) {
      const found = cases[position]!;
      const run = exports[`k${position}`];
      assert(typeof run === 'function');
      const all = new Uint8Array(memory.buffer);
      let next = dataBase;
      const addresses = found.buffers.map((buffer) => {
        const address = next;
        all.set(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength), address);
        next += Math.ceil(buffer.byteLength / 64) * 64 + 64;
        assert(next < all.length);
        return address;
      });
      const error: number = run(...addresses, ...(found.dims ?? []));
      const buffers = found.kernel.params.map(({ dtype }, index) => {
        const { byteLength, length } = found.buffers[index]!;
        const made = makeArray(dtype, length);
        new Uint8Array(made.buffer).set(all.subarray(addresses[index]!, addresses[index]! + byteLength));
        return made;
      });
      return { error, buffers };
    },
  };
}

const sameElement = (a: number | bigint, b: number | bigint): boolean =>
  Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b));

/** Runs every case in WebAssembly and in the evaluator; all buffers must agree, zeros of both signs being equal. */
export async function compareWithEvaluator(cases: readonly Case[]): Promise<KernelModule> {
  const module = await moduleOf(cases);
  for (const [position, { name, kernel, buffers, dims }] of cases.entries()) {
    const expected = buffers.map((buffer) => buffer.slice());
    const error = compileKernel(kernel, { checked: true })(expected, dims ?? []);
    const ran = module.run(position);
    assert.equal(ran.error, error, `${name}: error code`);
    if (error !== 0) continue;
    for (const [index, buffer] of expected.entries()) {
      const got = ran.buffers[index]!;
      for (let at = 0; at < buffer.length; at++) {
        if (sameElement(buffer[at]!, got[at]!)) continue;
        assert.fail(`${name}: ${kernel.params[index]!.name}[${at}] is ${got[at]}, expected ${buffer[at]}`);
      }
    }
  }
  return module;
}
