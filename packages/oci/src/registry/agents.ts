import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import { OciError } from '../spec/oci-error.ts';
import { bareHost, proxyAuthorization, proxyFor } from './proxy.ts';
import type { Environment } from './proxy.ts';
import { tunnelAgent } from './tunnel-agent.ts';

/** Enough for every blob that may be on its way, with room for the small requests beside them. */
const KEEP_ALIVE = { keepAlive: true, scheduling: 'lifo', maxFreeSockets: 16 } as const;

/** What to trust. */
export interface AgentOptions {
  readonly environment: Environment;
  readonly caFiles: readonly string[];
  /** Hosts (`name` or `name:port`) whose certificate is not verified. */
  readonly insecure: readonly string[];
}

/** Where to connect for a URL, for `http.request` or `https.request`. */
export interface Route {
  readonly secure: boolean;
  readonly options: https.RequestOptions;
}

/** The connections that are kept alive, one pool for each way to reach a host. */
export class Agents {
  readonly #options: AgentOptions;
  readonly #pools = new Map<string, http.Agent>();
  #ca: readonly string[] | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** @throws OciError `UNSUPPORTED` for an unusable proxy, `REGISTRY_UNREACHABLE` for an unreadable CA file */
  route(url: URL): Route {
    const proxy = proxyFor(url, this.#options.environment);
    const target = { host: bareHost(url), port: portOf(url), path: url.pathname + url.search };
    if (url.protocol === 'https:') {
      const trust = this.#trust(!isInsecure(url, this.#options.insecure));
      const key = `${JSON.stringify(trust.rejectUnauthorized)} ${proxy?.href ?? ''}`;
      const agent = this.#pool(key, () =>
        proxy === undefined
          ? new https.Agent({ ...KEEP_ALIVE, ...trust })
          : tunnelAgent(proxy, { ...KEEP_ALIVE, ...trust }),
      );
      return { secure: true, options: { ...target, agent } };
    }
    const agent = this.#pool('http', () => new http.Agent(KEEP_ALIVE));
    if (proxy === undefined) return { secure: false, options: { ...target, agent } };
    return this.#throughProxy(url, proxy);
  }

  /** Plain HTTP asks the proxy for the absolute URL (RFC 9112, 3.2.2). */
  #throughProxy(url: URL, proxy: URL): Route {
    const authorization = proxyAuthorization(proxy);
    const secure = proxy.protocol === 'https:';
    const headers = { Host: url.host, ...(authorization !== undefined && { 'Proxy-Authorization': authorization }) };
    const agent = this.#pool(`http through ${proxy.href}`, () =>
      secure ? new https.Agent({ ...KEEP_ALIVE, ...this.#trust(true) }) : new http.Agent(KEEP_ALIVE),
    );
    const path = `http://${url.host}${url.pathname}${url.search}`;
    return { secure, options: { host: bareHost(proxy), port: portOf(proxy), path, headers, agent } };
  }

  #pool(key: string, make: () => http.Agent): http.Agent {
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#pools.set(key, made);
    return made;
  }

  #trust(verify: boolean): { rejectUnauthorized: boolean; ca?: string[] } {
    const { caFiles, environment } = this.#options;
    if (!verify || caFiles.length === 0) return { rejectUnauthorized: verify };
    // Own authorities replace Node's list, so that list, and what NODE_EXTRA_CA_CERTS adds to it, are given again.
    const extra = environment.NODE_EXTRA_CA_CERTS;
    this.#ca ??= [...rootCertificates, ...[...(extra === undefined ? [] : [extra]), ...caFiles].map(readCertificates)];
    return { rejectUnauthorized: true, ca: [...this.#ca] };
  }

  /** Ends all connections, used or not. */
  close(): void {
    for (const agent of this.#pools.values()) agent.destroy();
    this.#pools.clear();
  }
}

/** Whether a host is among `name` or `name:port` entries; a bare name stands for every port. */
export function isInsecure(url: URL, insecure: readonly string[]): boolean {
  return insecure.some((entry) => {
    const name = entry.toLowerCase();
    return name === url.host || name === url.hostname || name === `${url.hostname}:${portOf(url)}`;
  });
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

function readCertificates(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
    throw new Error('it holds no certificate in PEM form');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OciError('REGISTRY_UNREACHABLE', `cannot use the CA file ${path}: ${why}`, { fields: { path }, cause });
  }
}
