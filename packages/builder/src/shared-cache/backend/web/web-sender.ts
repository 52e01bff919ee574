import { type HttpRequest, type HttpResponse, retrying, systemClock, Transport } from '@tsbuild/oci/internal';
import type { Environment } from '@tsbuild/oci/node';
import type { Traffic } from '../backend-access.ts';
import { answerError } from './answer-error.ts';

/** A shared cache is asked while a build waits: what does not work soon is done without. */
const RETRY = { attempts: 3, baseMilliseconds: 200, maxMilliseconds: 5000 } as const;

const IDLE = 30_000;

/** How a {@link WebSender} reaches its service. */
export interface WebSenderOptions {
  /** Where proxies are read from; an empty one for services that are no further than the next machine. */
  readonly environment: Environment;
  /** PEM files to trust beside the well-known ones. */
  readonly caFiles?: readonly string[];
  readonly idleMilliseconds?: number;
  readonly attempts?: number;
  readonly traffic?: Traffic | undefined;
}

/** Sends requests to web services the way registries are spoken to: same proxies, same patience, same retries. */
export class WebSender implements Disposable {
  readonly #transport: Transport;
  readonly #attempts: number;
  readonly #traffic: Traffic | undefined;

  constructor(options: WebSenderOptions) {
    const { environment, caFiles = [], idleMilliseconds = IDLE, attempts = RETRY.attempts, traffic } = options;
    this.#transport = new Transport({ environment, caFiles, insecure: [], idleMilliseconds });
    this.#attempts = attempts;
    this.#traffic = traffic;
  }

  /**
   * The answer to a request, which is made anew for each attempt: with a status below 400, or one of `accepted`. Redirects
   * are not followed: a signature is for one host.
   * @param what for messages: "cannot read the record"
   * @throws OciError `REGISTRY_DENIED`, `REGISTRY_NOT_FOUND`, `REGISTRY_ERROR`, and of the connection; the signal's reason
   */
  async send(
    what: string,
    make: () => Promise<HttpRequest>,
    signal: AbortSignal,
    accepted: readonly number[] = [],
  ): Promise<HttpResponse> {
    const retry = { ...RETRY, attempts: this.#attempts };
    return retrying({ retry, clock: systemClock, signal }, async () => {
      signal.throwIfAborted();
      const request = await make();
      this.#traffic?.onRequest();
      const response = await this.#transport.exchange({ ...request, signal });
      this.#traffic?.onBytes('up', request.body?.length ?? 0);
      if (request.method !== 'HEAD') this.#traffic?.onBytes('down', response.length ?? 0);
      if (response.status < 300 || accepted.includes(response.status)) return response;
      throw await answerError(response, what, systemClock.now());
    });
  }

  [Symbol.dispose](): void {
    this.#transport.close();
  }
}
