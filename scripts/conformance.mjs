#!/usr/bin/env node
// Builds every conformance case with a real engine and with tsbuild and compares: `npm run conformance`, more with --help.
// docs/conformance.md is what it writes.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundled } from './run-bundled.mjs';

// Ctrl-C is its own affair: an engine may have to be stopped.
const folder = await bundled(['conformance/main.ts']);
const { run } = await import(pathToFileURL(join(folder, 'main.mjs')).href);
process.exitCode = await run(process.argv.slice(2));
