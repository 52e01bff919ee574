#!/usr/bin/env node
// Makes the documentation a site of static pages: `npm run site [-- --out DIR]`, dist-site unless told.
import { runBundled } from './run-bundled.mjs';

await runBundled('site/main.ts');
