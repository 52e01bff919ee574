#!/usr/bin/env node
// What becomes of a store when a process is killed, or a system call fails: `npm run faults -- --full`, more with --help.
// docs/store.md says what is checked. Needs root and strace.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundled, exitOnSignals } from './run-bundled.mjs';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
exitOnSignals();
const folder = await bundled(['faults/main.ts']);
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
