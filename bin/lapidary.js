#!/usr/bin/env node
// Starts the compiled command line; says what to do where it has not been built.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/bundle/main.js', import.meta.url);
if (existsSync(main)) {
  const { main: run } = await import(main.href);
  await run(process.argv.slice(2));
} else {
  console.error(`error: ${fileURLToPath(main)} is missing. Build Lapidary first: npm ci && npm run build`);
  process.exitCode = 3;
}
