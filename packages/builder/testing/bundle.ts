import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundleFileThread } from '../../../scripts/file-thread.mjs';

/** Makes one plain JavaScript file of a program in TypeScript, for tests that need a process of their own. */
export function bundle(entry: string, outfile: string): void {
  buildSync({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['@tsbuild/source'],
    external: ['koffi'],
    loader: { '.sh': 'text' },
    logLevel: 'error',
  });
  // Beside it, where the builder looks for it.
  bundleFileThread(join(dirname(outfile), 'file-thread.js'));
}
