import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf, Refusal } from './answer.ts';
import type { Answer } from './answer.ts';
import { PROFILES } from './profiles/by-name.ts';
import type { ProfileName } from './profiles/by-name.ts';
import type { Quirks } from './quirks.ts';
import { Repository } from './repository.ts';
import type { StoredManifest } from './repository.ts';
import { Uploads } from './uploads.ts';

/** A registry in memory, over HTTP on loopback, with the quirks of a real one. */
export class QuirkyRegistry implements AsyncDisposable {
  readonly quirks: Quirks;
  /** `METHOD /path` of every request so far. */
  readonly seen: string[] = [];
  readonly repositories = new Map<string, Repository>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #uploads: Uploads;
  #pulls = 0;

  constructor(quirks: Quirks) {
    this.quirks = quirks;
    this.#uploads = new Uploads(quirks);
  }

  static async start(profile: ProfileName | Quirks): Promise<QuirkyRegistry> {
    const registry = new QuirkyRegistry(typeof profile === 'string' ? PROFILES[profile] : profile);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  /** `127.0.0.1:<port>` */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A repository, made when it is missing. */
  repository(name: string): Repository {
    const known = this.repositories.get(name) ?? new Repository(this.quirks);
    this.repositories.set(name, known);
    return known;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push(`${request.method} ${request.url}`);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const answer = await this.#answer(request, Buffer.concat(chunks));
      response.writeHead(answer.status, answer.headers).end(request.method === 'HEAD' ? undefined : answer.body);
    } catch (error) {
      if (!(error instanceof Refusal)) return void response.destroy();
      const headers = { 'Content-Type': 'application/json', ...(error.status === 429 && { 'Retry-After': '1' }) };
      response
        .writeHead(error.status, headers)
        .end(JSON.stringify({ errors: [{ code: error.code, message: error.message }] }));
    }
  }

  async #answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const url = new URL(request.url ?? '', 'http://registry');
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
    if (url.pathname === '/v2/') return { status: 200, body: '{}' };
    const match = /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(url.pathname);
    if (match === null) throw new Refusal(404, 'NAME_UNKNOWN');
    const [, name = '', kind = '', which = ''] = match;
    const repository = this.#existing(name);
    switch (`${method} ${kind}`) {
      case 'POST blobs/uploads':
        return this.#begin(name, repository, url.searchParams);
      case 'GET blobs/uploads':
        return this.#uploads.state(which);
      case 'PATCH blobs/uploads':
        return this.#uploads.patch(which, url.pathname, body, request.headers['content-range']);
      case 'PUT blobs/uploads':
        return this.#uploads.finish(which, body, url.searchParams.get('digest') ?? '', repository);
      case 'GET blobs':
        return repository.blob(which);
      case 'GET manifests':
        if (request.method === 'GET') this.#countPull();
        return described(repository.manifest(which));
      case 'PUT manifests':
        return repository.putManifest(which, body, request.headers['content-type'] ?? '');
      case 'DELETE manifests':
        return repository.deleteManifest(which);
      case 'GET tags':
        return repository.tagList(name, url.searchParams);
      case 'GET referrers':
        return repository.referrersOf(which);
      default:
        throw new Refusal(405, 'UNSUPPORTED');
    }
  }

  #existing(name: string): Repository {
    const known = this.repositories.get(name);
    if (known !== undefined) return known;
    if (!this.quirks.createsRepositories) throw new Refusal(404, 'NAME_UNKNOWN');
    return this.repository(name);
  }

  #begin(name: string, repository: Repository, query: URLSearchParams): Answer {
    const [digest, from] = [query.get('mount') ?? '', query.get('from') ?? ''];
    const bytes = this.quirks.mounts ? this.repositories.get(from)?.blobs.get(digest) : undefined;
    if (bytes === undefined) return this.#uploads.begin(`/v2/${name}/blobs/uploads/`);
    repository.blobs.set(digest, bytes);
    return { status: 201, headers: { Location: `/v2/${name}/blobs/${digest}` } };
  }

  #countPull(): void {
    const { pulls, refusedPulls } = this.quirks;
    if (++this.#pulls <= pulls) return;
    if (this.#pulls === pulls + refusedPulls) this.#pulls = 0;
    throw new Refusal(429, 'TOOMANYREQUESTS');
  }
}

function described({ bytes, type }: StoredManifest): Answer {
  const headers = { 'Content-Type': type, 'Content-Length': bytes.length, 'Docker-Content-Digest': digestOf(bytes) };
  return { status: 200, headers, body: bytes };
}
