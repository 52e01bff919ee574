#!/usr/bin/env node
// Fuzzes every parser: `npm run fuzz -- --minutes 5`, more with --help. docs/fuzzing.md says what is checked.
//
// The targets run in processes of their own, with limits on their memory.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundled, exitOnSignals } from './run-bundled.mjs';

exitOnSignals();
const folder = await bundled(['fuzz/main.ts', 'fuzz/worker.ts']);
const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
process.exitCode = await run(join(folder, 'worker.mjs'), process.argv.slice(2));
