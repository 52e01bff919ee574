#!/usr/bin/env node
// Bundles the command line into one file, packages/cli/dist/main.js, so that it starts fast and needs no build of the other packages.
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'packages/cli/src/main.ts';
const OUTPUT = join(PROJECT, 'packages/cli/dist/main.js');

// yargs and other CommonJS parts call `require`, which an ES module does not have.
const REQUIRE = `import { createRequire as tsbuildCreateRequire } from 'node:module';
const require = tsbuildCreateRequire(import.meta.url);`;
// esbuild keeps the entry's own `#!` line, above the banner.
const hasShebang = readFileSync(join(PROJECT, ENTRY), 'utf8').startsWith('#!');

const bundled = await build({
  absWorkingDir: PROJECT,
  entryPoints: [ENTRY],
  outfile: OUTPUT,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  conditions: ['@tsbuild/source'],
  external: ['koffi'],
  banner: { js: hasShebang ? REQUIRE : `#!/usr/bin/env node\n${REQUIRE}` },
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  legalComments: 'none',
  sourcemap: 'linked',
  logLevel: 'warning',
}).catch(() => undefined); // esbuild has printed what is wrong and where
if (bundled === undefined) process.exitCode = 1;
else {
  chmodSync(OUTPUT, 0o755);
  console.log(`packages/cli/dist/main.js  ${Math.round(statSync(OUTPUT).size / 1024)} KiB`);
}
