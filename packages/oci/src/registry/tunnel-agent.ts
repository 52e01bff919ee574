import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { bareHost, proxyAuthorization } from './proxy.ts';

/** How long a proxy may take to open a tunnel, in milliseconds. */
const CONNECT_TIMEOUT = 30_000;

type Created = (error: Error | null, stream: Duplex) => void;

/**
 * Reaches HTTPS hosts through a proxy: CONNECT (RFC 9110, 9.3.6), then TLS with the host itself inside the tunnel. No class
 * of its own: one would load Node's https with this file, at each start.
 */
export function tunnelAgent(proxy: URL, agentOptions: https.AgentOptions): https.Agent {
  const agent = new https.Agent(agentOptions);
  agent.createConnection = (options: https.RequestOptions, callback?: Created): undefined => {
    const fail = (error: Error): void => {
      // Node's callback takes an error alone; its type does not say so.
      (callback as ((error: Error) => void) | undefined)?.(error);
    };
    const { rejectUnauthorized, ca } = agent.options;
    const request = connect(proxy, `${bracketed(options.host ?? '')}:${options.port ?? 443}`, ca);
    request.setTimeout(CONNECT_TIMEOUT, () => request.destroy(proxyError('did not answer in time', 'ETIMEDOUT')));
    request.once('error', fail);
    request.once('connect', (response, socket) => {
      socket.setTimeout(0);
      if (response.statusCode !== 200) {
        socket.destroy();
        const hint = response.statusCode === 407 ? ' (it requires a user name and password)' : '';
        fail(proxyError(`refused the connection with status ${response.statusCode}${hint}`, 'EPROXY'));
        return;
      }
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
  };
  return agent;
}

function connect(proxy: URL, authority: string, ca: https.AgentOptions['ca']): http.ClientRequest {
  const authorization = proxyAuthorization(proxy);
  const secure = proxy.protocol === 'https:';
  const headers = { Host: authority, ...(authorization !== undefined && { 'Proxy-Authorization': authorization }) };
  const port = proxy.port === '' ? (secure ? 443 : 80) : Number(proxy.port);
  const options = { host: bareHost(proxy), port, method: 'CONNECT', path: authority, headers, agent: false };
  return secure ? https.request({ ...options, ...(ca !== undefined && { ca }) }) : http.request(options);
}

function proxyError(what: string, code: string): Error {
  return Object.assign(new Error(`the proxy ${what}`), { code });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
