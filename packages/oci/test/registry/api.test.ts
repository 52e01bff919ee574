import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import type { RegistryOptions } from '../../src/registry/options.ts';
import { parseNextLink } from '../../src/registry/pages.ts';
import { withChallenge } from '../../src/registry/scope.ts';
import { describeBytes, failure, makeManifest, quietOptions, readAll, someBytes, TestClock } from './content.ts';
import { startServer } from './web-server.ts';
import type { WebServer } from './web-server.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});
const client = (options: RegistryOptions = {}): RegistryClient => {
  const made = new RegistryClient(quietOptions(options));
  open.push(made);
  return made;
};
const server = async (handler: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<WebServer> => {
  const made = await startServer((request, response) => {
    if (request.url === '/v2/' && request.headers.authorization === undefined) response.writeHead(200).end();
    else handler(request, response);
  });
  open.push(made);
  return made;
};
const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}): unknown =>
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value));
const at = ({ host }: WebServer, name = 'app:1') => parseReference(`${host}/${name}`);

const manifest = makeManifest(describeBytes(Buffer.from('{}'), MediaType.ociConfig), []);
const descriptor = describeBytes(manifest, MediaType.ociManifest);

describe('resolve()', () => {
  const variants: [string, (response: ServerResponse, head: boolean) => unknown][] = [
    [
      'no HEAD',
      (response, head) =>
        response
          .writeHead(head ? 405 : 200, { 'Content-Type': MediaType.ociManifest })
          .end(head ? undefined : manifest),
    ],
    [
      'no digest',
      (response, head) =>
        response
          .writeHead(200, { 'Content-Type': MediaType.ociManifest, 'Content-Length': manifest.length })
          .end(head ? undefined : manifest),
    ],
    [
      'no type',
      (response, head) =>
        response
          .writeHead(200, { 'Docker-Content-Digest': descriptor.digest, 'Content-Length': manifest.length })
          .end(head ? undefined : manifest),
    ],
    [
      'no length',
      (response, head) =>
        response
          .writeHead(200, { 'Docker-Content-Digest': descriptor.digest, 'Content-Type': MediaType.ociManifest })
          .end(head ? undefined : manifest),
    ],
  ];
  it.each(variants)('reads the manifest where a server has %s', async (_, answer) => {
    const registry = await server((request, response) => answer(response, request.method === 'HEAD'));
    expect(await client().resolve(at(registry))).toEqual(descriptor);
    expect(registry.seen.map(({ line }) => line.split(' ')[0])).toEqual(['GET', 'HEAD', 'GET']);
  });
});

describe('tags()', () => {
  it('follows pages, relative or absolute', async () => {
    const registry: WebServer = await server((request, response) => {
      const last = new URL(request.url ?? '', 'http://x').searchParams.get('last');
      if (last === null)
        return json(response, { tags: ['a', 'b'] }, { Link: '</v2/app/tags/list?n=2&last=b>; rel="next"' });
      if (last === 'b')
        return json(
          response,
          { tags: ['c'] },
          { Link: `<http://${registry.host}/v2/app/tags/list?last=c>; rel=next; x="y"` },
        );
      return json(response, { tags: null });
    });
    const tags: string[] = [];
    for await (const tag of client().tags(at(registry))) tags.push(tag);
    expect(tags).toEqual(['a', 'b', 'c']);
  });

  it.each([{ tags: ['a b'] }, { tags: ['\u001b[2J'] }, { tags: 'a' }, { tags: [1] }, []])(
    'refuses %j',
    async (answer) => {
      const registry = await server((_, response) => json(response, answer));
      const list = async (): Promise<void> => {
        for await (const _ of client().tags(at(registry)));
      };
      expect(await failure(list())).toMatchObject({ code: 'REGISTRY_RESPONSE' });
    },
  );

  it.each([
    ['<a>; rel="next"', 'a'],
    ['<a>; rel=next', 'a'],
    ['<a>;rel="prev", <b>; rel="next"', 'b'],
    ['<a>; title="x"; rel="last next"', 'a'],
    ['<a>; rel="nextish"', undefined],
    ['<a>', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('the next page of %j is %j', (header, expected) => {
    expect(parseNextLink(header)).toBe(expected);
  });
});

describe('referrers()', () => {
  const entries = ['a', 'b'].map((type) => ({
    ...describeBytes(Buffer.from(type), MediaType.ociManifest),
    artifactType: type,
  }));
  const index = (manifests: unknown[]) => ({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });

  it('uses the list of the registry, page by page, and filters where the registry does not', async () => {
    const registry = await server((request, response) => {
      const first = !String(request.url).includes('page=2');
      const headers = {
        'Content-Type': MediaType.ociIndex,
        ...(first && { Link: `<${request.url}?page=2>; rel="next"` }),
      };
      json(response, index(first ? entries.slice(0, 1) : entries.slice(1)), headers);
    });
    const subject = at(registry, `app@${descriptor.digest}`);
    expect(await client().referrers(subject)).toEqual(entries);
    expect(await client().referrers(subject, 'b')).toEqual(entries.slice(1));
    expect(registry.seen.some(({ line }) => line.endsWith(`/referrers/${descriptor.digest}?artifactType=b`))).toBe(
      true,
    );
  });

  it('does not take a page of HTML for a list', async () => {
    const registry = await server((request, response) =>
      String(request.url).includes('/referrers/')
        ? response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>')
        : response.writeHead(404).end(),
    );
    expect(await client().referrers(at(registry, `app@${descriptor.digest}`))).toEqual([]);
  });
});

describe('tokens', () => {
  /** A registry with a token server in it, which forgets its tokens when told so. */
  async function guarded() {
    let generation = 0;
    const registry: WebServer = await server((request, response) => {
      if (request.url?.startsWith('/token') === true) {
        const scope = new URL(request.url, 'http://x').searchParams.getAll('scope').join(' ');
        return json(response, { access_token: `${generation}|${scope}`.replaceAll(' ', '+') });
      }
      const wanted = /^\/v2\/([^/]+)\//.exec(request.url ?? '')?.[1];
      if (request.headers.authorization?.startsWith(`Bearer ${generation}|repository:${wanted}:`) === true) {
        return response.writeHead(200, { 'Content-Type': MediaType.ociManifest }).end(manifest);
      }
      return response
        .writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${registry.host}/token",service="s"` })
        .end();
    });
    return { registry, revoke: () => generation++ };
  }
  const count = (registry: WebServer, part: string): number =>
    registry.seen.filter(({ line }) => line.includes(part)).length;

  it('are fetched once for requests that come together, and kept', async () => {
    const { registry } = await guarded();
    const c = client();
    await Promise.all(Array.from({ length: 5 }, () => c.manifest(at(registry))));
    await c.manifest(at(registry));
    expect(count(registry, '/token')).toBe(1);
  });

  it('are fetched before the request where the registry is known to want them', async () => {
    const { registry } = await guarded();
    const c = client();
    await c.manifest(at(registry, 'app'));
    await c.manifest(at(registry, 'other'));
    expect(count(registry, '/token')).toBe(2);
    expect(count(registry, '/manifests/')).toBe(3);
  });

  it('are fetched anew, once, when the registry no longer takes them', async () => {
    const { registry, revoke } = await guarded();
    const c = client();
    await c.manifest(at(registry));
    revoke();
    await Promise.all([c.manifest(at(registry)), c.manifest(at(registry))]);
    expect(count(registry, '/token')).toBe(2);
  });

  it('outlive the caller who asked for them', async () => {
    const { registry } = await guarded();
    const abort = new AbortController();
    let asked = 0;
    const credentials = async (): Promise<undefined> => {
      asked++;
      if (asked === 1) abort.abort(new Error('gone'));
      await new Promise((resolve) => setTimeout(resolve, 20));
      return undefined;
    };
    const c = client({ credentials });
    const [left, stayed] = await Promise.allSettled([c.manifest(at(registry), abort.signal), c.manifest(at(registry))]);
    expect(left).toMatchObject({ status: 'rejected', reason: { message: 'gone' } });
    expect(stayed.status).toBe('fulfilled');
  });

  it('servers that fail for a moment are asked again', async () => {
    let failures = 2;
    const clock = new TestClock();
    const registry: WebServer = await server((request, response) => {
      if (request.url?.startsWith('/token') === true)
        return failures-- > 0 ? response.writeHead(503).end() : json(response, { token: 't' });
      if (request.headers.authorization === 'Bearer t')
        return response.writeHead(200, { 'Content-Type': MediaType.ociManifest }).end(manifest);
      return response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="http://${registry.host}/token"` }).end();
    });
    expect((await client({ clock }).manifest(at(registry))).descriptor).toEqual(descriptor);
    expect(clock.slept).toEqual([500, 1000]);
  });

  it('are asked for with what the challenge adds to our wishes', () => {
    const own = ['repository:a:pull,push'];
    expect(withChallenge(own, 'repository:a:pull')).toEqual(own);
    expect(withChallenge(own, 'repository:a:pull,push repository:b:pull')).toEqual([...own, 'repository:b:pull']);
    expect(withChallenge(own, 'registry:catalog:*')).toEqual([...own, 'registry:catalog:*']);
    expect(withChallenge(own, 'a\nb x:y "; :: repository::')).toEqual(own);
    expect(withChallenge(own, undefined)).toEqual(own);
  });
});

describe('where a registry is', () => {
  it("docker.io is registry-1.docker.io, and its credential is docker.io's", async () => {
    const asked: string[] = [];
    const proxy = await startServer(() => {});
    open.push(proxy);
    const c = client({
      environment: { HTTPS_PROXY: `http://${proxy.host}` },
      retry: { attempts: 1, baseMilliseconds: 1, maxMilliseconds: 1 },
    });
    const error = await failure(c.manifest(parseReference('busybox')));
    expect(error.fields).toMatchObject({ url: 'https://registry-1.docker.io/v2/library/busybox/manifests/latest' });
    expect(asked).toEqual([]);
  });

  it('a mirror may have a scheme and a path, and its own credential', async () => {
    const asked: string[] = [];
    const blob = someBytes(1000);
    const mirror = await server((request, response) => {
      if (request.headers.authorization === undefined)
        return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="m"' }).end();
      if (request.url?.startsWith('/hub/v2/library/busybox/blobs/') === true) return response.writeHead(200).end(blob);
      return response.writeHead(404).end();
    });
    const c = client({
      mirrors: { 'docker.io': [`http://${mirror.host}/hub/`] },
      credentials: async (registry) => {
        asked.push(registry);
        return { username: 'u', password: 'p' };
      },
    });
    expect((await readAll(c.blob(parseReference('busybox'), describeBytes(blob)))).equals(blob)).toBe(true);
    expect(asked).toEqual([mirror.host]);
  });

  it('localhost is plain HTTP without being asked to', async () => {
    const registry = await server((_, response) =>
      response.writeHead(200, { 'Content-Type': MediaType.ociManifest }).end(manifest),
    );
    const name = registry.host.replace('127.0.0.1', 'localhost');
    expect((await client().manifest(parseReference(`${name}/app:1`))).descriptor).toEqual(descriptor);
  });
});

it('many transfers under one signal give no warning about listeners', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  const blob = someBytes(100);
  const registry = await server((_, response) => setTimeout(() => response.writeHead(200).end(blob), 20));
  const { signal } = new AbortController();
  const c = client({ parallel: 30 });
  await Promise.all(Array.from({ length: 30 }, () => readAll(c.blob(at(registry), describeBytes(blob), signal))));
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  expect(warnings).toEqual([]);
});
