#!/usr/bin/env node
// Makes docs/cli.md of the option tables and docs/library.md of the examples: `npm run reference`. A test says when to.
import { runBundled } from './run-bundled.mjs';

await runBundled('site/reference/main.ts');
