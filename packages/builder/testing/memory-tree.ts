import { createHash } from 'node:crypto';
import { type ByteString, compareByteStrings } from '@tsbuild/oci';
import { BuildError } from '../src/diagnostics/build-error.ts';
import { resolveLinks } from '../src/context/resolve-links.ts';
import type { SourceEntry, SourceReader, SourceTree } from '../src/context/source-tree.ts';
import { type DescribedEntry, describeTree } from './tree-description.ts';

/** A {@link SourceTree} written down in a test: see {@link describeTree}. Owners are 0:0. */
export class MemoryTree implements SourceTree {
  /** The files opened so far, in order. */
  readonly opened: ByteString[] = [];
  readonly #entries = new Map<ByteString, SourceEntry>();
  readonly #content = new Map<ByteString, Buffer>();
  readonly #known = new Map<ByteString, string>();

  private constructor(described: readonly DescribedEntry[]) {
    const root = describeTree('dir root').map((directory) => ({ ...directory, path: '' }));
    for (const entry of [...root, ...described]) {
      this.#entries.set(entry.path, sourceEntry(entry));
      this.#content.set(entry.path, Buffer.from(entry.text));
    }
  }

  /** @throws Error on a line that describes nothing. */
  static of(description: string): MemoryTree {
    return new MemoryTree(describeTree(description));
  }

  /** Puts a file with these very bytes into the tree. */
  withFile(path: ByteString, bytes: Uint8Array): this {
    const described = describeTree('file name').map((entry) => ({ ...entry, path }));
    for (const entry of described) {
      this.#entries.set(path, { ...sourceEntry(entry), size: bytes.length });
      this.#content.set(path, Buffer.from(bytes));
    }
    return this;
  }

  lookup(path: ByteString): SourceEntry | undefined {
    return this.#entries.get(path);
  }

  list(directory: ByteString): readonly SourceEntry[] {
    const prefix = directory === '' ? '' : `${directory}/`;
    return [...this.#entries.values()]
      .filter(({ path }) => path !== '' && path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .toSorted((a, b) => compareByteStrings(a.path, b.path));
  }

  resolve(path: ByteString): ByteString | undefined {
    return resolveLinks(path, (at) => this.lookup(at));
  }

  contentSha256(entry: SourceEntry): string {
    const known = this.#known.get(entry.path) ?? createHash('sha256').update(this.#bytes(entry)).digest('hex');
    this.#known.set(entry.path, known);
    return known;
  }

  knownSha256(entry: SourceEntry): string | undefined {
    return this.#known.get(entry.path);
  }

  remember(entry: SourceEntry, sha256: string): void {
    this.#known.set(entry.path, sha256);
  }

  open(entry: SourceEntry): SourceReader {
    const bytes = this.#bytes(entry);
    this.opened.push(entry.path);
    let at = 0;
    return {
      read: (buffer) => {
        const count = bytes.copy(buffer, 0, at);
        at += count;
        return count;
      },
      close: () => {},
    };
  }

  #bytes(entry: SourceEntry): Buffer {
    const bytes = this.#content.get(entry.path);
    if (bytes === undefined || entry.type !== 'file') throw new BuildError('FILE_CHANGED', `${entry.path} is no file`);
    return bytes;
  }
}

function sourceEntry({ path, type, mode, mtime, text, target, hardLink }: DescribedEntry): SourceEntry {
  const entry: SourceEntry = {
    path,
    type,
    mode,
    uid: 0,
    gid: 0,
    size: Buffer.byteLength(text),
    mtime: { seconds: mtime, nanoseconds: 0 },
    linkPath: target,
    devMajor: 0,
    devMinor: 0,
  };
  return hardLink === undefined ? entry : { ...entry, hardLinkKey: hardLink };
}
