import { gzipSync } from 'node:zlib';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { encodeImageConfig, MediaType, sha256Digest } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { pullImage, silentReporter } from '@tsbuild/builder';
import { describeBytes, makeManifest, TestClock } from '../../packages/oci/test/registry/content.ts';
import { startServer } from '../../packages/oci/test/registry/web-server.ts';
import { makeTar } from '../../packages/oci/testing/make-tar.ts';
import { Harmed } from './case.ts';
import type { HostileCase, Site } from './case.ts';

const PASSWORD = 'hostile-canary-password';
const SECRETS = [PASSWORD, Buffer.from(`alice:${PASSWORD}`).toString('base64'), 'hostile-canary-token'];

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What an honest registry would serve, and a second server that wants what is not its own. */
export interface Wares {
  readonly layer: Buffer;
  readonly config: Buffer;
  readonly manifest: Buffer;
  /** `127.0.0.1:<port>` of the registry. */
  readonly host: string;
  /** `127.0.0.1:<port>` of the thief. */
  readonly thief: string;
}

/** In what a registry is not honest. */
export interface Script {
  readonly manifest?: Uint8Array | Handler;
  readonly type?: string;
  readonly layer?: Uint8Array | Handler;
  readonly config?: Uint8Array | Handler;
  /** Asks for credentials with this challenge first. */
  readonly challenge?: string;
  readonly other?: Handler;
}

/** A case of a registry; it is asked for an image, with a password that only it may see. */
export function registryCase(
  row: string,
  name: string,
  script: (wares: Wares) => Script,
  refused?: RegExp,
): HostileCase {
  return {
    row,
    name,
    ...(refused === undefined ? {} : { refused }),
    attempt: (site) => pullFrom(site, script),
  };
}

async function pullFrom(site: Site, script: (wares: Wares) => Script): Promise<void> {
  let serve: Handler = () => {};
  const thief = await startServer((request, response) => thiefAnswers(request, response));
  const registry = await startServer((request, response) => serve(request, response));
  // Another image each time: what is in the store would not be asked for.
  const wares = waresOf(site.word, registry.host, thief.host);
  serve = answering(script(wares), wares);
  const controller = new AbortController();
  try {
    await pullImage(`${registry.host}/app:1`, {
      store: site.bench.store,
      registry: {
        environment: {},
        credentials: async () => ({ username: 'alice', password: PASSWORD }),
        clock: new TestClock(),
        idleMilliseconds: 2000,
      },
      reporter: silentReporter,
      signal: controller.signal,
    });
  } finally {
    await registry.close();
    await thief.close();
    refuseTheft(JSON.stringify(thief.seen));
  }
}

function refuseTheft(seen: string): void {
  if (SECRETS.some((secret) => seen.includes(secret))) throw new Harmed('another server was given the password');
}

function waresOf(word: string, host: string, thief: string): Wares {
  const tar = makeTar([{ name: word, content: word.repeat(2000) }]);
  const layer = gzipSync(tar);
  const config = Buffer.from(
    encodeImageConfig({ ...hostPlatform(), rootfs: { type: 'layers', diff_ids: [sha256Digest(tar)] } }),
  );
  const manifest = makeManifest(describeBytes(config, MediaType.ociConfig), [describeBytes(layer)]);
  return { layer, config, manifest, host, thief };
}

const thiefAnswers: Handler = (_, response) =>
  response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="give"' }).end();

/** Answers with bytes, whatever was asked. */
export const answer =
  (bytes: Uint8Array | string, headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) =>
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(bytes), ...headers }).end(bytes);

/** Answers without an end. */
export const endless =
  (headers: Readonly<Record<string, string>> = {}): Handler =>
  (_, response) => {
    response.writeHead(200, headers);
    const unit = Buffer.alloc(65_536, '[');
    const more = (): void => {
      while (!response.destroyed && response.write(unit));
    };
    response.on('drain', more);
    more();
  };

function answering(script: Script, wares: Wares): Handler {
  const as = (ware: Uint8Array | Handler, headers: Readonly<Record<string, string>> = {}): Handler =>
    typeof ware === 'function' ? ware : answer(ware, headers);
  const layer = `/blobs/${describeBytes(wares.layer).digest}`;
  const config = `/blobs/${describeBytes(wares.config).digest}`;
  return (request, response) => {
    const url = request.url ?? '';
    if (script.challenge !== undefined && url.startsWith('/v2/') && request.headers.authorization === undefined) {
      return response.writeHead(401, { 'WWW-Authenticate': script.challenge }).end();
    }
    if (url === '/v2/') return response.writeHead(200).end();
    if (url.includes('/manifests/'))
      return as(script.manifest ?? wares.manifest, { 'Content-Type': script.type ?? MediaType.ociManifest })(
        request,
        response,
      );
    if (url.endsWith(layer)) return as(script.layer ?? wares.layer)(request, response);
    if (url.endsWith(config)) return as(script.config ?? wares.config)(request, response);
    return (script.other ?? ((_, other: ServerResponse) => other.writeHead(404).end()))(request, response);
  };
}
