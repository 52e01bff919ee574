import { OciError } from '../spec/oci-error.ts';
import { abortable } from './abortable.ts';
import { isInsecure } from './agents.ts';
import { plainText } from './plain-text.ts';
import { bareHost, isLoopback } from './proxy.ts';
import type { Transport } from './transport.ts';

/** A registry as it is reached. */
export interface Endpoint {
  /** The host that credentials are stored for: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Where its API begins: `https://registry-1.docker.io/v2/`. */
  readonly base: URL;
}

/** Docker's registry answers under another name than it has in references. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['docker.io', 'registry-1.docker.io'],
  ['index.docker.io', 'registry-1.docker.io'],
]);

/** How long a mirror that could not be reached is left alone, in milliseconds. */
const DOWN_FOR = 60_000;

/**
 * Finds out how hosts are reached, once for each: HTTPS; for loopback plain HTTP, then HTTPS; for insecure hosts HTTPS,
 * then plain HTTP. The question carries no credential.
 */
export class Endpoints {
  readonly #transport: Transport;
  readonly #insecure: readonly string[];
  readonly #known = new Map<string, Promise<Endpoint>>();
  readonly #down = new Map<string, number>();

  constructor(transport: Transport, insecure: readonly string[]) {
    this.#transport = transport;
    this.#insecure = insecure;
  }

  /** `host` is a registry of a reference or an entry of `mirrors`. @throws OciError as the transport does */
  async reach(host: string, signal?: AbortSignal): Promise<Endpoint> {
    const known = this.#known.get(host);
    if (known !== undefined) return await abortable(known, signal);
    const work = this.#find(host);
    this.#known.set(host, work);
    work.catch(() => this.#known.delete(host)); // the next caller asks again
    return await abortable(work, signal);
  }

  /** Remembers that a mirror cannot be reached. */
  markDown(host: string): void {
    this.#down.set(host, performance.now() + DOWN_FOR);
  }

  /** Whether a mirror was found unreachable a short while ago. */
  isDown(host: string): boolean {
    return (this.#down.get(host) ?? 0) > performance.now();
  }

  async #find(host: string): Promise<Endpoint> {
    const candidates = candidatesFor(host, this.#insecure);
    const [only] = candidates;
    if (candidates.length === 1 && only !== undefined) return only;
    let failure: unknown;
    for (const candidate of candidates) {
      try {
        if (await this.#answers(candidate.base)) return candidate;
      } catch (error) {
        failure = error;
      }
    }
    throw (
      failure ??
      new OciError('REGISTRY_RESPONSE', `${plainText(host)} speaks neither HTTP nor a supported version of TLS`)
    );
  }

  /** A TLS server answers 400 to plain HTTP, or hangs up. */
  async #answers(base: URL): Promise<boolean> {
    const response = await this.#transport.exchange({ method: 'GET', url: base, headers: {} });
    await response.discard();
    return !(base.protocol === 'http:' && response.status === 400);
  }
}

function candidatesFor(host: string, insecure: readonly string[]): readonly Endpoint[] {
  const explicit = /^(https?):\/\/(.*)$/.exec(host);
  const place = (explicit?.[2] ?? host).replace(/\/+$/, '');
  const registry = place.split('/')[0] ?? place;
  const at = (scheme: string): Endpoint => ({ registry, base: baseUrl(scheme, ALIASES.get(place) ?? place) });
  if (explicit?.[1] !== undefined) return [at(explicit[1])];
  const { base } = at('https');
  if (isInsecure(base, insecure)) return [at('https'), at('http')];
  return isLoopback(bareHost(base)) ? [at('http'), at('https')] : [at('https')];
}

function baseUrl(scheme: string, place: string): URL {
  const text = `${scheme}://${place}/v2/`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && url.username === '' && url.password === '' && url.search === '' && url.hash === '')
    return url;
  throw new OciError('REFERENCE_INVALID', `"${plainText(place, 100)}" is not a registry host`);
}
