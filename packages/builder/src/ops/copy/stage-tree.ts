import type { BlobReader, BlobStore, ByteString, Digest } from '@tsbuild/oci';
import { rangeReader } from '@tsbuild/oci/internal';
import { type RootfsEntry, type RootfsTree } from '@tsbuild/oci/node';
import type { SourceEntry, SourceReader, SourceTree } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';

/**
 * The files of a stage or image as a source of COPY: names and digests come from the layer indexes, bytes straight from
 * the layer blobs. Close it when the copy is done.
 */
export class StageTree implements SourceTree {
  readonly #tree: RootfsTree;
  readonly #blobs: BlobStore;
  readonly #readers = new Map<Digest, BlobReader>();

  constructor(tree: RootfsTree, blobs: BlobStore) {
    this.#tree = tree;
    this.#blobs = blobs;
  }

  lookup(path: ByteString): SourceEntry | undefined {
    const entry = this.#tree.lookup(path);
    return entry === undefined ? undefined : sourceEntry(entry);
  }

  list(directory: ByteString): readonly SourceEntry[] {
    return this.#tree.list(directory).map(sourceEntry);
  }

  resolve(path: ByteString): ByteString | undefined {
    return this.#tree.resolve(path);
  }

  contentSha256(entry: SourceEntry): string {
    const known = this.knownSha256(entry);
    if (known !== undefined) return known;
    throw new BuildError('LAYER_INVALID', `the layer index has no digest for ${entry.path}`);
  }

  knownSha256(entry: SourceEntry): string | undefined {
    return this.#tree.lookup(entry.path)?.contentSha256;
  }

  remember(): void {
    // The index of a layer never changes.
  }

  open(entry: SourceEntry): SourceReader {
    const found = this.#tree.lookup(entry.path);
    if (found === undefined || found.type !== 'file') {
      throw new BuildError('FILE_CHANGED', `${entry.path} is not a file of the stage`);
    }
    // The blob stays open for the next file; see StageTree.close.
    return rangeReader(this.#reader(found.layer), found);
  }

  close(): void {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
  }

  #reader(layer: Digest): BlobReader {
    let reader = this.#readers.get(layer);
    if (reader === undefined) {
      reader = this.#blobs.openReader(layer);
      this.#readers.set(layer, reader);
    }
    return reader;
  }
}

function sourceEntry(entry: RootfsEntry): SourceEntry {
  // The tree has resolved hard links to files already.
  return { ...entry, type: entry.type === 'hardlink' ? 'file' : entry.type };
}
