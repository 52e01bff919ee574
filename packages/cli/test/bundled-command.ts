import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Bundles the command from its sources into one file that plain Node can start. */
export async function bundleCommand(outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL('../src/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@tsbuild/source'],
    external: ['koffi'],
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
}
