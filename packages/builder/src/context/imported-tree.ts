import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { DirectoryMatch, PatternMatcher } from './pattern-matcher.ts';
import { resolveLinks } from './resolve-links.ts';
import type { SourceEntry, SourceReader, SourceTree } from './source-tree.ts';

/**
 * A build context that came as an archive or a repository, as the directory would look from which it was made: without
 * what its ignore patterns leave out, and all of it root's, so that the same content has the same key. Devices are refused
 * when something asks for them: a stranger's archive could name any of this machine.
 */
export class ImportedTree implements SourceTree {
  readonly #files: SourceTree;
  readonly #matcher: PatternMatcher | undefined;

  constructor(files: SourceTree, matcher: PatternMatcher | undefined) {
    this.#files = files;
    this.#matcher = matcher;
  }

  lookup(path: ByteString): SourceEntry | undefined {
    const entry = this.#files.lookup(path);
    return entry !== undefined && this.#isThere(entry, path, this.#matchAbove(path)) ? contextEntry(entry) : undefined;
  }

  list(directory: ByteString): readonly SourceEntry[] {
    const match = directory === '' ? this.#matcher?.root() : this.#matchOf(directory);
    if (match?.canInclude === false) return [];
    return this.#files
      .list(directory)
      .filter((entry) => this.#isThere(entry, entry.path, match))
      .map(contextEntry);
  }

  resolve(path: ByteString): ByteString | undefined {
    return resolveLinks(path, (at) => this.lookup(at));
  }

  contentSha256(entry: SourceEntry): string {
    return this.#files.contentSha256(entry);
  }

  knownSha256(entry: SourceEntry): string | undefined {
    return this.#files.knownSha256(entry);
  }

  remember(entry: SourceEntry, sha256: string): void {
    this.#files.remember(entry, sha256);
  }

  open(entry: SourceEntry): SourceReader {
    return this.#files.open(entry);
  }

  /** An ignored directory is there all the same when something in it is not. */
  #isThere(entry: SourceEntry, path: ByteString, above: DirectoryMatch | undefined): boolean {
    const name = baseName(path);
    if (path === '' || above?.ignores(name) !== true) return true;
    if (entry.type !== 'directory' || !above.child(name).canInclude) return false;
    return this.list(path).length > 0;
  }

  #matchAbove(path: ByteString): DirectoryMatch | undefined {
    const slash = path.lastIndexOf('/');
    return slash < 0 ? this.#matcher?.root() : this.#matchOf(path.slice(0, slash));
  }

  #matchOf(directory: ByteString): DirectoryMatch | undefined {
    return directory.split('/').reduce((match, name) => match?.child(name), this.#matcher?.root());
  }
}

function baseName(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf('/') + 1);
}

function contextEntry(entry: SourceEntry): SourceEntry {
  if (entry.type === 'char' || entry.type === 'block') {
    throw new BuildError(
      'CONTEXT_INVALID',
      `${JSON.stringify(byteStringToUtf8(entry.path))} of the build context is a device`,
      { hint: 'Create the archive without it, or add it to .dockerignore.' },
    );
  }
  const { seconds, nanoseconds } = entry.mtime;
  // A directory has no attributes for a layer either, and no archive means times before 1970.
  const { xattrs: _dropped, ...rest } = entry;
  const mtime = seconds < 0 ? { seconds: 0, nanoseconds: 0 } : { seconds, nanoseconds };
  return { ...rest, mode: entry.type === 'symlink' ? 0o777 : entry.mode, uid: 0, gid: 0, mtime };
}
