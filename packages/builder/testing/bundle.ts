import { buildSync } from 'esbuild';

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
}
