import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type S3Identity, signerOf } from './signature.ts';

/** An object of the fake service. */
export interface StoredObject {
  readonly bytes: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
  modified: number;
}

/** What a {@link FakeS3} does beside what it should. */
export interface FakeS3Behaviour {
  /** The status of a failure in place of an answer, asked for each request. */
  fail?: (request: string) => number | undefined;
  /** Bytes after which the answer to a GET is cut off, once each. */
  cutAfter?: number[];
  /** It knows no conditions: 501. */
  withoutConditions?: boolean;
}

const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  ExpiredToken: 400,
  InvalidAccessKeyId: 403,
  InvalidToken: 400,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
};

/** One bucket of a service that speaks S3's API, by path. It checks every signature itself. */
export class FakeS3 implements AsyncDisposable {
  readonly bucket = 'team-cache';
  readonly region = 'eu-test-1';
  readonly identities = new Map<string, S3Identity>([['AKIDEXAMPLE', { secret: 'very-secret' }]]);
  readonly objects = new Map<string, StoredObject>();
  /** `METHOD key`, in order; `COPY key` of copies. */
  readonly requests: string[] = [];
  readonly behaviour: FakeS3Behaviour = {};
  /** The clock that objects are dated by, milliseconds since 1970. */
  now: () => number = () => Date.now();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  static async start(): Promise<FakeS3> {
    const fake = new FakeS3();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.url);
    const [, bucket = '', ...rest] = decodeURIComponent(url.pathname).split('/');
    const key = rest.join('/');
    const isCopy = request.headers['x-amz-copy-source'] !== undefined;
    const shown = `${isCopy ? 'COPY' : request.method} ${key}`;
    this.requests.push(shown);
    const status = this.behaviour.fail?.(shown);
    if (status !== undefined) return refuse(response, 'SlowDown', status);
    const signer = signerOf(request, this.identities, this.region);
    if (typeof signer === 'string') return refuse(response, signer);
    if (bucket !== this.bucket) return refuse(response, 'NoSuchBucket');
    if (signer.readOnly === true && request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(response, 'AccessDenied');
    if (key === '') return this.#list(url, response);
    if (request.method === 'PUT')
      return isCopy ? this.#copy(request, response, key) : this.#put(request, response, key);
    if (request.method === 'DELETE') {
      this.objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    this.#get(request, response, key);
  }

  #get(request: IncomingMessage, response: ServerResponse, key: string): void {
    const object = this.objects.get(key);
    if (object === undefined) return refuse(response, 'NoSuchKey');
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const bytes = object.bytes.subarray(from);
    response.writeHead(request.headers.range === undefined ? 200 : 206, {
      ...object.metadata,
      'Content-Length': bytes.length,
      'Last-Modified': new Date(object.modified).toUTCString(),
    });
    const cut = request.method === 'GET' ? this.behaviour.cutAfter?.shift() : undefined;
    if (request.method === 'HEAD') response.end();
    else if (cut === undefined) response.end(bytes);
    else response.write(bytes.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  }

  async #put(request: IncomingMessage, response: ServerResponse, key: string): Promise<void> {
    const parts: Buffer[] = [];
    for await (const chunk of request) parts.push(chunk as Buffer);
    const bytes = Buffer.concat(parts);
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (hash !== request.headers['x-amz-content-sha256']) return refuse(response, 'XAmzContentSHA256Mismatch');
    if (request.headers['if-none-match'] === '*') {
      if (this.behaviour.withoutConditions === true) return refuse(response, 'NotImplemented');
      if (this.objects.has(key)) return refuse(response, 'PreconditionFailed');
    }
    this.objects.set(key, { bytes, metadata: metadataOf(request), modified: this.now() });
    response.writeHead(200, { ETag: `"${hash}"` }).end();
  }

  #copy(request: IncomingMessage, response: ServerResponse, key: string): void {
    const source = decodeURIComponent(String(request.headers['x-amz-copy-source']));
    const object = this.objects.get(source.slice(this.bucket.length + 2));
    if (object === undefined) return refuse(response, 'NoSuchKey');
    if (request.headers['x-amz-metadata-directive'] !== 'REPLACE') return refuse(response, 'InvalidRequest', 400);
    this.objects.set(key, { bytes: object.bytes, metadata: metadataOf(request), modified: this.now() });
    response.writeHead(200).end('<CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>');
  }

  #list(url: URL, response: ServerResponse): void {
    const names = [...this.objects.keys()]
      .filter((name) => name.startsWith(url.searchParams.get('prefix') ?? ''))
      .toSorted();
    const from = Number(url.searchParams.get('continuation-token') ?? 0);
    // Small pages, as nobody fills large ones in a test.
    const page = names.slice(from, from + 2);
    const more = from + 2 < names.length;
    const contents = page.map((name) => {
      const modified = new Date(this.objects.get(name)?.modified ?? 0).toISOString();
      return `<Contents><Key>${name.replaceAll('&', '&amp;')}</Key><LastModified>${modified}</LastModified></Contents>`;
    });
    const next = more ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : '';
    response.end(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`);
  }
}

function metadataOf(request: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [],
    ),
  );
}

function refuse(response: ServerResponse, code: string, status = STATUS[code] ?? 400): void {
  response.writeHead(status, { Connection: 'close' });
  // Services repeat what was signed in such answers; none of it may reach a message.
  response.end(`<Error><Code>${code}</Code><Message>no</Message><StringToSign>very-secret</StringToSign></Error>`);
}
