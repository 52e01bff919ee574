import { afterAll } from 'vitest';
import { removeScratch } from './tsbuild.ts';

// Every test file's stores hold copies of the base images: those of all files together take tens of gigabytes.
afterAll(removeScratch);
