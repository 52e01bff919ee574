#!/usr/bin/env node
// Tries what commands can and cannot do in every mode of this machine: `npm run sandbox`. docs/security.md says what is promised.
import { runBundled } from './run-bundled.mjs';

await runBundled('hostile/sandbox/main.ts');
