#!/usr/bin/env node
// Tries hostile images, registries, contexts and Dockerfiles: `npm run hostile`. docs/security.md says what is promised.
import { runBundled } from './run-bundled.mjs';

await runBundled('hostile/input/main.ts');
