#!/usr/bin/env node
// Bundles the command line, so that it starts fast and needs no build of the other packages: main.js, which only loads
// program.js (see load-program.ts), the second thread's file-thread.js, explorer.json, the pages of `tsbuild explore`, and the notices of
// the libraries in them.
//
//   node scripts/bundle.mjs [DIRECTORY]     packages/cli/dist unless told
//
// CommonJS, because an ES module evaluates every `node:` import before its first line, where CommonJS can load http, crypto
// and their like when they are first used: some 30 ms at each start. `dist/package.json` tells Node so.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleFileThread } from './file-thread.mjs';
import { lateModules } from './late-modules.mjs';
import { bundlePage } from './page.mjs';
import { noticesOf } from './packages/notices.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const DIST = process.argv[2] ?? join(PROJECT, 'packages/cli/dist');

const OPTIONS = {
  absWorkingDir: PROJECT,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // An import() of a script that is loaded as load-program.ts does it makes Node warn of an experiment: require() instead.
  supported: { 'dynamic-import': false },
  conditions: ['@tsbuild/source'],
  external: ['koffi'],
  loader: { '.sh': 'text', '.md': 'text' },
  charset: 'ascii',
  minify: true,
  // THIRD-PARTY-NOTICES has the licences whole.
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

async function bundle() {
  mkdirSync(DIST, { recursive: true });
  const program = join(DIST, 'program.js');
  const { metafile: programFile } = await build({
    ...OPTIONS,
    entryPoints: ['packages/cli/src/program.ts'],
    outfile: program,
    define: { 'import.meta.url': 'tsbuildModuleUrl' },
    // A script that V8 runs from its cache cannot import without Node's warning of an experiment; it can require.
    supported: { 'dynamic-import': false },
    // As Node wraps a CommonJS module. Done here, so that load-program.ts need not copy the text at each start.
    banner: {
      js: "(function (exports, require, module, __filename, __dirname) { const tsbuildModuleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
    plugins: [lateModules({ require: true })],
    // For us: 4.5 MB that the package leaves out.
    sourcemap: 'external',
  });
  if (/[^\x00-\x7f]/.test(readFileSync(program, 'latin1')))
    throw new Error('program.js is not ASCII: write \\u escapes in regular expressions');
  const threadFile = bundleFileThread(join(DIST, 'file-thread.js'), { minify: true });
  bundlePage(join(DIST, 'explorer.json'));
  const id = createHash('sha256').update(readFileSync(program)).digest('hex').slice(0, 16);
  const main = join(DIST, 'main.js');
  const { metafile: mainFile } = await build({
    ...OPTIONS,
    entryPoints: ['packages/cli/src/main.ts'],
    outfile: main,
    define: { tsbuildProgramId: JSON.stringify(id) },
    plugins: [lateModules({ require: true })],
    banner: { js: FIRST_LINES },
  });
  rmSync(`${main}.map`, { force: true });
  const notices = noticesOf('@tsbuild/cli', PROJECT, [programFile, threadFile, mainFile]);
  writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES'), notices);
  writeFileSync(join(DIST, 'package.json'), '{ "type": "commonjs" }\n');
  chmodSync(main, 0o755);
  for (const path of [main, program]) {
    console.log(`${basename(path)}  ${Math.ceil(statSync(path).size / 1024)} KiB`);
  }
}

/*
 * For a shell the second line starts Node; for Node it is a text and a comment. Node reads `--env-file` and the like
 * also behind the name of the program, so that the variables of a container would be Node's own, up to a `--`
 * (nodejs/node#54232). `env -S` would do it in one line, but busybox has none.
 */
const FIRST_LINES = `#!/bin/sh
':' //; exec node -- "$0" "$@"`;

// When it fails, esbuild has printed what is wrong and where.
await bundle().catch((error) => {
  if (!Array.isArray(error.errors)) console.error(error);
  process.exitCode = 1;
});
