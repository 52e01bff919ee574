#!/usr/bin/env node
// Bundles the entries of @tsbuild/oci: one file each and what they share, instead of 170 modules that Node would have to find,
// read and link at each start. The declarations are tsc's.
//
//   node scripts/bundle-oci.mjs [DIRECTORY]     packages/oci/dist unless told
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { lateModules } from './late-modules.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const DIST = process.argv[2] ?? join(PROJECT, 'packages/oci/dist');

const OPTIONS = {
  absWorkingDir: PROJECT,
  outdir: DIST,
  bundle: true,
  // What one entry makes, an error say, is of the same class for the other.
  splitting: true,
  format: 'esm',
  chunkNames: 'shared-[hash]',
  platform: 'node',
  target: 'node20',
  conditions: ['@tsbuild/source'],
  // Bundlers of others find it once, whoever uses it.
  external: ['@noble/hashes'],
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
};

// Newer Nodes have zstd in zlib.
const late = lateModules({ require: false, except: ['zlib'] });
const entries = ['index', 'node', 'internal'].map((name) => `packages/oci/src/${name}.ts`);

/** What a file of the bundle imports, and what that imports. */
function importsOf({ outputs }, file, seen = new Set()) {
  for (const { path } of outputs[file]?.imports ?? []) {
    if (seen.has(path)) continue;
    seen.add(path);
    importsOf({ outputs }, path, seen);
  }
  return seen;
}

async function bundle() {
  // Names of shared files change with their content.
  for (const name of existsSync(DIST) ? readdirSync(DIST) : []) {
    if (name.startsWith('shared-')) rmSync(join(DIST, name));
  }
  const { metafile } = await build({ ...OPTIONS, entryPoints: entries, plugins: [late], metafile: true });
  const core = Object.keys(metafile.outputs).find((file) => file.endsWith('/index.js')) ?? '';
  const strange = [...importsOf(metafile, core)].filter((path) => path.startsWith('node:'));
  if (strange.length > 0) throw new Error(`the core runs in browsers, but imports ${strange.join(', ')}`);
}

// When it fails, esbuild has printed what is wrong and where.
await bundle().catch((error) => {
  if (!Array.isArray(error.errors)) console.error(error);
  process.exitCode = 1;
});
