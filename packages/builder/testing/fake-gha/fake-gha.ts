import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An entry of the fake service. */
interface FakeEntry {
  readonly key: string;
  readonly version: string;
  bytes: Buffer | undefined;
  readonly blocks: Map<string, Buffer>;
  isFinal: boolean;
}

const METHOD = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/;

/** The token of a job: a JWT whose claim `ac` says what it may do. */
export function actionsToken(permission: 1 | 3): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const ac = JSON.stringify([{ Scope: 'refs/heads/main', Permission: permission }]);
  return `${part({ alg: 'none' })}.${part({ ac })}.c2VjcmV0`;
}

/** The cache service of GitHub Actions (version 2) and the blob storage behind it. */
export class FakeActionsCache implements AsyncDisposable {
  /** In the order in which they were made. */
  readonly entries: FakeEntry[] = [];
  /** `CreateCacheEntry KEY`, `GetCacheEntryDownloadURL KEY`, `PUT block`, `GET blob`, … in order. */
  readonly requests: string[] = [];
  isDown = false;
  readonly #signature = randomBytes(8).toString('hex');
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch(() => response.destroy());
  });

  static async start(): Promise<FakeActionsCache> {
    const fake = new FakeActionsCache();
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
    const parts: Buffer[] = [];
    for await (const chunk of request) parts.push(chunk as Buffer);
    const body = Buffer.concat(parts);
    const url = new URL(request.url ?? '', this.url);
    if (this.isDown) return void response.writeHead(500).end();
    const method = METHOD.exec(url.pathname)?.[1];
    if (method === undefined) return this.#blob(request, url, body, response);
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (token !== actionsToken(1) && token !== actionsToken(3)) return twirp(response, 401, 'unauthenticated');
    this.#call(method, JSON.parse(body.toString()) as Record<string, unknown>, token === actionsToken(3), response);
  }

  #call(method: string, request: Readonly<Record<string, unknown>>, canWrite: boolean, response: ServerResponse): void {
    const [key, version] = [String(request['key']), String(request['version'])];
    this.requests.push(`${method} ${key}`);
    const answer = (value: object): void => void response.end(JSON.stringify(value));
    const entry = this.entries.find((candidate) => candidate.key === key && candidate.version === version);
    if (method === 'GetCacheEntryDownloadURL') {
      const found = this.#newest(key, request['restore_keys'] as readonly string[], version);
      return answer(
        found === undefined
          ? { ok: false }
          : { ok: true, signed_download_url: this.#sign(found), matched_key: found.key },
      );
    }
    if (!canWrite) return twirp(response, 403, 'permission_denied');
    if (method === 'CreateCacheEntry') {
      if (!/^[0-9a-f]{64}$/.test(version) || key.length > 512) return twirp(response, 400, 'invalid_argument');
      if (entry?.isFinal === true) return twirp(response, 409, 'already_exists');
      const made: FakeEntry = { key, version, bytes: undefined, blocks: new Map(), isFinal: false };
      if (entry === undefined) this.entries.push(made);
      return answer({ ok: true, signed_upload_url: this.#sign(entry ?? made) });
    }
    if (entry === undefined || String(entry.bytes?.length) !== String(request['size_bytes']))
      return twirp(response, 400, 'invalid_argument');
    entry.isFinal = true;
    answer({ ok: true, entry_id: '1' });
  }

  #newest(key: string, prefixes: readonly string[], version: string): FakeEntry | undefined {
    const ready = this.entries.filter((entry) => entry.isFinal && entry.version === version);
    return (
      ready.find((entry) => entry.key === key) ??
      ready.toReversed().find((entry) => prefixes.some((prefix) => entry.key.startsWith(prefix)))
    );
  }

  #sign(entry: FakeEntry): string {
    return `${this.url}/blobs/${this.entries.indexOf(entry)}?sv=2025-01-05&sig=${this.#signature}%3D`;
  }

  #blob(request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): void {
    const entry = this.entries[Number(/^\/blobs\/(\d+)$/.exec(url.pathname)?.[1] ?? -1)];
    if (entry === undefined || url.searchParams.get('sig') !== `${this.#signature}=`)
      return void response.writeHead(403).end('<Error><Code>AuthenticationFailed</Code></Error>');
    const part = url.searchParams.get('comp');
    this.requests.push(`${request.method} ${part ?? 'blob'}`);
    if (request.method === 'GET') {
      const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
      const end = to === '' ? undefined : Number(to) + 1;
      response.writeHead(request.headers.range === undefined ? 200 : 206).end(entry.bytes?.subarray(Number(from), end));
      return;
    }
    if (part === 'block') entry.blocks.set(url.searchParams.get('blockid') ?? '', body);
    else if (part === 'blocklist') {
      const ids = Array.from(body.toString().matchAll(/<Latest>([^<]*)</g), ([, id = '']) => id);
      entry.bytes = Buffer.concat(ids.map((id) => entry.blocks.get(id) ?? Buffer.alloc(0)));
    } else if (request.headers['x-ms-blob-type'] === 'BlockBlob') entry.bytes = body;
    else return void response.writeHead(400).end();
    response.writeHead(201).end();
  }
}

function twirp(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ code, msg: 'no' }));
}
