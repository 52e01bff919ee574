import { type Descriptor, type Digest, OciError, sha256Digest } from '@tsbuild/oci';
import type {
  CacheBackend,
  FoundHints,
  ListedRecord,
  RecordToPut,
  SharedBlob,
} from '../src/shared-cache/backend/cache-backend.ts';

/** What a {@link MemoryBackend} keeps; several of them may share one. */
export class MemoryCachePlace {
  readonly records = new Map<Digest, RecordToPut>();
  readonly blobs = new Map<Digest, Uint8Array>();
  hints: FoundHints = { kind: 'nothing' };
  /** Thrown by every request while it is set. */
  failure: Error | undefined;
  readOnly = false;
  /** What was asked for, in order: `find`, `hints`, `open`, `put`, … */
  readonly requests: string[] = [];
}

/** A {@link CacheBackend} in memory, for tests. It keeps the contract. */
export class MemoryBackend implements CacheBackend {
  readonly name = 'memory';
  readonly spec = 'type=memory';
  readonly scope: string;
  readonly #place: MemoryCachePlace;

  constructor(place: MemoryCachePlace, scope = 'memory') {
    this.#place = place;
    this.scope = scope;
  }

  async find(key: Digest, signal: AbortSignal): Promise<string | undefined> {
    this.#request('find', signal);
    return this.#place.records.get(key)?.text;
  }

  async hints(signal: AbortSignal): Promise<FoundHints> {
    this.#request('hints', signal);
    return this.#place.hints;
  }

  async *open({ digest, size }: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.#request('open', signal);
    const bytes = this.#place.blobs.get(digest);
    if (bytes === undefined) throw new OciError('BLOB_NOT_FOUND', `blob ${digest} is not in memory`);
    if (bytes.length !== size || sha256Digest(bytes) !== digest)
      throw new OciError('BLOB_CORRUPT', `blob ${digest} is corrupt`);
    yield bytes;
  }

  async put(record: RecordToPut, signal: AbortSignal): Promise<void> {
    this.#request('put', signal);
    this.#mayWrite();
    for (const blob of record.blobs) await this.#store(blob, signal);
    this.#place.records.set(record.key, record);
  }

  async putHints(records: readonly RecordToPut[], signal: AbortSignal): Promise<void> {
    this.#request('putHints', signal);
    this.#mayWrite();
    if (this.#place.hints.kind === 'foreign') return;
    this.#place.hints = { kind: 'hints', texts: records.map(({ text }) => text) };
  }

  async *list(signal: AbortSignal): AsyncIterable<ListedRecord> {
    this.#request('list', signal);
    for (const { key, text, blobs } of this.#place.records.values()) {
      yield { key, text, size: blobs.reduce((sum, { blob }) => sum + blob.size, 0) };
    }
  }

  async remove(key: Digest, signal: AbortSignal): Promise<void> {
    this.#request('remove', signal);
    this.#mayWrite();
    this.#place.records.delete(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #request(what: string, signal: AbortSignal): void {
    signal.throwIfAborted();
    this.#place.requests.push(what);
    if (this.#place.failure !== undefined) throw this.#place.failure;
  }

  #mayWrite(): void {
    if (this.#place.readOnly) throw new OciError('REGISTRY_DENIED', 'memory may only be read');
  }

  async #store({ blob, open }: SharedBlob, signal: AbortSignal): Promise<void> {
    if (this.#place.blobs.has(blob.digest)) return;
    const parts: Uint8Array[] = [];
    for await (const chunk of open()) {
      signal.throwIfAborted();
      parts.push(Buffer.from(chunk));
    }
    const bytes = Buffer.concat(parts);
    if (sha256Digest(bytes) !== blob.digest) throw new OciError('BLOB_CORRUPT', `blob ${blob.digest} is corrupt`);
    this.#place.blobs.set(blob.digest, bytes);
  }
}
