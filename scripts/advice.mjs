#!/usr/bin/env node
// How often our own checks are right, on files that people have judged: `npm run advice`. docs/checks.md has the table.
import { runBundled } from './run-bundled.mjs';

await runBundled('advice/main.ts');
