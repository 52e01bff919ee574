import { STATUS_CODES } from 'node:http';
import { type BlobStore, type Digest, isDigest, OciError } from '@tsbuild/oci';
import { decompress, sniffCompression, type WebClient, type WebResponse } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { peekBytes } from './peek-bytes.ts';
import { KeptJson } from './kept-json.ts';
import { downloadAuthorization, downloadSecretHint, type SecretLookup } from './remote-credentials.ts';

/** A file of a web server. `size` in bytes, `modified` in seconds since 1970, 0 when the server does not say. */
interface WebFile {
  readonly digest: Digest;
  readonly size: number;
  readonly modified: number;
}

/** What is remembered of a URL: the file, and what the server calls this state of it. */
interface WebRecord extends WebFile {
  readonly etag?: string;
  readonly lastModified?: string;
}

/** What servers called the state of what was fetched from them. */
export function webRecords(directory: string): KeptJson<WebRecord> {
  return new KeptJson(directory, (record) => isDigest(record.digest) && Number.isInteger(record.size));
}

/** What {@link HttpSource} works with. */
export interface HttpSourceOptions {
  /** Made when a server must be asked. */
  readonly client: () => WebClient;
  readonly blobs: BlobStore;
  /** Where records lie. */
  readonly directory: string;
  /** Larger files are refused; 32 GiB unless told. */
  readonly maxBytes?: number;
  /** Credentials for hosts, see {@link downloadAuthorization}. */
  readonly secret?: SecretLookup;
  /** Told of every chunk. */
  readonly onProgress?: (progress: DownloadProgress) => void;
}

/** How far a download is. Sizes in bytes. */
export interface DownloadProgress {
  /** Without user name, password and query. */
  readonly url: string;
  readonly transferred: number;
  /** 0 when the server does not say. */
  readonly total: number;
  readonly done: boolean;
}

/** As many bytes as tell gzip from anything else. */
const GZIP_HEAD = 6;

const MAX_BYTES = 32 * 1024 ** 3;

/**
 * Files of web servers, for ADD. What was fetched stays in the blob store, and the server is asked with what it called
 * that state (ETag, Last-Modified), so that an unchanged file costs one short answer. User names and passwords in URLs,
 * and secrets for hosts, are sent to their host alone, and not kept.
 */
export class HttpSource {
  readonly #options: HttpSourceOptions;
  readonly #records: KeptJson<WebRecord>;
  /** What is under way: two steps that add one URL ask once. */
  readonly #asking = new Map<string, Promise<WebFile>>();

  constructor(options: HttpSourceOptions) {
    this.#options = options;
    this.#records = webRecords(options.directory);
  }

  /**
   * What the URL holds now; fetched if need be. With a `checksum` a file that was fetched before is not asked for again.
   * @throws BuildError `DOWNLOAD_FAILED`
   */
  async resolve(url: string, checksum: Digest | undefined, signal: AbortSignal): Promise<WebFile> {
    const key = `${checksum ?? ''} ${url}`;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#resolve(parseTarget(url), checksum, signal);
      this.#asking.set(key, asking);
    }
    return asking;
  }

  /** @throws BuildError `DOWNLOAD_FAILED`; `FILE_CHANGED` when the server has another file by now */
  async ensure(url: string, file: WebFile, signal: AbortSignal): Promise<void> {
    if ((await this.#options.blobs.has(file.digest)) !== undefined) return;
    const target = parseTarget(url);
    const fetched = await this.#fetch(target, await this.#ask(target, {}, signal), undefined);
    if (fetched.digest === file.digest) return;
    throw new BuildError('FILE_CHANGED', `${target.shown} changed during the build`, { hint: 'build again' });
  }

  async #resolve(target: Target, checksum: Digest | undefined, signal: AbortSignal): Promise<WebFile> {
    const record = this.#records.get(target.name);
    if (record !== undefined && record.digest === checksum) return record;
    const known = checksum === undefined ? record : undefined;
    const response = await this.#ask(target, conditions(known), signal);
    if (response.status === 304 && known !== undefined) {
      await response.discard();
      return known;
    }
    return this.#fetch(target, response, checksum);
  }

  async #ask(target: Target, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<WebResponse> {
    const { url, shown } = target;
    const { secret } = this.#options;
    // As in BuildKit, what the build was given goes before what the URL says.
    const authorization = (secret && downloadAuthorization(url, secret)) ?? target.authorization;
    try {
      const client = this.#options.client();
      return await client.get(url, { ...headers, ...(authorization && { Authorization: authorization }) }, signal);
    } catch (error) {
      throw failed(shown, error);
    }
  }

  async #fetch(target: Target, response: WebResponse, checksum: Digest | undefined): Promise<WebFile> {
    const { shown } = target;
    if (!isWhole(response.status)) {
      await response.discard();
      const said = `${response.status} ${STATUS_CODES[response.status] ?? ''}`.trim();
      const wantsCredential = response.status === 401 || response.status === 403;
      throw new BuildError('DOWNLOAD_FAILED', `cannot download ${shown}: ${response.url.host} answered ${said}`, {
        ...(wantsCredential && { hint: downloadSecretHint(target.url) }),
      });
    }
    const { digest, size } = await this.#store(target, response, checksum);
    const etag = response.header('etag');
    const lastModified = response.header('last-modified');
    const file: WebFile = { digest, size, modified: secondsOf(lastModified) };
    await this.#records.put(target.name, {
      ...file,
      ...(etag !== undefined && { etag }),
      ...(lastModified !== undefined && { lastModified }),
    });
    return file;
  }

  async #store(
    target: Target,
    response: WebResponse,
    checksum: Digest | undefined,
  ): Promise<{ digest: Digest; size: number }> {
    const { blobs, maxBytes = MAX_BYTES, onProgress } = this.#options;
    const writer = await blobs.create();
    const tell = (transferred: number, total: number, done: boolean): void =>
      onProgress?.({ url: target.shown, transferred, total, done });
    try {
      let size = 0;
      if ((response.length ?? 0) > maxBytes) throw tooLarge(target.shown, maxBytes);
      const { content, total } = await contentOf(response);
      for await (const chunk of content) {
        size += chunk.length;
        if (size > maxBytes) throw tooLarge(target.shown, maxBytes);
        writer.write(chunk);
        tell(size, total, false);
      }
      tell(size, size, true);
      return await writer.commit(checksum === undefined ? {} : { digest: checksum });
    } catch (error) {
      await writer.discard();
      await response.discard().catch(() => undefined);
      throw failed(target.shown, error);
    }
  }
}

/** Any success is a file, an empty one too (204); but a part that nobody asked for (206) is none. */
function isWhole(status: number): boolean {
  return status >= 200 && status < 300 && status !== 206;
}

/**
 * The file that an answer stands for. Object stores and static sites send `Content-Encoding: gzip` though nobody asked for
 * it; the file is then what comes out, as for BuildKit (Go's http.Transport), which knows no other encoding either.
 */
async function contentOf(response: WebResponse): Promise<{ content: AsyncIterable<Uint8Array>; total: number }> {
  const plain = { content: response.chunks(), total: response.length ?? 0 };
  if (response.header('content-encoding')?.trim().toLowerCase() !== 'gzip') return plain;
  const { head, all } = await peekBytes(plain.content, GZIP_HEAD);
  // The header may be wrong: then the bytes are the file.
  return sniffCompression(head) === 'gzip'
    ? { content: decompress(all), total: 0 }
    : { content: all, total: plain.total };
}

/** A URL taken apart. */
interface Target {
  /** Without user name, password and fragment. */
  readonly url: URL;
  readonly authorization: string | undefined;
  /** What its record is called. */
  readonly name: string;
  /** For messages: no password, and no query, in which signatures travel. */
  readonly shown: string;
}

function parseTarget(text: string): Target {
  const url = new URL(text);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  url.hash = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization =
    username === '' && password === '' ? undefined : `Basic ${Buffer.from(pair).toString('base64')}`;
  const shown = `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
  return { url, authorization, name: url.href, shown };
}

function conditions(record: WebRecord | undefined): Readonly<Record<string, string>> {
  if (record?.etag !== undefined) return { 'If-None-Match': record.etag };
  return record?.lastModified === undefined ? {} : { 'If-Modified-Since': record.lastModified };
}

function secondsOf(date: string | undefined): number {
  const milliseconds = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, Math.floor(milliseconds / 1000));
}

function tooLarge(shown: string, maxBytes: number): BuildError {
  return new BuildError('DOWNLOAD_FAILED', `cannot download ${shown}: it has more than ${maxBytes} bytes`);
}

function failed(shown: string, error: unknown): unknown {
  if (!(error instanceof OciError)) return error;
  if (error.code === 'BLOB_CORRUPT') {
    return new BuildError('DOWNLOAD_FAILED', `${shown} does not match --checksum: ${error.message}`, {
      cause: error,
    });
  }
  return new BuildError('DOWNLOAD_FAILED', `cannot download ${shown}: ${error.message}`, { cause: error });
}
