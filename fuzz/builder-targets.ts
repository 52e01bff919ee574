import type { Target } from './target.ts';
import { dockerfile, lint, plan, trigger } from './targets/dockerfile.ts';
import { contextLinks, copyPattern, ignoreFile, namePattern } from './targets/patterns.ts';
import { statCache } from './targets/stat-cache.ts';
import { values, words } from './targets/words.ts';

/** The parsers of `@tsbuild/builder`. */
export const BUILDER_TARGETS: readonly Target[] = [
  dockerfile,
  trigger,
  plan,
  lint,
  words,
  values,
  ignoreFile,
  copyPattern,
  namePattern,
  contextLinks,
  statCache,
];
