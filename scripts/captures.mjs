#!/usr/bin/env node
// Shows what builds look like on a terminal, and writes it into docs/progress.md: `npm run captures`.
import { runBundled } from './run-bundled.mjs';

await runBundled('captures/main.ts');
