import { AwsV4Signer } from 'aws4fetch';
import { type Digest, digestHex, OciError, sha256Digest } from '@tsbuild/oci';
import type { HttpRequest, HttpResponse, RequestBody } from '@tsbuild/oci/internal';
import type { Environment } from '@tsbuild/oci/node';
import type { Traffic } from '../backend-access.ts';
import { answerCode, answerError } from '../web/answer-error.ts';
import { WebSender } from '../web/web-sender.ts';
import type { CredentialChain } from './aws-credentials.ts';
import type { S3Place } from './s3-place.ts';

/** What the service says of credentials that are over. */
const OVER: ReadonlySet<string | undefined> = new Set([
  'ExpiredToken',
  'TokenRefreshRequired',
  'ExpiredTokenException',
]);

/** Bytes of a page of a listing; a page has 1000 names. */
const PAGE_LIMIT = 4 * 1024 * 1024;

/** What is sent: its digest is in the signature, so that the service takes no other bytes. */
export interface S3Payload extends RequestBody {
  readonly digest: Digest;
}

/** One request to a bucket. */
interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** The object's key, or empty for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: S3Payload;
  readonly signal: AbortSignal;
  readonly accepted?: readonly number[];
}

/** An object of a listing. */
export interface S3Object {
  readonly key: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** A payload of bytes at hand. */
export function bytesPayload(bytes: Uint8Array): S3Payload {
  return {
    digest: sha256Digest(bytes),
    length: bytes.length,
    open: async function* () {
      yield bytes;
    },
  };
}

/** How an {@link S3Client} works. */
export interface S3ClientOptions {
  readonly environment: Environment;
  readonly now: () => number;
  readonly traffic?: Traffic | undefined;
}

/** The objects of one bucket, by the S3 API (Signature Version 4). */
export class S3Client implements Disposable {
  readonly #place: S3Place;
  readonly #credentials: CredentialChain;
  readonly #now: () => number;
  readonly #sender: WebSender;

  constructor(place: S3Place, credentials: CredentialChain, { environment, now, traffic }: S3ClientOptions) {
    this.#place = place;
    this.#credentials = credentials;
    this.#now = now;
    const bundle = environment['AWS_CA_BUNDLE'];
    this.#sender = new WebSender({ environment, caFiles: bundle ? [bundle] : [], traffic });
  }

  /** An object from an offset on; undefined when there is none. */
  async get(key: string, signal: AbortSignal, offset = 0): Promise<HttpResponse | undefined> {
    const headers = offset === 0 ? {} : { Range: `bytes=${offset}-` };
    const response = await this.#send(`cannot read ${key}`, { method: 'GET', key, headers, signal, accepted: [404] });
    if (response.status !== 404) return response;
    const error = await answerError(response, this.#where(`cannot read ${key}`), this.#now());
    // A bucket that is not there is no miss.
    if (answerCode(error) === 'NoSuchKey') return undefined;
    throw error;
  }

  /** When an object was last written, milliseconds since 1970, and its size; undefined when there is none. */
  async head(key: string, signal: AbortSignal): Promise<{ modified: number; size: number } | undefined> {
    const response = await this.#send(`cannot look for ${key}`, { method: 'HEAD', key, signal, accepted: [404] });
    await response.discard();
    return response.status === 404 ? undefined : { modified: modifiedOf(response), size: response.length ?? 0 };
  }

  /** Stores an object. @returns false when `headers` make a condition that does not hold */
  async put(
    key: string,
    payload: S3Payload,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<boolean> {
    const accepted = 'If-None-Match' in headers ? [409, 412] : [];
    const request = { method: 'PUT', key, payload, headers, signal, accepted } as const;
    const response = await this.#send(`cannot write ${key}`, request);
    await response.discard();
    return response.status < 300;
  }

  /** Makes an object as young as a new one (CopyObject onto itself). @returns false when there is none */
  async touch(key: string, signal: AbortSignal): Promise<boolean> {
    const headers = {
      // The service refuses a copy onto itself that changes nothing.
      'x-amz-metadata-directive': 'REPLACE',
      'x-amz-copy-source': `/${this.#place.bucket}/${encodedKey(key)}`,
    };
    const request = { method: 'PUT', key, headers, signal, accepted: [404] } as const;
    const response = await this.#send(`cannot refresh ${key}`, request);
    const answer = new TextDecoder().decode(await response.some(64 * 1024));
    if (response.status === 404) return false;
    // An error may come after the status (CopyObject, "Response").
    const code = /<Error>[\s\S]*<Code>([^<]*)</.exec(answer)?.[1];
    if (code === undefined) return true;
    throw new OciError('REGISTRY_ERROR', `cannot refresh ${key}: the service answered ${code.slice(0, 64)}`);
  }

  /** Removes an object; one that is not there is removed. */
  async delete(key: string, signal: AbortSignal): Promise<void> {
    const request = { method: 'DELETE', key, signal, accepted: [404] } as const;
    await (await this.#send(`cannot remove ${key}`, request)).discard();
  }

  /** All objects whose keys begin so. */
  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<S3Object, void, undefined> {
    let token: string | undefined;
    do {
      const query = { 'list-type': '2', prefix, ...(token !== undefined && { 'continuation-token': token }) };
      const response = await this.#send('cannot list the records', { method: 'GET', key: '', query, signal });
      const page = new TextDecoder().decode(await response.bytes(PAGE_LIMIT));
      for (const [, entry = ''] of page.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
        const key = element(entry, 'Key');
        const modified = Date.parse(element(entry, 'LastModified') ?? '');
        if (key !== undefined) yield { key, modified: Number.isNaN(modified) ? 0 : modified };
      }
      token = element(page, 'IsTruncated') === 'true' ? element(page, 'NextContinuationToken') : undefined;
    } while (token !== undefined);
  }

  [Symbol.dispose](): void {
    this.#sender[Symbol.dispose]();
  }

  async #send(what: string, request: S3Request): Promise<HttpResponse> {
    const attempt = (): Promise<HttpResponse> =>
      this.#sender.send(this.#where(what), () => this.#signed(request), request.signal, request.accepted);
    try {
      return await attempt();
    } catch (error) {
      if (!OVER.has(answerCode(error))) throw error;
      this.#credentials.forget();
      return attempt();
    }
  }

  #where(what: string): string {
    return `${what} in the bucket ${this.#place.bucket}`;
  }

  async #signed({ method, key, query = {}, headers = {}, payload, signal }: S3Request): Promise<HttpRequest> {
    const { base, region } = this.#place;
    const url = new URL(base);
    url.pathname += encodedKey(key);
    // Blanks as %20: the signature is over that form, and a plus in a URL means either.
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encoded(value)}`)
      .join('&');
    const credentials = await this.#credentials.get(signal);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...headers, 'X-Amz-Content-Sha256': digestHex(payload?.digest ?? sha256Digest(new Uint8Array())) },
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
      service: 's3',
      region,
      datetime: new Date(this.#now()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return { method, url, headers: Object.fromEntries(signed.headers), ...(payload && { body: payload }) };
  }
}

/** When the object of an answer was last written, milliseconds since 1970. */
export function modifiedOf(response: HttpResponse): number {
  const modified = Date.parse(response.header('last-modified') ?? '');
  return Number.isNaN(modified) ? 0 : modified;
}

/** RFC 3986, as signatures have it. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function encodedKey(key: string): string {
  return encoded(key).replaceAll('%2F', '/');
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function element(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`)
    .exec(xml)?.[1]
    ?.replace(/&(lt|gt|amp|quot|apos);/g, (_, entity: string) => ENTITIES[entity] ?? '');
}
