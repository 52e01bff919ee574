#!/usr/bin/env node
// Looks for secrets in everything that a pull, a build and a push leave behind: `npm run secrets`.
import { runBundled } from './run-bundled.mjs';

await runBundled('hostile/secrets/main.ts');
