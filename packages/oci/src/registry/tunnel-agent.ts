import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { bareHost, proxyAuthorization } from './proxy.ts';

/** How long a proxy may take to open a tunnel, in milliseconds. */
const CONNECT_TIMEOUT = 30_000;

type Created = (error: Error | null, stream: Duplex) => void;

/** Reaches HTTPS hosts through a proxy: CONNECT (RFC 9110, 9.3.6), then TLS with the host itself inside the tunnel. */
export class TunnelAgent extends https.Agent {
  readonly #proxy: URL;

  constructor(proxy: URL, options: https.AgentOptions) {
    super(options);
    this.#proxy = proxy;
  }

  override createConnection(options: https.RequestOptions, callback?: Created): undefined {
    const fail = (error: Error): void => {
      // Node's callback takes an error alone; its type does not say so.
      (callback as ((error: Error) => void) | undefined)?.(error);
    };
    const request = this.#connect(`${bracketed(options.host ?? '')}:${options.port ?? 443}`);
    request.setTimeout(CONNECT_TIMEOUT, () => request.destroy(proxyError('did not answer in time', 'ETIMEDOUT')));
    request.once('error', fail);
    request.once('connect', (response, socket) => {
      socket.setTimeout(0);
      if (response.statusCode !== 200) {
        socket.destroy();
        const hint = response.statusCode === 407 ? ' (it wants a user name and password)' : '';
        fail(proxyError(`refused the connection with status ${response.statusCode}${hint}`, 'EPROXY'));
        return;
      }
      const { rejectUnauthorized, ca } = this.options;
      const servername = options.servername || options.host || '';
      const secure = tls.connect({
        socket,
        ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
        ...(ca !== undefined && { ca }),
        // An address is no server name (RFC 6066), but is what the certificate is checked against.
        ...(/^[\d.]+$|:/.test(servername) ? { host: servername } : { servername }),
      });
      callback?.(null, secure);
    });
    request.end();
    return undefined;
  }

  #connect(authority: string): http.ClientRequest {
    const authorization = proxyAuthorization(this.#proxy);
    const secure = this.#proxy.protocol === 'https:';
    const headers = { Host: authority, ...(authorization !== undefined && { 'Proxy-Authorization': authorization }) };
    const port = this.#proxy.port === '' ? (secure ? 443 : 80) : Number(this.#proxy.port);
    const options = { host: bareHost(this.#proxy), port, method: 'CONNECT', path: authority, headers, agent: false };
    const { ca } = this.options;
    return secure ? https.request({ ...options, ...(ca !== undefined && { ca }) }) : http.request(options);
  }
}

function proxyError(what: string, code: string): Error {
  return Object.assign(new Error(`the proxy ${what}`), { code });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
