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
execFileSync(process.execPath, [join(PROJECT, 'scripts/bundle.mjs')], { stdio: ['ignore', 'ignore', 'inherit'] });
// A copy: another build must not change the command while it is tried.
mkdirSync(join(folder, 'cli'));
cpSync(join(PROJECT, 'packages/cli/dist'), join(folder, 'cli/dist'), { recursive: true });
cpSync(join(PROJECT, 'packages/cli/package.json'), join(folder, 'cli/package.json'));
const made = execFileSync(process.execPath, [join(PROJECT, 'fixtures/bases/make.mjs'), '--only', 'busybox'], {
  encoding: 'utf8',
});
const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
const base = made.trim().split('\t')[1];
process.exitCode = await run(join(folder, 'cli/dist/main.js'), base, process.argv.slice(2));
