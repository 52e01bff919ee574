#!/usr/bin/env node
// Fuzzes every parser: `npm run fuzz -- --minutes 5`, more with --help. docs/fuzzing.md says what is checked.
//
// The targets run as bundles of the sources, made anew each time: plain Node can start them, with limits on their memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
// Inside of the project, so that packages which stay outside of the bundles are found.
const folder = mkdtempSync(join(PROJECT, 'node_modules/.fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => process.exit(code));
}
await build({
  absWorkingDir: PROJECT,
  entryPoints: ['fuzz/main.ts', 'fuzz/worker.ts'],
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@tsbuild/source'],
  external: ['koffi'],
  // The files find the project by their place in it, which bundling would change.
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(PROJECT, 'fuzz/bundle.ts')).href) },
  sourcemap: 'inline',
  logLevel: 'warning',
});
const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
process.exitCode = await run(join(folder, 'worker.mjs'), process.argv.slice(2));
