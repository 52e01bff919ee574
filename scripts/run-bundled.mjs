// Runs a program of this project that is written in TypeScript and is no part of a package: bundled from the sources, made
// anew each time, so that plain Node can start it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleFileThread, startingFileThread, startsFileThread } from './file-thread.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

/** Ends the process on Ctrl-C and SIGTERM in order, so that what was made for it goes. */
export function exitOnSignals() {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ]) {
    process.once(signal, () => process.exit(code));
  }
}

/** Bundles the thread's program to `file` where a bundle starts it. */
function fileThread(file) {
  return {
    name: 'file-thread',
    setup({ onLoad }) {
      onLoad({ filter: /start-thread\.ts$/ }, ({ path }) => {
        if (!startsFileThread(path)) return undefined;
        bundleFileThread(file);
        return { contents: startingFileThread(readFileSync(path, 'utf8'), file), loader: 'ts' };
      });
    },
  };
}

/** @returns the folder of the bundles, `NAME.mjs` for each entry; it goes when the process ends. */
export async function bundled(entryPoints) {
  // Inside of the project, so that packages which stay outside of the bundles are found.
  const folder = mkdtempSync(join(PROJECT, 'node_modules/.bundled-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await build({
    absWorkingDir: PROJECT,
    entryPoints,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@tsbuild/source'],
    external: ['koffi'],
    loader: { '.sh': 'text', '.md': 'text' },
    // The files find the project by their place in it, which bundling would change.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(PROJECT, 'fuzz/bundle.ts')).href) },
    plugins: [fileThread(join(folder, 'file-thread.js'))],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return folder;
}

/** Bundles one program and runs what it exports as `run`, with the arguments of the command line. */
export async function runBundled(entry) {
  exitOnSignals();
  const folder = await bundled([entry]);
  const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
  process.exitCode = await run(process.argv.slice(2));
}
