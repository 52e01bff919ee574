#!/usr/bin/env node
// Builds every conformance case with a real engine and with tsbuild and compares: `npm run conformance`, more with --help.
// docs/conformance.md is what it writes.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
// Inside of the project, so that packages which stay outside of the bundle are found.
const folder = mkdtempSync(join(PROJECT, 'node_modules/.conformance-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
await build({
  absWorkingDir: PROJECT,
  entryPoints: ['conformance/main.ts'],
  outfile: join(folder, 'main.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@tsbuild/source'],
  external: ['koffi'],
  // The files find the project by their place in it, which bundling would change.
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(PROJECT, 'conformance/bundle.ts')).href) },
  sourcemap: 'inline',
  logLevel: 'warning',
});
const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
process.exitCode = await run(process.argv.slice(2));
