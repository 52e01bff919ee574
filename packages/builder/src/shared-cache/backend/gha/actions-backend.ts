import { randomBytes } from 'node:crypto';
import { type Descriptor, type Digest, digestHex, MediaType, OciError, sha256Digest } from '@tsbuild/oci';
import { nodeHasher, verified } from '@tsbuild/oci/internal';
import type { BackendAccess } from '../backend-access.ts';
import { once, readBytes } from '../../bytes.ts';
import { type CacheSpec, specText } from '../../flags/cache-spec.ts';
import { blobsOfRecord } from '../../record/record-blobs.ts';
import { decodeSharedRecord } from '../../record/shared-record.ts';
import type { CacheBackend, FoundHints, ListedRecord, RecordToPut, SharedBlob } from '../cache-backend.ts';
import { HINTS_LIMIT } from '../hint-texts.ts';
import { stoppable } from '../stoppable.ts';
import { downloadedBlob } from '../web/blob-download.ts';
import { actionsAccess } from './actions-access.ts';
import {
  type ActionsBundle,
  BUNDLE_LIMIT,
  BUNDLED_INDEXES_LIMIT,
  decodeActionsBundle,
  encodeActionsBundle,
  type PackedPlace,
} from './actions-bundle.ts';
import { CacheService } from './cache-service.ts';

/** Smaller blobs share an entry: entries are what the service has few of. */
const SMALL = 1024 * 1024;

/** Bytes of small blobs that are kept until they are written. */
const PACK_LIMIT = 32 * 1024 * 1024;

/**
 * `type=gha`: the cache of GitHub Actions. Its entries never change and are found by key or by its beginning, and each costs
 * one of few uploads a minute, so there is no entry for each record: every build leaves one bundle with all records that it
 * knows, and the newest bundle is the truth. Larger blobs have entries of their own; small ones of a build share one.
 */
export class ActionsBackend implements CacheBackend {
  readonly name: string;
  readonly spec: string;
  readonly scope: string;
  readonly #service: CacheService | string;
  readonly #canWrite: boolean;
  readonly #prefix: string;
  readonly #now: () => number;
  /** The bundles that were given to whoever writes the next, by their entries' keys: what it leaves out is meant to go. */
  readonly #seen = new Set<string>();
  #bundle: ActionsBundle | undefined;
  /** The entry of `#bundle`. */
  #bundleKey: string | undefined;
  readonly #written = new Map<Digest, string>();
  readonly #packed = new Map<Digest, PackedPlace>();
  readonly #waiting = new Map<Digest, Uint8Array>();
  readonly #stored = new Set<Digest>();

  constructor(spec: CacheSpec, { environment, now, traffic }: Pick<BackendAccess, 'environment' | 'now' | 'traffic'>) {
    const name = spec.attributes.get('scope') ?? 'tsbuild';
    const access = actionsAccess(spec.attributes, environment);
    this.name = `GitHub Actions cache ${name}`;
    this.spec = specText(spec);
    this.scope = `gha/${spec.attributes.get('repository') ?? environment['GITHUB_REPOSITORY'] ?? ''}/${name}`;
    this.#service = typeof access === 'string' ? access : new CacheService(access, environment, traffic);
    this.#canWrite = typeof access !== 'string' && access.canWrite;
    // Hashed, as one name may be the beginning of another.
    this.#prefix = `tsbuild-b1-${digestHex(sha256Digest(name)).slice(0, 16)}-`;
    this.#now = now;
  }

  async find(key: Digest, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    const own = this.#written.get(key);
    if (own !== undefined) return own;
    return textsByKey((this.#bundle ?? (await this.#read(signal))).texts).get(key);
  }

  async hints(signal: AbortSignal): Promise<FoundHints> {
    const { texts, indexes } = await this.#read(signal);
    if (this.#bundleKey !== undefined) this.#seen.add(this.#bundleKey);
    if (texts.length === 0) return { kind: 'nothing' };
    if (indexes === undefined) return { kind: 'hints', texts };
    const { digest, bytes } = indexes;
    return { kind: 'hints', texts, pack: { mediaType: MediaType.ociLayerGzip, digest, size: bytes.length } };
  }

  async *open(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const { indexes } = this.#bundle ?? {};
    if (indexes?.digest === blob.digest) return yield* once(indexes.bytes);
    const place = await this.#placeOf(blob.digest, signal);
    const service = this.#reached();
    const found = await service.find(place?.entry ?? layerKey(blob.digest), signal);
    if (found === undefined) {
      throw new OciError('BLOB_NOT_FOUND', `${this.name} has no blob ${blob.digest}`, {
        fields: { digest: blob.digest },
      });
    }
    yield* downloadedBlob(blob, async (offset) => {
      const length = place === undefined ? undefined : blob.size - offset;
      return (await service.read(found.url, signal, (place?.offset ?? 0) + offset, length)).chunks();
    });
  }

  async put(record: RecordToPut, signal: AbortSignal): Promise<void> {
    this.#mayWrite(signal);
    for (const blob of record.blobs) await this.#store(blob, signal);
    this.#written.set(record.key, record.text);
    const size = [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0);
    if (size > PACK_LIMIT) await this.#writePack(signal);
  }

  async putHints(records: readonly RecordToPut[], signal: AbortSignal, pack?: SharedBlob): Promise<void> {
    this.#mayWrite(signal);
    const indexes = pack === undefined ? undefined : await bundledIndexes(pack, signal);
    await this.#writePack(signal);
    const newest = await this.#read(signal);
    // A bundle that another build has written meanwhile is part of the truth, too.
    const isKnown = this.#bundleKey === undefined || this.#seen.has(this.#bundleKey);
    const theirs = isKnown ? new Map<Digest, string>() : textsByKey(newest.texts);
    const given = records.map(({ key, text }) => [key, text] as const);
    const merged = new Map([...theirs, ...this.#written, ...given]);
    const order = new Set([...given.map(([key]) => key), ...this.#written.keys(), ...theirs.keys()]);
    const texts = [...order].map((key) => merged.get(key) ?? '').filter((text) => this.#isWhole(text));
    const kept = texts.slice(0, HINTS_LIMIT);
    const bundle = { texts: kept, packed: this.#placesOf(kept), ...(indexes === undefined ? {} : { indexes }) };
    const key = `${this.#prefix}${String(this.#now()).padStart(13, '0')}-${randomBytes(4).toString('hex')}`;
    await this.#reached().put(key, once(encodeActionsBundle(bundle)), signal);
    this.#seen.add(key);
    this.#bundleKey = key;
    this.#bundle = bundle;
  }

  async *list(signal: AbortSignal): AsyncIterable<ListedRecord> {
    for (const [key, text] of textsByKey((await this.#read(signal)).texts)) {
      yield { key, text, size: blobsOfRecord(text).reduce((sum, { blob }) => sum + blob.size, 0) };
    }
  }

  async remove(_key: Digest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    throw new OciError(
      'UNSUPPORTED',
      'records cannot be removed from the cache of GitHub Actions: it forgets what no job reads for a week; gh cache delete removes entries',
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (typeof this.#service !== 'string') this.#service[Symbol.dispose]();
  }

  /** @throws OciError where this is no job of GitHub's */
  #reached(): CacheService {
    if (typeof this.#service !== 'string') return this.#service;
    throw new OciError('REGISTRY_CREDENTIALS', this.#service);
  }

  #mayWrite(signal: AbortSignal): void {
    signal.throwIfAborted();
    if (this.#canWrite) return;
    const why =
      typeof this.#service === 'string' ? this.#service : 'this job may only read the cache of GitHub Actions';
    throw new OciError('REGISTRY_DENIED', why);
  }

  /** The newest bundle; an empty one when there is none. */
  async #read(signal: AbortSignal): Promise<ActionsBundle> {
    signal.throwIfAborted();
    const service = this.#reached();
    const found = await service.find(this.#prefix, signal, true);
    const empty = { texts: [], packed: new Map<Digest, PackedPlace>() };
    if (found === undefined) return (this.#bundle = empty);
    if (this.#bundleKey === found.key && this.#bundle !== undefined) return this.#bundle;
    const bytes = await (await service.read(found.url, signal)).bytes(BUNDLE_LIMIT);
    const bundle = decodeActionsBundle(bytes) ?? empty;
    for (const [digest, place] of bundle.packed) if (!this.#packed.has(digest)) this.#packed.set(digest, place);
    this.#bundleKey = found.key;
    return (this.#bundle = bundle);
  }

  /** Where a small blob lies; undefined of one that has its own entry. */
  async #placeOf(digest: Digest, signal: AbortSignal): Promise<PackedPlace | undefined> {
    if (!this.#packed.has(digest) && this.#bundle === undefined) await this.#read(signal);
    return this.#packed.get(digest);
  }

  async #store({ blob, open }: SharedBlob, signal: AbortSignal): Promise<void> {
    const { digest, size } = blob;
    if (this.#stored.has(digest) || this.#waiting.has(digest)) return;
    const place = await this.#placeOf(digest, signal);
    const service = this.#reached();
    if ((await service.find(place?.entry ?? layerKey(digest), signal)) === undefined) {
      this.#packed.delete(digest);
      const source = verified(stoppable(open(), signal), blob, nodeHasher('sha256'));
      if (size >= SMALL) await service.put(layerKey(digest), source, signal);
      else {
        this.#waiting.set(digest, await readBytes(source));
        return;
      }
    }
    this.#stored.add(digest);
  }

  async #writePack(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size === 0) return;
    const blobs = [...this.#waiting];
    const bytes = Buffer.concat(blobs.map(([, blob]) => blob));
    const entry = `tsbuild-p1-${digestHex(sha256Digest(bytes))}`;
    await this.#reached().put(entry, once(bytes), signal);
    let offset = 0;
    for (const [digest, blob] of blobs) {
      this.#packed.set(digest, { entry, offset });
      this.#stored.add(digest);
      this.#waiting.delete(digest);
      offset += blob.length;
    }
  }

  /** Whether the blobs of a record can be found; of larger ones only their entries know. */
  #isWhole(text: string): boolean {
    return blobsOfRecord(text).every(({ blob }) => blob.size >= SMALL || this.#packed.has(blob.digest));
  }

  #placesOf(texts: readonly string[]): ReadonlyMap<Digest, PackedPlace> {
    const places = new Map<Digest, PackedPlace>();
    for (const { blob } of texts.flatMap(blobsOfRecord)) {
      const place = this.#packed.get(blob.digest);
      if (place !== undefined) places.set(blob.digest, place);
    }
    return places;
  }
}

async function bundledIndexes({ blob, open }: SharedBlob, signal: AbortSignal): Promise<ActionsBundle['indexes']> {
  if (blob.size > BUNDLED_INDEXES_LIMIT) return undefined;
  return { digest: blob.digest, bytes: await readBytes(stoppable(open(), signal), blob.size) };
}

function layerKey(digest: Digest): string {
  return `tsbuild-l1-${digestHex(digest)}`;
}

function textsByKey(texts: readonly string[]): ReadonlyMap<Digest, string> {
  const found = new Map<Digest, string>();
  for (const text of texts) {
    const record = decodeSharedRecord(text);
    if (typeof record !== 'string' && !found.has(record.key)) found.set(record.key, text);
  }
  return found;
}
