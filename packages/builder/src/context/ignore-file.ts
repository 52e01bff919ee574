import type { SourceFile } from '../dockerfile/source-file.ts';
import type { PatternMatcher } from './pattern-matcher.ts';

/** A `.dockerignore` file that was found and understood. */
export interface IgnoreFile {
  /** Its name relative to the context (or its path when outside) and its text. */
  readonly source: SourceFile;
  readonly matcher: PatternMatcher;
}

/**
 * Reads `<dockerfilePath>.dockerignore` or, without one, `<contextDir>/.dockerignore`; undefined when there is neither.
 * @throws BuildError `IGNORE_INVALID`
 */
export function readIgnoreFile(_contextDir: string, _dockerfilePath: string | undefined): IgnoreFile | undefined {
  throw new Error('not implemented');
}
