#!/usr/bin/env node
// Bundles @tsbuild/builder: its entry with what that loads later, the second thread's program and the notices of the libraries
// in them beside it. The shell programs of the sandbox are texts in the bundle, so that nothing is read when a command starts.
// The declarations are tsc's.
//
//   node scripts/bundle-builder.mjs [DIRECTORY]     packages/builder/dist unless told
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { noticesOf } from './packages/notices.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const DIST = process.argv[2] ?? join(PROJECT, 'packages/builder/dist');

// Names of shared files change with their content; a room's declarations lie in a directory with a name like theirs.
for (const name of existsSync(DIST) ? readdirSync(DIST) : []) {
  if (/^shared-[A-Z0-9]+\.js(?:\.map)?$/.test(name)) rmSync(join(DIST, name));
}
/** An ES module has none. */
const REQUIRE =
  "import { createRequire as tsbuildCreateRequire } from 'node:module';\nconst require = tsbuildCreateRequire(import.meta.url);";

/** Bundles all that the package runs; returns what is in it. */
async function bundle() {
  const { metafile } = await build({
    absWorkingDir: PROJECT,
    entryPoints: {
      index: 'packages/builder/src/index.ts',
      'file-thread': 'packages/builder/src/context/file-thread.ts',
    },
    outdir: DIST,
    bundle: true,
    splitting: true,
    format: 'esm',
    chunkNames: 'shared-[hash]',
    platform: 'node',
    target: 'node20',
    loader: { '.sh': 'text' },
    external: ['@tsbuild/oci', 'koffi'],
    // Libraries that are CommonJS (cross-spawn) ask for Node's modules with it.
    banner: { js: REQUIRE },
    // For us: the sources, and so the maps, are not in the package.
    sourcemap: 'external',
    sourcesContent: false,
    // THIRD-PARTY-NOTICES has the licences whole.
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES'), noticesOf('@tsbuild/builder', PROJECT, [metafile]));
}

// When it fails, esbuild has printed what is wrong and where.
await bundle().catch((error) => {
  if (!Array.isArray(error.errors)) console.error(error);
  process.exitCode = 1;
});
