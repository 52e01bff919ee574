import { resolve } from 'node:path';
import { type Descriptor, type Digest, isDigest, OciError, readBlob } from '@tsbuild/oci';
import { DirectoryBlobStore } from '@tsbuild/oci/node';
import { BuildError } from '../../../diagnostics/build-error.ts';
import { cacheDuration, cacheFlag, type CacheSpec, specText } from '../../flags/cache-spec.ts';
import type { CacheBackend, FoundHints, ListedRecord, RecordToPut, SharedBlob } from '../cache-backend.ts';
import { foreignContent } from '../foreign-content.ts';
import {
  type CarrierImage,
  encodeHintsImage,
  encodeRecordImage,
  hintTextsOf,
  hintTextsOfLayer,
  packOf,
  recordTextOf,
} from '../record-image.ts';
import { keyOfTag, recordTag } from '../record-tag.ts';
import { stoppable } from '../stoppable.ts';
import { entryTag, entryWritten, LayoutIndex, withEntry } from './layout-index.ts';
import { blobsOf, sweepBlobs } from './sweep-blobs.ts';

/** The name of the hints, as BuildKit's. */
const DEFAULT_TAG = 'latest';

/** Records that no build has used for so long go, milliseconds. */
const DEFAULT_KEEP = 7 * 24 * 60 * 60 * 1000;

/** Says of a file system's error that this builder may only read. */
const READ_ONLY: ReadonlySet<unknown> = new Set(['EROFS', 'EACCES', 'EPERM']);

/**
 * `type=local`: records as images of one image layout, so that any tool that knows layouts can copy them to a registry. Blobs
 * are read where they lie, when they are wanted. Each build that writes removes what no build has used of late.
 */
export class LocalBackend implements CacheBackend {
  readonly name: string;
  readonly spec: string;
  readonly scope: string;
  readonly #root: string;
  readonly #blobs: DirectoryBlobStore;
  readonly #index: LayoutIndex;
  /** Where the hints lie; the second while the first is somebody else's. */
  readonly #tags: readonly [string, string];
  readonly #digest: Digest | undefined;
  readonly #keep: number;
  readonly #now: () => number;
  /** The keys that this build asked for and found, or wrote. */
  readonly #used = new Set<Digest>();

  /** @param options `directory` is where relative paths start. @throws BuildError `OPTION_INVALID` */
  constructor(spec: CacheSpec, options: { readonly directory: string; readonly now: () => number }) {
    const { attributes } = spec;
    const path = attributes.get('dest') ?? attributes.get('src') ?? '';
    const tag = attributes.get('tag') || DEFAULT_TAG;
    const digest = attributes.get('digest');
    if (digest !== undefined && !isDigest(digest)) {
      throw new BuildError('OPTION_INVALID', `type=local: digest=${digest} is none: write sha256:<64 digits>`);
    }
    this.#root = resolve(options.directory, path);
    this.name = `local ${path}`;
    this.spec = specText(spec);
    this.scope = attributes.get('scope') ?? 'local';
    this.#blobs = new DirectoryBlobStore(this.#root);
    this.#index = new LayoutIndex(this.#root);
    this.#tags = [tag, `${tag}.tsbuild`];
    this.#digest = digest;
    this.#keep = cacheFlag(spec, 'reset', false) ? 0 : (cacheDuration(spec, 'keep') ?? DEFAULT_KEEP);
    this.#now = options.now;
  }

  async find(key: Digest, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    const entry = this.#entry(recordTag(key));
    const text = entry === undefined ? undefined : await this.#recordOf(entry);
    if (text !== undefined) this.#used.add(key);
    return text;
  }

  async hints(signal: AbortSignal): Promise<FoundHints> {
    signal.throwIfAborted();
    if (this.#digest !== undefined) return this.#hintsIn(await this.#descriptorOf(this.#digest));
    let found: FoundHints = { kind: 'nothing' };
    for (const tag of this.#tags) {
      const entry = this.#entry(tag);
      if (entry === undefined) continue;
      const hints = await this.#hintsIn(entry);
      if (hints.kind === 'hints') return found.kind === 'foreign' ? { ...hints, foreign: found.what } : hints;
      found = hints;
    }
    return found;
  }

  async *open(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const size = (await this.#blobs.has(blob.digest))?.size ?? blob.size;
    if (size !== blob.size) {
      throw new OciError('BLOB_CORRUPT', `blob ${blob.digest} is corrupt: it has ${size} bytes, not ${blob.size}`, {
        fields: { digest: blob.digest },
      });
    }
    try {
      yield* stoppable(this.#blobs.open(blob.digest), signal);
    } catch (error) {
      // Whoever makes it anew finds a place for it.
      if (isCode(error, 'BLOB_CORRUPT')) await this.#blobs.delete(blob.digest).catch(() => undefined);
      throw error;
    }
  }

  async put(record: RecordToPut, signal: AbortSignal): Promise<void> {
    await this.#writing(async () => {
      using _ = await this.#index.storing(signal);
      for (const blob of record.blobs) await this.#store(blob, signal);
      await this.#name(recordTag(record.key), encodeRecordImage(record), signal);
    });
    this.#used.add(record.key);
  }

  async putHints(records: readonly RecordToPut[], signal: AbortSignal, pack?: SharedBlob): Promise<void> {
    const whole: RecordToPut[] = [];
    for (const record of records) if (await this.#hasAll(record)) whole.push(record);
    for (const { key } of records) this.#used.add(key);
    await this.#writing(async () => {
      const tag = await this.#hintsTag();
      {
        using _ = await this.#index.storing(signal);
        if (pack !== undefined) await this.#store(pack, signal);
        await this.#name(tag, encodeHintsImage(whole, pack), signal);
      }
      await this.#removeEntries((entry) => this.#isUnused(entry), signal);
    });
  }

  async *list(signal: AbortSignal): AsyncIterable<ListedRecord> {
    for (const entry of this.#index.read()) {
      signal.throwIfAborted();
      const key = keyOfTag(entryTag(entry) ?? '');
      const text = key === undefined ? undefined : await this.#recordOf(entry);
      if (key === undefined || text === undefined) continue;
      let size = entry.size;
      for (const digest of await blobsOf(this.#blobs, entry)) size += (await this.#blobs.has(digest))?.size ?? 0;
      const written = entryWritten(entry);
      yield { key, text, size, ...(written !== undefined && { written }) };
    }
  }

  async remove(key: Digest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#writing(() => this.#removeEntries((entry) => entryTag(entry) === recordTag(key), signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #entry(tag: string): Descriptor | undefined {
    return this.#index.read().find((entry) => entryTag(entry) === tag);
  }

  /** The text of a record; undefined when its manifest is lost or damaged, so that it is written again. */
  async #recordOf(entry: Descriptor): Promise<string | undefined> {
    try {
      return recordTextOf(await readBlob(this.#blobs, entry));
    } catch (error) {
      if (isCode(error, 'BLOB_CORRUPT')) await this.#blobs.delete(entry.digest).catch(() => undefined);
      else if (!isCode(error, 'BLOB_NOT_FOUND')) throw error;
      return undefined;
    }
  }

  async #hintsIn(entry: Descriptor): Promise<FoundHints> {
    const manifest = await readBlob(this.#blobs, entry);
    const found = hintTextsOf(manifest);
    if (found === undefined) return { kind: 'foreign', what: foreignContent(manifest) };
    const indexes = packOf(manifest);
    const pack = indexes === undefined ? {} : { pack: indexes };
    if (!('layer' in found)) return { kind: 'hints', texts: found, ...pack };
    return { kind: 'hints', texts: hintTextsOfLayer(await readBlob(this.#blobs, found.layer)) ?? [], ...pack };
  }

  async #descriptorOf(digest: Digest): Promise<Descriptor> {
    const info = await this.#blobs.has(digest);
    if (info === undefined) throw new OciError('BLOB_NOT_FOUND', `${this.#root} has no ${digest}`);
    return { mediaType: '', ...info };
  }

  async #hintsTag(): Promise<string> {
    const [first, second] = this.#tags;
    const entry = this.#entry(first);
    if (entry === undefined) return first;
    const manifest = await readBlob(this.#blobs, entry).catch(() => new Uint8Array());
    return hintTextsOf(manifest) === undefined ? second : first;
  }

  async #store({ blob, open }: SharedBlob, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if ((await this.#blobs.has(blob.digest))?.size === blob.size) return;
    const { digest, size } = blob;
    await this.#blobs.put(stoppable(open(), signal), { digest, size });
  }

  /** Stores an image's documents and gives it its name. */
  async #name(tag: string, { config, manifest, ownLayers }: CarrierImage, signal: AbortSignal): Promise<void> {
    for (const { bytes } of [config, ...ownLayers, manifest]) await this.#blobs.put(bytes);
    await this.#index.change((entries) => withEntry(entries, tag, manifest.descriptor, this.#now()), signal);
  }

  async #hasAll({ blobs }: RecordToPut): Promise<boolean> {
    for (const { blob } of blobs) if ((await this.#blobs.has(blob.digest))?.size !== blob.size) return false;
    return true;
  }

  #isUnused(entry: Descriptor): boolean {
    const key = keyOfTag(entryTag(entry) ?? '');
    if (key === undefined || this.#used.has(key)) return false;
    return this.#keep === 0 || (entryWritten(entry) ?? 0) <= this.#now() - this.#keep;
  }

  async #removeEntries(isGone: (entry: Descriptor) => boolean, signal: AbortSignal): Promise<void> {
    const gone = this.#index.read().filter(isGone);
    if (gone.length === 0) return;
    const removed: Digest[] = [];
    for (const entry of gone) removed.push(...(await blobsOf(this.#blobs, entry)));
    const names = new Set(gone.map(({ digest }) => digest));
    // One that was written again meanwhile is another manifest, or has another time.
    await this.#index.change(
      (entries) => entries.filter((entry) => !(names.has(entry.digest) && isGone(entry))),
      signal,
    );
    using sweeping = await this.#index.sweeping(signal);
    if (sweeping === undefined) return; // The next build does it.
    const isOurs = (entry: Descriptor): boolean => entryWritten(entry) !== undefined;
    await sweepBlobs(this.#blobs, this.#index.read(), { isOurs, removed, now: this.#now() });
  }

  async #writing(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const cause = error instanceof OciError ? error.cause : error;
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
      if (!READ_ONLY.has(code)) throw error;
      throw new OciError(
        'REGISTRY_DENIED',
        `cannot write to the cache in ${this.#root}: it may only be read (${code})`,
        {
          fields: { path: this.#root },
          cause: error,
        },
      );
    }
  }
}

function isCode(error: unknown, code: OciError['code']): boolean {
  return error instanceof OciError && error.code === code;
}
