#!/usr/bin/env node
// A fleet of builders that share one cache through a real registry, and everything that can go wrong with it:
// `npm run fleet`, more with --help. docs/shared-cache.md has the results. Needs root and docker-registry.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundled, exitOnSignals } from './run-bundled.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
exitOnSignals();
const folder = await bundled(['fleet/main.ts']);
const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);

/** The value of an option that is this script's own, which is taken out of the arguments. */
const args = process.argv.slice(2);
const own = (name) => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
};

const cli = own('--cli') ?? bundleCommand();
const base = own('--base') ?? makeBase();
process.exitCode = await run(cli, base, args);

/** A copy: another build must not change the command while it is tried. */
function bundleCommand() {
  execFileSync(process.execPath, [join(PROJECT, 'scripts/bundle.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
  mkdirSync(join(folder, 'cli'));
  cpSync(join(PROJECT, 'packages/cli/dist'), join(folder, 'cli/dist'), { recursive: true });
  cpSync(join(PROJECT, 'packages/cli/package.json'), join(folder, 'cli/package.json'));
  return join(folder, 'cli/dist/main.js');
}

function makeBase() {
  const make = [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', 'busybox'];
  return execFileSync(process.execPath, make, { encoding: 'utf8' }).trim().split('\t')[1];
}
