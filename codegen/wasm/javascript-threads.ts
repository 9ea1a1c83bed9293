// The part of the JavaScript that starts workers. Templates; see `javascript.ts`. Where the page is not isolated, or the
// engine refuses, the model runs on one thread.

import type { Layout, Pages } from './layout.ts';
import { mostThreads, workersAt } from './threads.ts';

/** Instance and model over a memory that workers share. */
export const sharedInstance = ({ initial, maximum }: Pages): string => `
  const memory = new WebAssembly.Memory({ initial: ${initial}, maximum: ${maximum}, shared: true });
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const instance = { exports: { run: exports.run, memory } };`;

export const threadedModel = (layout: Layout): string => `
  const workers = await startWorkers(module, memory, Math.min(options.threads ?? processors(), ${mostThreads}) - 1);
  Atomics.store(new Int32Array(memory.buffer), ${workersAt(layout.jobBase) / 4}, workers.length);
  return Object.assign(modelOf(instance.exports), {
    threads: workers.length + 1,
    close() {
      Atomics.store(new Int32Array(memory.buffer), ${workersAt(layout.jobBase) / 4}, 0);
      for (const worker of workers) worker.terminate();
    },
  });`;

export const workers = (layout: Layout): string => `
const processors = () =>
  globalThis.navigator?.hardwareConcurrency ?? process.getBuiltinModule('node:os').availableParallelism();

async function startWorkers(module, memory, count) {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads');
  if (!node && !globalThis.crossOriginIsolated) return [];
  const source = \`const start = ([module, memory, stack]) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    postMessage(0);
    exports.work(stack);
  };\`;
  const inNode = \`const { parentPort } = require('node:worker_threads');
    const postMessage = (value) => parentPort.postMessage(value);
    parentPort.once('message', start);\`;
  const workers = [];
  try {
    const url = node ? undefined : URL.createObjectURL(new Blob([source, 'onmessage = ({ data }) => start(data);']));
    const ready = Array.from({ length: count }, (_, i) => {
      const worker = node ? new node.Worker(source + inNode, { eval: true }) : new Worker(url);
      workers.push(worker);
      worker.postMessage([module, memory, ${layout.stackBase} + (i + 1) * ${layout.stackBytes}]);
      return new Promise((resolve, reject) => {
        if (node) worker.once('message', resolve).once('error', reject);
        else Object.assign(worker, { onmessage: resolve, onerror: reject });
      });
    });
    await Promise.all(ready);
    if (url) URL.revokeObjectURL(url);
    // A model that nobody closes shall not keep the process alive.
    if (node) for (const worker of workers) worker.unref();
    return workers;
  } catch {
    for (const worker of workers) worker.terminate();
    return [];
  }
}`;
