import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createSocket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { encodeImageConfig, MediaType, sha256Digest } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { baseLayer } from '../input/take-layers.ts';
import { pretendRepository } from '../input/git-thief.ts';
import type { Canaries, CanaryName } from './canaries.ts';

const REDIRECTED: CanaryName = 'token of a git host that redirects to another';

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => unknown;

/** Servers on loopback that want the canaries, and keep what they are given. */
export class Servers implements AsyncDisposable {
  readonly registry: string;
  readonly shop: string;
  readonly proxy: string;
  /** All that was pushed. */
  readonly pushed: Map<string, Buffer>;
  readonly #open: readonly { close(): unknown }[];

  private constructor(
    hosts: { registry: string; shop: string; proxy: string },
    pushed: Map<string, Buffer>,
    open: readonly { close(): unknown }[],
  ) {
    this.registry = hosts.registry;
    this.shop = hosts.shop;
    this.proxy = hosts.proxy;
    this.pushed = pushed;
    this.#open = open;
  }

  static async start(canaries: Canaries, agentSocket: string): Promise<Servers> {
    const pushed = new Map<string, Buffer>();
    let stolen = '';
    const shopping = shopServer(canaries, pushed, () => stolen);
    const servers = [pullServer(canaries), shopping, proxyServer(canaries), thiefServer(pushed)];
    const [registry = '', shop = '', proxy = '', thief = ''] = await Promise.all(servers.map(listen));
    stolen = thief;
    const agent = createSocket((socket) => socket.end(canaries.get('what an SSH agent says')));
    await new Promise<void>((resolve) => agent.listen(agentSocket, () => resolve()));
    return new Servers({ registry, shop, proxy }, pushed, [...servers, agent]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#open) server.close();
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answering(answer: Answer): RequestListener {
  return (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => answer(request, response, Buffer.concat(parts)));
  };
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A registry of one image: an identity token gives a token, a token gives redirects to signed URLs. */
function pullServer(canaries: Canaries): Server {
  const layer = gzipSync(baseLayer());
  const config = Buffer.from(
    encodeImageConfig({
      ...hostPlatform(),
      config: { Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: [sha256Digest(baseLayer())] },
    }),
  );
  const describe = (bytes: Buffer, mediaType: string): object => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: describe(config, MediaType.ociConfig),
      layers: [describe(layer, MediaType.ociLayerGzip)],
    }),
  );
  const blobs = new Map([layer, config].map((bytes) => [digestOf(bytes), bytes]));
  return createServer(
    answering((request, response, body) => {
      const url = request.url ?? '';
      if (url.startsWith('/token')) {
        const known = canaries.see('identity token', decodeURIComponent(body.toString().replaceAll('+', '%20')));
        return response
          .writeHead(known ? 200 : 401)
          .end(JSON.stringify({ access_token: canaries.get('token of a registry') }));
      }
      if (url.startsWith('/signed/') && canaries.see('signature in the URL of a redirect', url)) {
        return response.writeHead(200).end(blobs.get(url.slice(8).replace(/\?.*/, '')));
      }
      if (!canaries.see('token of a registry', request.headers.authorization)) {
        const realm = `http://${request.headers.host}/token`;
        return response
          .writeHead(401, { 'WWW-Authenticate': `Bearer realm="${realm}",service="s",scope="repository:base:pull"` })
          .end();
      }
      if (url.includes('/manifests/'))
        return response.writeHead(200, { 'Content-Type': MediaType.ociManifest }).end(manifest);
      const signature = encodeURIComponent(canaries.get('signature in the URL of a redirect'));
      const digest = url.slice(url.lastIndexOf('/') + 1);
      return response.writeHead(307, { Location: `/signed/${digest}?X-Amz-Signature=${signature}` }).end();
    }),
  );
}

/** Takes whatever it is sent, among what was made: a secret that gets there is found. */
function thiefServer(pushed: Map<string, Buffer>): Server {
  return createServer((request, response) => {
    pushed.set(`${pushed.size} thief ${request.url}`, Buffer.from(spelledOut(request.headers)));
    pretendRepository(request, response);
  });
}

/** Headers, and what is packed in base64 in them. */
function spelledOut(headers: IncomingMessage['headers']): string {
  const packed = headers.authorization?.replace(/^Basic /i, '') ?? '';
  return `${JSON.stringify(headers)}\n${Buffer.from(packed, 'base64').toString()}`;
}

/** Takes pushes and gives a file, for a password each; has no git repository. */
function shopServer(canaries: Canaries, pushed: Map<string, Buffer>, thief: () => string): Server {
  return createServer(
    answering((request, response, body) => {
      const { url = '', method, headers } = request;
      if (url.startsWith('/moved.git') && canaries.seeBasic(REDIRECTED, headers.authorization)) {
        return response.writeHead(302, { Location: `http://${thief()}${url}` }).end();
      }
      if (url.includes('.git')) {
        const known = canaries.seeBasic('password in the URL of a git repository', headers.authorization);
        return response.writeHead(known ? 404 : 401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      }
      if (url.startsWith('/file')) {
        const known = canaries.seeBasic('password in a URL', headers.authorization);
        return response.writeHead(known ? 200 : 401, { 'WWW-Authenticate': 'Basic realm="file"' }).end('content\n');
      }
      if (!canaries.seeBasic('password of a registry', headers.authorization)) {
        return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="registry"' }).end();
      }
      if (url === '/v2/') return response.writeHead(200).end();
      if (method === 'POST') return response.writeHead(202, { Location: '/v2/app/blobs/uploads/1' }).end();
      if (method === 'PUT' || method === 'PATCH') {
        pushed.set(
          `${pushed.size} ${url}`,
          Buffer.concat([Buffer.from(`${JSON.stringify(withoutAuthorization(headers))}\n`), body]),
        );
        return response.writeHead(201, { Location: url, 'Docker-Content-Digest': digestOf(body) }).end();
      }
      return response.writeHead(404).end();
    }),
  );
}

/** Its one header may carry the secret. */
function withoutAuthorization(headers: IncomingMessage['headers']): object {
  return { ...headers, authorization: undefined };
}

/** A proxy with a password, which has the one file of `files.test` itself. */
function proxyServer(canaries: Canaries): Server {
  return createServer((request, response) => {
    const known = canaries.seeBasic('password of a proxy', request.headers['proxy-authorization']);
    response.writeHead(known ? 200 : 407).end('by proxy\n');
  });
}
