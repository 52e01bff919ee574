import { OciError, sha256Digest } from '@tsbuild/oci';
import type { HttpResponse, RequestBody } from '@tsbuild/oci/internal';
import type { Environment } from '@tsbuild/oci/node';
import type { Traffic } from '../backend-access.ts';
import { WebSender } from '../web/web-sender.ts';
import type { ActionsAccess } from './actions-access.ts';
import { UploadPace } from './upload-pace.ts';

const SERVICE = 'twirp/github.actions.results.api.v1.CacheService/';

/** What sets entries of this layout apart from others with such keys; the service wants 64 digits. */
const VERSION = sha256Digest('tsbuild.gha.v1').slice('sha256:'.length);

/** Bytes that are sent at once, and kept until they have arrived. */
const BLOCK = 16 * 1024 * 1024;

/** Bytes of an answer of the service itself. */
const ANSWER_LIMIT = 64 * 1024;

/** An entry that was found. */
export interface FoundEntry {
  readonly key: string;
  /** Signed: whoever has it may read the entry. */
  readonly url: URL;
}

/**
 * The cache service of GitHub Actions, version 2: entries under keys that never change, found by key or by its beginning. The
 * bytes lie in Azure's blob storage, behind signed URLs.
 */
export class CacheService implements Disposable {
  readonly #access: ActionsAccess;
  readonly #sender: WebSender;
  readonly #pace = new UploadPace();

  constructor(access: ActionsAccess, environment: Environment, traffic?: Traffic) {
    this.#access = access;
    this.#sender = new WebSender({ environment, traffic });
  }

  /** The entry of this key or, where `prefix` says so, the newest whose key begins so; undefined when there is none. */
  async find(key: string, signal: AbortSignal, prefix = false): Promise<FoundEntry | undefined> {
    const request = { key, restore_keys: prefix ? [key] : [], version: VERSION };
    const answer = await this.#call('GetCacheEntryDownloadURL', request, signal);
    const url = answer['signed_download_url'] ?? answer['signedDownloadUrl'];
    const matched = answer['matched_key'] ?? answer['matchedKey'];
    if (answer['ok'] !== true || typeof url !== 'string' || !URL.canParse(url)) return undefined;
    return { key: typeof matched === 'string' ? matched : key, url: new URL(url) };
  }

  /** The bytes of an entry, or some of them. Refusals of a URL that is over have the code `REGISTRY_DENIED`. */
  async read(url: URL, signal: AbortSignal, offset = 0, length?: number): Promise<HttpResponse> {
    const last = length === undefined ? '' : offset + length - 1;
    const headers = offset === 0 && length === undefined ? {} : { Range: `bytes=${offset}-${last}` };
    return this.#sender.send(
      'cannot read from the cache of GitHub Actions',
      async () => ({ method: 'GET', url, headers }),
      signal,
    );
  }

  /** Makes an entry. @returns false when there is one with this key */
  async put(key: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<boolean> {
    if (!this.#access.canWrite) {
      throw new OciError('REGISTRY_DENIED', 'this job may only read the cache of GitHub Actions');
    }
    await this.#pace.take(signal);
    const answer = await this.#call('CreateCacheEntry', { key, version: VERSION }, signal);
    const target = answer['signed_upload_url'] ?? answer['signedUploadUrl'];
    if (answer['ok'] !== true || typeof target !== 'string' || !URL.canParse(target)) return false;
    const size = await this.#upload(new URL(target), source, signal);
    const request = { key, version: VERSION, size_bytes: String(size) };
    const finished = await this.#call('FinalizeCacheEntryUpload', request, signal);
    if (finished['ok'] === true) return true;
    throw new OciError('REGISTRY_ERROR', 'the cache of GitHub Actions did not take an entry');
  }

  [Symbol.dispose](): void {
    this.#sender[Symbol.dispose]();
  }

  async #call(method: string, request: object, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const { url, token } = this.#access;
    const bytes = Buffer.from(JSON.stringify(request));
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const response = await this.#sender.send(
      'the cache of GitHub Actions does not answer',
      async () => ({ method: 'POST', url: new URL(SERVICE + method, url), headers, body: bodyOf(bytes) }),
      signal,
      // twirp: not_found, already_exists.
      [404, 409],
    );
    const text = new TextDecoder().decode(await response.bytes(ANSWER_LIMIT));
    if (response.status >= 400) return { ok: false };
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? (answer as Readonly<Record<string, unknown>>) : {};
  }

  /** One Put Blob, or blocks and their list (Azure's Put Block, Put Block List). @returns the bytes that were sent */
  async #upload(target: URL, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
    const ids: string[] = [];
    let size = 0;
    let waiting: Buffer | undefined;
    for await (const block of blocksOf(source)) {
      size += block.length;
      if (waiting !== undefined) ids.push(await this.#putBlock(target, waiting, ids.length, signal));
      waiting = block;
    }
    const last = waiting ?? Buffer.alloc(0);
    if (ids.length === 0) {
      await this.#store(target, last, { 'x-ms-blob-type': 'BlockBlob' }, signal);
      return size;
    }
    ids.push(await this.#putBlock(target, last, ids.length, signal));
    const list = `<?xml version="1.0" encoding="utf-8"?><BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`;
    await this.#store(withQuery(target, 'comp=blocklist'), Buffer.from(list), {}, signal);
    return size;
  }

  async #putBlock(target: URL, bytes: Buffer, index: number, signal: AbortSignal): Promise<string> {
    const id = Buffer.from(String(index).padStart(6, '0')).toString('base64');
    await this.#store(withQuery(target, `comp=block&blockid=${encodeURIComponent(id)}`), bytes, {}, signal);
    return id;
  }

  async #store(url: URL, bytes: Buffer, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    const make = async () => ({ method: 'PUT', url, headers, body: bodyOf(bytes) });
    await (await this.#sender.send('cannot write to the cache of GitHub Actions', make, signal)).discard();
  }
}

function withQuery(url: URL, more: string): URL {
  const result = new URL(url);
  // Appended as text: what is signed keeps its form.
  result.search = url.search === '' ? more : `${url.search}&${more}`;
  return result;
}

function bodyOf(bytes: Uint8Array): RequestBody {
  return {
    length: bytes.length,
    open: async function* () {
      yield bytes;
    },
  };
}

async function* blocksOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    parts.push(Buffer.from(chunk));
    size += chunk.length;
    if (size < BLOCK) continue;
    yield Buffer.concat(parts);
    [parts, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(parts);
}
