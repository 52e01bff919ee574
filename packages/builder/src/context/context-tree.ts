import type { ByteString } from '@tsbuild/oci';
import type { PatternMatcher } from './pattern-matcher.ts';
import type { SourceEntry, SourceReader, SourceTree } from './source-tree.ts';
import type { StatCache } from './stat-cache.ts';

/** The build context: a directory without what its ignore patterns leave out. Owners are reported as 0:0. */
export class ContextTree implements SourceTree {
  /** @throws BuildError `CONTEXT_INVALID` when `root` is missing or no directory. */
  static open(_root: string, _matcher: PatternMatcher | undefined, _cache: StatCache): ContextTree {
    throw new Error('not implemented');
  }

  lookup(_path: ByteString): SourceEntry | undefined {
    throw new Error('not implemented');
  }

  list(_directory: ByteString): readonly SourceEntry[] {
    throw new Error('not implemented');
  }

  resolve(_path: ByteString): ByteString | undefined {
    throw new Error('not implemented');
  }

  contentSha256(_entry: SourceEntry): string {
    throw new Error('not implemented');
  }

  knownSha256(_entry: SourceEntry): string | undefined {
    throw new Error('not implemented');
  }

  remember(_entry: SourceEntry, _sha256: string): void {
    throw new Error('not implemented');
  }

  open(_entry: SourceEntry): SourceReader {
    throw new Error('not implemented');
  }
}
