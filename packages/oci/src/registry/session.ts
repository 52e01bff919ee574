import type { Reference } from '../spec/reference.ts';
import { OciError } from '../spec/oci-error.ts';
import { Authorizer } from './authorizer.ts';
import { systemClock } from './clock.ts';
import { mayCarryCredential } from './credential-origin.ts';
import { dockerCredentials } from './docker-config.ts';
import { Endpoints } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpResponse } from './http-response.ts';
import { TransferLimit } from './limit.ts';
import type { Clock, RegistryOptions, RetryPolicy } from './options.ts';
import { followRedirects } from './redirect.ts';
import { statusError } from './registry-error.ts';
import { retrying } from './retry.ts';
import type { Scope } from './scope.ts';
import { Transport } from './transport.ts';
import type { RequestBody } from './transport.ts';

const DEFAULT_RETRY: RetryPolicy = { attempts: 5, baseMilliseconds: 500, maxMilliseconds: 60_000 };
const DEFAULT_IDLE = 30_000;
const DEFAULT_PARALLEL = 4;

/** One request of the distribution API. */
export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  /** What is being done, for messages: "cannot read the manifest of …". */
  readonly what: string;
  /** The statuses that the caller deals with; all others become errors. */
  readonly expect: readonly number[];
  readonly scope: Scope;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly signal?: AbortSignal | undefined;
  /** Which failures a second attempt may overcome, where they are others than usual. */
  readonly mayPass?: (error: unknown) => boolean;
}

/** What the parts of the client share: connections, grants, limits, and how a request is sent. */
export class Session {
  readonly clock: Clock;
  readonly retry: RetryPolicy;
  readonly downloads: TransferLimit;
  readonly uploads: TransferLimit;
  readonly onProgress: NonNullable<RegistryOptions['onProgress']>;
  readonly #onRequest: RegistryOptions['onRequest'];
  readonly #mirrors: Readonly<Record<string, readonly string[]>>;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  readonly #endpoints: Endpoints;
  /** Where chunks of a blob were refused. */
  readonly #wholeOnly = new Set<string>();

  constructor(options: RegistryOptions) {
    const { environment = process.env, insecure = [], caFiles = [], parallel = DEFAULT_PARALLEL } = options;
    this.clock = options.clock ?? systemClock;
    this.retry = options.retry ?? DEFAULT_RETRY;
    this.downloads = new TransferLimit(parallel);
    this.uploads = new TransferLimit(parallel);
    this.onProgress = options.onProgress ?? (() => {});
    this.#onRequest = options.onRequest;
    this.#mirrors = options.mirrors ?? {};
    const idleMilliseconds = options.idleMilliseconds ?? DEFAULT_IDLE;
    this.#transport = new Transport({ environment, insecure, caFiles, idleMilliseconds });
    this.#endpoints = new Endpoints(this.#transport, insecure);
    const credentials = options.credentials ?? dockerCredentials({ environment });
    const { clock, retry } = this;
    this.#authorizer = new Authorizer({ transport: this.#transport, credentials, clock, retry, insecure });
  }

  close(): void {
    this.#transport.close();
  }

  /** The registry of a reference itself, to write to. */
  async endpoint(registry: string, signal?: AbortSignal): Promise<Endpoint> {
    return await retrying({ ...this, signal }, () => this.#endpoints.reach(registry, signal));
  }

  /** Whether blobs have to go in one piece there, as far as is known. */
  wantsWhole(endpoint: Endpoint): boolean {
    return this.#wholeOnly.has(endpoint.base.origin);
  }

  /** Takes note of a registry that does not take blobs in chunks. */
  refusedChunks(endpoint: Endpoint): void {
    this.#wholeOnly.add(endpoint.base.origin);
  }

  /** Where to read from, in order: mirrors that are not known to be down, then the registry itself. */
  readingHosts(registry: string): readonly string[] {
    const mirrors = Object.hasOwn(this.#mirrors, registry) ? (this.#mirrors[registry] ?? []) : [];
    return [...mirrors.filter((host) => !this.#endpoints.isDown(host)), registry];
  }

  /** Takes note of why a mirror failed: one that is out of reach is not asked again for a while. */
  mirrorFailed(host: string, error: unknown): void {
    if (!(error instanceof OciError)) return;
    if (error.code === 'REGISTRY_UNREACHABLE' || error.code === 'REGISTRY_TIMEOUT') this.#endpoints.markDown(host);
  }

  /** Reads from the first host that can answer. The last one's error is thrown, with what the mirrors said added. */
  async reading<T>(
    reference: Reference,
    signal: AbortSignal | undefined,
    use: (endpoint: Endpoint) => Promise<T>,
  ): Promise<T> {
    const hosts = this.readingHosts(reference.registry);
    const failures: string[] = [];
    for (const [i, host] of hosts.entries()) {
      try {
        return await use(await this.endpoint(host, signal));
      } catch (error) {
        signal?.throwIfAborted();
        if (i === hosts.length - 1) throw withMirrors(error, failures);
        this.mirrorFailed(host, error);
        failures.push(`${host}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new Error('unreachable: there is always one host');
  }

  /** Sends a request, again where that may help. @throws OciError */
  async send(endpoint: Endpoint, request: ApiRequest): Promise<HttpResponse> {
    return await retrying({ ...this, signal: request.signal, mayPass: request.mayPass }, () =>
      this.sendOnce(endpoint, request),
    );
  }

  /** Sends a request: authorized, redirects followed, one fresh grant after a 401, but no other second attempt. */
  async sendOnce(endpoint: Endpoint, request: ApiRequest): Promise<HttpResponse> {
    const { scope, signal } = request;
    // An upload may go on at another host (its Location says where); our credentials do not.
    const own = mayCarryCredential(endpoint.base, request.url);
    const used = own ? await this.#authorizer.known(endpoint, scope, signal) : undefined;
    let response = await this.#follow(request, used);
    if (response.status === 401 && own && !response.strayed) {
      const refusal = { header: response.header('www-authenticate'), used };
      const fresh = await this.#authorizer.answer(endpoint, scope, refusal, signal).catch(async (error: unknown) => {
        response.destroy();
        throw error;
      });
      if (fresh !== undefined) {
        await response.discard();
        response = await this.#follow(request, fresh);
      }
    }
    if (request.expect.includes(response.status)) return response;
    throw await statusError(response, request.what, this.clock.now());
  }

  async #follow(request: ApiRequest, authorization: string | undefined): Promise<HttpResponse> {
    const { method, url, body, signal } = request;
    this.#onRequest?.({ method, url });
    const headers = { ...request.headers, ...(authorization !== undefined && { Authorization: authorization }) };
    return await followRedirects(this.#transport, {
      method,
      url,
      headers,
      ...(body !== undefined && { body }),
      ...(signal !== undefined && { signal }),
    });
  }
}

function withMirrors(error: unknown, failures: readonly string[]): unknown {
  if (failures.length === 0 || !(error instanceof OciError)) return error;
  const mirrors = failures.map((failure) => `; its mirror ${failure}`).join('');
  return new OciError(error.code, error.message + mirrors, { fields: error.fields, cause: error });
}
