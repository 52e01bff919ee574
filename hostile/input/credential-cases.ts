import type { RequestListener } from 'node:http';
import { parseReference } from '@tsbuild/oci';
import { RegistryClient } from '@tsbuild/oci/node';
import { describeBytes, quietOptions, sourceOf } from '../../packages/oci/test/registry/content.ts';
import { startServer } from '../../packages/oci/test/registry/web-server.ts';
import type { WebServer } from '../../packages/oci/test/registry/web-server.ts';
import { Harmed } from './case.ts';
import type { HostileCase, Site } from './case.ts';
import { pretendRepository } from './git-thief.ts';

const NEEDLE = 'hostile-canary-credential';

/** A host that is given a credential, and one that it leads to. */
interface Pair {
  readonly good: WebServer;
  readonly thief: WebServer;
}

/** A case in which a host with a credential leads to another host, and what of it must not arrive there. */
function theftCase(
  name: string,
  lead: (thief: string) => RequestListener,
  refused: RegExp | undefined,
  attempt: (site: Site, pair: Pair) => Promise<unknown>,
): HostileCase {
  return {
    row: 'D16',
    name,
    ...(refused === undefined ? {} : { refused }),
    attempt: async (site) => {
      const thief = await startServer(pretendRepository);
      const good = await startServer((request, response) =>
        request.headers.authorization === undefined
          ? response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()
          : lead(thief.host)(request, response),
      );
      try {
        await attempt(site, { good, thief });
      } finally {
        await good.close();
        await thief.close();
        refuseTheft(JSON.stringify(thief.seen));
      }
    },
  };
}

function refuseTheft(seen: string): void {
  const forms = [NEEDLE, ...['x-access-token', 'bob'].map((user) => base64(`${user}:${NEEDLE}`))];
  if (forms.some((form) => seen.includes(form))) throw new Harmed('another host was given the credential');
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const redirect =
  (thief: string): RequestListener =>
  (request, response) =>
    response.writeHead(302, { Location: `http://${thief}${request.url}` }).end();

/** Builds `ADD url`, with a secret. */
async function add({ bench, word }: Site, url: string, secret?: string): Promise<unknown> {
  const context = bench.files(`${word}/context`, { Dockerfile: `FROM scratch\nADD ${url} /x\n` });
  return await bench.buildIn(context, {
    noCache: true,
    environment: { PATH: process.env['PATH'], VALUE: NEEDLE },
    ...(secret !== undefined && { secrets: new Map([[secret, { kind: 'env', name: 'VALUE' }]]) }),
  });
}

const FAILED = /git [a-z-]+ failed/;

/** Hosts that lead a credential on to others. */
export const CREDENTIAL_CASES: readonly HostileCase[] = [
  theftCase('a token for a git host follows a redirect', redirect, FAILED, (site, { good }) =>
    add(site, `http://${good.host}/x.git`, 'GIT_AUTH_TOKEN'),
  ),
  theftCase('a token for one git host alone follows a redirect', redirect, FAILED, (site, { good }) =>
    add(site, `http://${good.host}/x.git`, `GIT_AUTH_TOKEN.${good.host}`),
  ),
  theftCase('a password in the URL of a repository follows a redirect', redirect, FAILED, (site, { good }) =>
    add(site, `http://bob:${NEEDLE}@${good.host}/x.git`),
  ),
  theftCase('a password in the URL of a file follows a redirect', redirect, undefined, (site, { good }) =>
    add(site, `http://bob:${NEEDLE}@${good.host}/file`),
  ),
  theftCase('a token for a host of files follows a redirect', redirect, undefined, (site, { good }) =>
    add(site, `http://${good.host}/file`, `HTTP_AUTH_TOKEN_${good.host}`),
  ),
  {
    row: 'B1',
    name: 'an upload is led to another host, and from there back into the registry with its password',
    refused: /sends an upload back/,
    attempt: sendBack,
  },
];

async function sendBack(): Promise<void> {
  const storage: WebServer = await startServer((_, response) =>
    response.writeHead(202, { Location: `http://${registry.host}/v2/victim/manifests/latest` }).end(),
  );
  const registry: WebServer = await startServer((request, response) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
    } else if (request.method === 'POST') {
      response.writeHead(202, { Location: `http://${storage.host}/upload` }).end();
    } else response.writeHead(404).end();
  });
  const client = new RegistryClient(
    quietOptions({ credentials: async () => ({ username: 'bob', password: NEEDLE }), idleMilliseconds: 2000 }),
  );
  try {
    const bytes = Buffer.alloc(1000, 'x');
    const name = parseReference(`${registry.host}/app:1`);
    await client.pushBlob(name, describeBytes(bytes), sourceOf(bytes), { chunkBytes: 100 });
  } finally {
    client.close();
    await registry.close();
    await storage.close();
    refuseVictim(registry);
  }
}

function refuseVictim({ seen }: WebServer): void {
  if (seen.some(({ line }) => line.includes('victim'))) throw new Harmed('a request of another host was sent with it');
}
