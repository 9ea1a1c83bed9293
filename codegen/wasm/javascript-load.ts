// The part of the JavaScript that finds, compiles and starts a module. Templates; see `javascript.ts`.
// The module is a file beside the script: a browser compiles it while it arrives, and caches the compiled code. Bundlers
// know the form `new URL('./net.wasm', import.meta.url)`. A module inside of the script costs a third more and neither.

import type { JavaScriptOptions } from './javascript.ts';
import { sharedInstance, threadedModel } from './javascript-threads.ts';
import { type Layout, memoryPages } from './layout.ts';

export function loading(options: JavaScriptOptions, weightsBytes: number, layout: Layout): string {
  const { name, embedded, externalWeights, relaxed, threads } = options;
  const source = embedded
    ? `Uint8Array.from(atob(embedded), (character) => character.charCodeAt(0))`
    : `new URL('./${name}.wasm', import.meta.url)`;
  const weights = !externalWeights
    ? ''
    : `
  const weights = await bytesOf(await open(options.weights ?? new URL('./${name}.bin', import.meta.url)));
  if (weights.length !== ${weightsBytes}) {
    throw new RangeError(\`\${label}: the weights must be ${weightsBytes} bytes, got \${weights.length}\`);
  }
  new Uint8Array(instance.exports.memory.buffer).set(weights, ${layout.weightsBase});`;
  const instance = threads
    ? sharedInstance(memoryPages(layout)).trimStart()
    : 'const instance = await WebAssembly.instantiate(module);';
  return `
${embedded ? `const embedded =\n  '${Buffer.from(embedded).toString('base64')}';\n\n` : ''}${opening(relaxed)}

export async function load(options = {}) {
  const module = await compile(options.wasm ?? ${source});
  ${instance}${weights}
  ${threads ? threadedModel(layout).trimStart() : 'return modelOf(instance.exports);'}
}`;
}

const opening = (relaxed: boolean): string =>
  `
/** What a URL leads to; anything else as it is. */
async function open(source) {
  const found = await source;
  if (typeof found !== 'string' && !(found instanceof URL)) return found;
  const url = new URL(found, import.meta.url);
  const files = url.protocol === 'file:' ? globalThis.process?.getBuiltinModule?.('node:fs') : undefined;
  return files ? files.promises.readFile(url) : fetch(url);
}

async function bytesOf(found) {
  if (found.ok === false) throw new Error(\`\${label}: \${found.url}: HTTP status \${found.status}\`);
  const bytes = typeof found.arrayBuffer === 'function' ? await found.arrayBuffer() : found;
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

async function compile(source) {
  const found = await open(source);
  if (found instanceof WebAssembly.Module) return found;
  try {
    return found.ok && found.headers.get('Content-Type') === 'application/wasm'
      ? await WebAssembly.compileStreaming(found)
      : await WebAssembly.compile(await bytesOf(found));
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause;
    const needs = 'this engine may lack WebAssembly ${relaxed ? 'relaxed SIMD' : 'SIMD'}';
    throw new Error(\`\${label}: cannot compile the module; \${needs}\`, { cause });
  }
}`.trim();
