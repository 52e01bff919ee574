import type { ByteString } from '@tsbuild/oci';

/** What the patterns say about one directory and, through it, about its children: see {@link PatternMatcher.root}. */
export interface DirectoryMatch {
  /** Whether the directory itself is ignored. */
  readonly ignored: boolean;
  /** Whether a `!` pattern could still take back something below the directory; always true when it is not ignored. */
  readonly canInclude: boolean;
  /** Whether the child of this name is ignored. */
  ignores(name: ByteString): boolean;
  /** The same for the child directory of this name. */
  child(name: ByteString): DirectoryMatch;
}

/** A compiled list of ignore patterns; the last pattern that matches a path or one of its parents decides. */
export interface PatternMatcher {
  /** Whether the path (relative, no leading slash) is ignored. */
  matches(path: ByteString): boolean;
  /** The state at the root directory, for walks: it never looks at a parent twice. */
  root(): DirectoryMatch;
}

/** Compiles patterns as moby/patternmatcher reads them. @throws BuildError `IGNORE_INVALID` on a malformed pattern. */
export function compilePatterns(_lines: readonly string[]): PatternMatcher {
  throw new Error('not implemented');
}
