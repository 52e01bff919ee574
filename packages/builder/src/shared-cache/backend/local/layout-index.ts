import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImageIndex, type Descriptor, MediaType } from '@tsbuild/oci';
import { FileLock, LAYOUT_NAMES, makeFolders, writeFileAtomic } from '@tsbuild/oci/internal';

/** The specification's annotation of an entry's name (image-spec annotations.md). */
const REF_NAME = 'org.opencontainers.image.ref.name';

/** When an entry was written by this program, milliseconds since 1970. */
const WRITTEN = 'dev.tsbuild.written';

/** Readers of layouts refuse many more than these; the oldest records make room. */
const ENTRIES_LIMIT = 9_000;

/** Everything of a layout may be written by whom the umask lets. */
const FILE_MODE = 0o666;

/** The name of an entry of `index.json`. */
export function entryTag(entry: Descriptor): string | undefined {
  return entry.annotations?.[REF_NAME];
}

/** When an entry was written, milliseconds since 1970; undefined of other tools' entries. */
export function entryWritten(entry: Descriptor): number | undefined {
  const written = Number(entry.annotations?.[WRITTEN] ?? Number.NaN);
  return Number.isSafeInteger(written) ? written : undefined;
}

/** The entries with `manifest` under this name, in place of whatever had it. */
export function withEntry(
  entries: readonly Descriptor[],
  tag: string,
  manifest: Descriptor,
  written: number,
): readonly Descriptor[] {
  const entry = { ...manifest, annotations: { [REF_NAME]: tag, [WRITTEN]: String(written) } };
  return [...entries.filter((other) => entryTag(other) !== tag), entry];
}

/**
 * The `index.json` of an image layout (image-spec image-layout.md) that many builders write: replaced whole, under a lock of
 * the kernel's. Readers need no lock.
 */
export class LayoutIndex {
  readonly #root: string;
  readonly #path: string;
  #known: { readonly stamp: string; readonly entries: readonly Descriptor[] } | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#path = join(root, LAYOUT_NAMES.index);
  }

  /** Its entries; none while there is no layout. @throws OciError `INDEX_INVALID`, `LIMIT_EXCEEDED` */
  read(): readonly Descriptor[] {
    const stat = statSync(this.#path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return [];
    const stamp = `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
    if (this.#known?.stamp !== stamp) {
      this.#known = { stamp, entries: decodeImageIndex(readFileSync(this.#path)).manifests };
    }
    return this.#known.entries;
  }

  /** Replaces the entries by what `change` makes of them, while nobody else does. */
  async change(
    change: (entries: readonly Descriptor[]) => readonly Descriptor[],
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]> {
    await makeFolders(this.#root, 0o777);
    using _ = await FileLock.take(lockFile(this.#root, 'index'), 'exclusive', signal);
    this.#known = undefined;
    const entries = newest(change(this.read()));
    const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: entries };
    await writeFileAtomic(this.#path, JSON.stringify(index), { mode: FILE_MODE });
    const marker = join(this.#root, LAYOUT_NAMES.marker);
    // Last: it says that the layout is there.
    if (statSync(marker, { throwIfNoEntry: false }) === undefined) {
      await writeFileAtomic(marker, JSON.stringify({ imageLayoutVersion: '1.0.0' }), { mode: FILE_MODE });
    }
    return entries;
  }

  /** Held while blobs are stored that no entry names yet. */
  async storing(signal: AbortSignal): Promise<Disposable> {
    await makeFolders(this.#root, 0o777);
    return FileLock.take(lockFile(this.#root, 'blobs'), 'shared', signal);
  }

  /** Held while blobs are removed that no entry names; undefined when somebody stores some. */
  async sweeping(signal: AbortSignal): Promise<Disposable | undefined> {
    return FileLock.try(lockFile(this.#root, 'blobs'), signal);
  }
}

/** A lock file that others who may write here can open, too. */
function lockFile(root: string, what: 'index' | 'blobs'): string {
  const path = join(root, `.tsbuild-cache-${what}.lock`);
  closeSync(openSync(path, 'a', FILE_MODE));
  return path;
}

function newest(entries: readonly Descriptor[]): readonly Descriptor[] {
  if (entries.length <= ENTRIES_LIMIT) return entries;
  const ours = entries.filter((entry) => entryWritten(entry) !== undefined);
  const oldest = ours.toSorted((a, b) => (entryWritten(a) ?? 0) - (entryWritten(b) ?? 0));
  const gone = new Set(oldest.slice(0, entries.length - ENTRIES_LIMIT));
  return entries.filter((entry) => !gone.has(entry));
}
