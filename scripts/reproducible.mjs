#!/usr/bin/env node
// Builds one project in every way this machine can and compares the images: `npm run reproducible`. docs/reproducible.md says what is promised.
import { runBundled } from './run-bundled.mjs';

await runBundled('reproducible/main.ts');
