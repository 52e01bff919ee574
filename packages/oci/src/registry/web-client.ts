import { followRedirects } from './redirect.ts';
import type { RegistryOptions } from './options.ts';
import { Transport } from './transport.ts';

/** How web servers are reached. */
export type WebOptions = Pick<RegistryOptions, 'caFiles' | 'environment' | 'idleMilliseconds' | 'insecure'>;

/** The answer of a web server. Exactly one of `chunks` and `discard` must be called, or the connection leaks. */
export interface WebResponse {
  readonly status: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Whether a redirect on the way left the origin of the URL asked for: its credentials are not for `url`. */
  readonly strayed: boolean;
  /** The announced length of the body in bytes. */
  readonly length: number | undefined;
  /** A header by its name in lower case; undefined when absent. */
  header(name: string): string | undefined;
  /** The body as it is sent. @throws OciError `REGISTRY_INTERRUPTED`, `REGISTRY_TIMEOUT`; the signal's reason */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  discard(): Promise<void>;
}

/** Reads files of web servers the way registries are read: same proxies, same authorities, same limits of patience. */
export class WebClient implements Disposable {
  readonly #transport: Transport;

  constructor(options: WebOptions = {}) {
    const { environment = process.env, insecure = [], caFiles = [], idleMilliseconds = 30_000 } = options;
    this.#transport = new Transport({ environment, insecure, caFiles, idleMilliseconds });
  }

  /**
   * Asks for a URL (http or https) and follows at most ten redirects, never from HTTPS to anything else. An
   * `Authorization` header goes to the URL's own origin alone. Any status is an answer.
   * @throws OciError `REGISTRY_UNREACHABLE`, `REGISTRY_INTERRUPTED`, `REGISTRY_TIMEOUT`, `REGISTRY_RESPONSE`,
   *   `REGISTRY_UNSAFE`; the signal's reason
   */
  async get(url: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<WebResponse> {
    return await followRedirects(this.#transport, { method: 'GET', url, headers, ...(signal && { signal }) });
  }

  [Symbol.dispose](): void {
    this.#transport.close();
  }
}
