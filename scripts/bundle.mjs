#!/usr/bin/env node
// Bundles the command line into one file, packages/cli/dist/main.js, so that it starts fast and needs no build of the other packages.
//
// CommonJS, because an ES module evaluates every `node:` import before its first line, where CommonJS loads zlib, crypto
// and their like when they are first used: some 30 ms at each start. `dist/package.json` tells Node so.
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const OUTPUT = join(PROJECT, 'packages/cli/dist/main.js');

const bundled = await build({
  absWorkingDir: PROJECT,
  entryPoints: ['packages/cli/src/main.ts'],
  outfile: OUTPUT,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  conditions: ['@tsbuild/source'],
  external: ['koffi'],
  define: { 'import.meta.url': 'tsbuildModuleUrl' },
  banner: {
    js: "#!/usr/bin/env node\nconst tsbuildModuleUrl = require('node:url').pathToFileURL(__filename).href;",
  },
  minify: true,
  legalComments: 'none',
  sourcemap: 'linked',
  logLevel: 'warning',
}).catch(() => undefined); // esbuild has printed what is wrong and where
if (bundled === undefined) process.exitCode = 1;
else {
  mkdirSync(dirname(OUTPUT), { recursive: true });
  writeFileSync(join(dirname(OUTPUT), 'package.json'), '{ "type": "commonjs" }\n');
  chmodSync(OUTPUT, 0o755);
  console.log(`packages/cli/dist/main.js  ${Math.round(statSync(OUTPUT).size / 1024)} KiB`);
}
