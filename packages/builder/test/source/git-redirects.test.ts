import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryBlobStore } from '@tsbuild/oci';
import { LayerIndexStore, WebClient } from '@tsbuild/oci/node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, makeCertificates } from '../../../oci/testing/docker-registry.ts';
import { startServer, type WebServer } from '../../../oci/test/registry/web-server.ts';
import { type GitGuard, type GitServer, startGitServer } from '../../testing/git-server.ts';
import { GitSource } from '../../src/source/git-source.ts';

const signal = new AbortController().signal;
const hasGit = spawnSync('git', ['--version']).status === 0;
const NEEDLE = 'needle-90c4-in-no-haystack';
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
const TOKEN = basic(`x-access-token:${NEEDLE}`);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(listener: RequestListener): Promise<WebServer> {
  const server = await startServer(listener);
  closing.push(() => server.close());
  return server;
}

/** Sends every request on, to the same path of another host. */
const leadingTo =
  (host: () => string, status = 302): RequestListener =>
  (request, response) =>
    response.writeHead(status, { Location: `${host()}${request.url}` }).end();

/** The arguments of all processes; some end while one looks. */
function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      } catch {
        return '';
      }
    });
}

interface Fetch {
  readonly remote: string;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly caFiles?: readonly string[];
  readonly silence?: number;
}

/** The paths of the files that a source brings. */
async function fetched({ remote, secrets = {}, environment = {}, caFiles = [], silence }: Fetch): Promise<string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-git-'));
  const blobs = new MemoryBlobStore();
  const indexes = new LayerIndexStore(join(directory, 'indexes'), blobs);
  using client = new WebClient({ environment: {}, caFiles });
  const source = new GitSource({
    blobs,
    indexes,
    directory: join(directory, 'records'),
    temporary: join(directory, 'tmp'),
    environment: { PATH: process.env['PATH'], ...environment },
    secret: (id) => (secrets[id] === undefined ? undefined : Buffer.from(secrets[id])),
    client: () => client,
    ...(silence !== undefined && { silence }),
  });
  const checkout = await source.resolve(
    { remote, ref: 'main', folder: '', keepGitDir: undefined, submodules: true, commit: undefined },
    signal,
  );
  const [layer] = checkout.rootfs.layers;
  if (layer === undefined) throw new Error('there is no layer');
  return [...(await indexes.get(layer.digest)).entries()].map(({ path }) => path);
}

describe.skipIf(!hasGit)('redirects of repositories (needs the program git)', () => {
  let target: GitServer;
  let guard: GitGuard = () => false;
  let commit: string;

  beforeAll(async () => {
    target = await startGitServer((request, response) => guard(request, response));
    commit = target.commit('echo one >README');
  });
  afterAll(() => target.close());
  afterEach(() => {
    guard = () => false;
  });

  const expectNothingSent = (from = 0): void => {
    const sent = target.seen.slice(from);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.map(({ authorization }) => authorization)).toEqual(sent.map(() => undefined));
    expect(JSON.stringify(sent)).not.toContain(NEEDLE);
  };

  const wantsAuthorization: GitGuard = (request, response) => {
    if (request.headers.authorization !== undefined) return false;
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
    return true;
  };

  it.each<[string, number, (host: string) => Fetch]>([
    ['a token', 301, (host) => ({ remote: `http://${host}/repo.git`, secrets: { GIT_AUTH_TOKEN: NEEDLE } })],
    [
      'a token of the host',
      302,
      (host) => ({ remote: `http://${host}/repo.git`, secrets: { [`GIT_AUTH_TOKEN.${host}`]: NEEDLE } }),
    ],
    ['a header', 303, (host) => ({ remote: `http://${host}/repo.git`, secrets: { GIT_AUTH_HEADER: `X ${NEEDLE}` } })],
    ['name and password', 307, (host) => ({ remote: `http://bob:${NEEDLE}@${host}/repo.git` })],
    ['a name that is a token', 308, (host) => ({ remote: `http://${NEEDLE}@${host}/repo.git` })],
  ])('to another port bring the files, and %s is not sent there (%i)', async (_, status, how) => {
    const from = target.seen.length;
    const first = await listening((request, response) =>
      request.headers.authorization === undefined
        ? response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()
        : leadingTo(() => `http://${target.host}`, status)(request, response),
    );
    expect(await fetched(how(first.host))).toEqual(['README']);
    expect(first.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
    expectNothingSent(from);
  });

  it('is followed for a repository that needs no credential', async () => {
    const first = await listening(leadingTo(() => `http://${target.host}`));
    expect(await fetched({ remote: `http://${first.host}/repo.git` })).toEqual(['README']);
  });

  it('to a host that asks for a credential fails, sends it none, and says what to do', async () => {
    guard = wantsAuthorization;
    const from = target.seen.length;
    const first = await listening(leadingTo(() => `http://${target.host}`));
    const failing = fetched({ remote: `http://bob:${NEEDLE}@${first.host}/repo.git` });
    await expect(failing).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: `${first.host} redirects to ${target.host}, and a credential for one is not sent to the other; pass --secret id=GIT_AUTH_TOKEN.${target.host},env=VARIABLE`,
    });
    // git answers a question for a name with an empty one.
    expect(JSON.stringify(target.seen.slice(from))).not.toContain(Buffer.from(`bob:${NEEDLE}`).toString('base64'));
  });

  it('to a host that a secret names sends that secret, and no other', async () => {
    guard = wantsAuthorization;
    const from = target.seen.length;
    const first = await listening(leadingTo(() => `http://${target.host}`));
    const secrets = { [`GIT_AUTH_TOKEN.${first.host}`]: 'first', [`GIT_AUTH_TOKEN.${target.host}`]: NEEDLE };
    expect(await fetched({ remote: `http://${first.host}/repo.git`, secrets })).toEqual(['README']);
    expect(new Set(target.seen.slice(from).map(({ authorization }) => authorization))).toEqual(
      // The question where the repository lies carries nothing.
      new Set([undefined, TOKEN]),
    );
  });

  it('within the host keeps the credential: a repository that was renamed', async () => {
    for (const how of [{ secrets: { GIT_AUTH_TOKEN: NEEDLE } }, { userinfo: `x-access-token:${NEEDLE}@` }]) {
      guard = (request, response) => {
        if (wantsAuthorization(request, response)) return true;
        if (request.url?.startsWith('/old.git') !== true) return false;
        response.writeHead(301, { Location: request.url.replace('old', 'repo') }).end();
        return true;
      };
      const { userinfo = '', secrets = {} } = how;
      expect(await fetched({ remote: `http://${userinfo}${target.host}/old.git`, secrets })).toEqual(['README']);
      expect(target.seen.at(-1)?.authorization).toBe(TOKEN);
    }
  });

  it('over another host and back sends nothing any more', async () => {
    const from = target.seen.length;
    const between = await listening((request, response) =>
      response.writeHead(302, { Location: `http://${target.host}${String(request.url).replace('old', 'repo')}` }).end(),
    );
    guard = (request, response) => {
      if (request.url?.startsWith('/old.git') !== true) return false;
      leadingTo(() => `http://${between.host}`)(request, response);
      return true;
    };
    const remote = `http://${target.host}/old.git`;
    expect(await fetched({ remote, secrets: { GIT_AUTH_TOKEN: NEEDLE } })).toEqual(['README']);
    const later = target.seen.slice(from).filter(({ line }) => line.includes('/repo.git'));
    expect(later.map(({ authorization }) => authorization)).toEqual(later.map(() => undefined));
  });

  it.each(['/login', 'file:///etc/passwd', '/repo.git/info/refs?service=git-upload-pack&x'])(
    'to %s, which is no repository, is a failure',
    async (location) => {
      const first = await listening((request, response) =>
        request.url === '/login' ? response.end('<form>') : response.writeHead(302, { Location: location }).end(),
      );
      await expect(fetched({ remote: `http://${first.host}/repo.git` })).rejects.toMatchObject({ code: 'GIT_FAILED' });
    },
  );

  it('without end is a failure', async () => {
    const first = await listening((request, response) =>
      response.writeHead(302, { Location: String(request.url) }).end(),
    );
    await expect(fetched({ remote: `http://${first.host}/repo.git` })).rejects.toThrow(/redirects more than 10 times/);
  });

  it('a name and password are in no program’s arguments', async () => {
    const shown: string[] = [];
    guard = (request, response) => {
      shown.push(...commandLines().filter((line) => line.includes(NEEDLE)));
      return wantsAuthorization(request, response);
    };
    expect(await fetched({ remote: `http://bob:${NEEDLE}@${target.host}/repo.git` })).toEqual(['README']);
    expect(shown).toEqual([]);
  });

  it('a name that would break the helper’s lines is refused', async () => {
    await expect(fetched({ remote: `http://bob%0Ahost=x:${NEEDLE}@${target.host}/repo.git` })).rejects.toMatchObject({
      code: 'DOCKERFILE_INVALID',
    });
  });

  describe('submodules', () => {
    const withSubmodule = async (url: string, more = ''): Promise<GitServer> => {
      const server = await startGitServer((request, response) => {
        if (wantsAuthorization(request, response)) return true;
        if (request.url?.startsWith('/moved.git') !== true) return false;
        leadingTo(() => `http://${target.host}`)(
          { ...request, url: request.url.replace('moved', 'repo') } as never,
          response as never,
        );
        return true;
      });
      closing.push(() => server.close());
      server.commit(`printf '[submodule "lib"]\\n\\tpath = lib\\n\\turl = ${url}\\n' >.gitmodules; ${more}
        mkdir lib; git update-index --add --cacheinfo 160000,${commit},lib; echo main >README`);
      return server;
    };

    it('of another host get no credential', async () => {
      const from = target.seen.length;
      const server = await withSubmodule(`http://${target.host}/repo.git`);
      for (const [userinfo, secrets] of [
        [`bob:${NEEDLE}@`, {}],
        ['', { GIT_AUTH_TOKEN: NEEDLE }],
      ] as const) {
        const remote = `http://${userinfo}${server.host}/repo.git`;
        expect(await fetched({ remote, secrets })).toEqual(['.gitmodules', 'README', 'lib', 'lib/README']);
      }
      expectNothingSent(from + 1);
    });

    it('of the same host that redirect to another take no credential with them', async () => {
      const from = target.seen.length;
      const server = await withSubmodule('../moved.git');
      const remote = `http://bob:${NEEDLE}@${server.host}/repo.git`;
      expect(await fetched({ remote })).toEqual(['.gitmodules', 'README', 'lib', 'lib/README']);
      expectNothingSent(from + 1);
    });

    it('large files of another host (git-lfs) are not asked for', async () => {
      const thief = await listening((_, response) => response.writeHead(404).end());
      const server = await withSubmodule(
        `http://${target.host}/repo.git`,
        `printf '[lfs]\\n\\turl = http://${thief.host}/\\n' >.lfsconfig; echo 'big filter=lfs' >.gitattributes; echo pointer >big;`,
      );
      const paths = await fetched({ remote: `http://bob:${NEEDLE}@${server.host}/repo.git` });
      expect(paths).toContain('big');
      expect(thief.seen).toEqual([]);
    });
  });

  const noTLS = findProgram('openssl') === undefined;
  it.skipIf(noTLS)('from HTTPS to plain HTTP is refused (needs openssl)', async () => {
    const certificates = makeCertificates(mkdtempSync(join(tmpdir(), 'tsbuild-git-')));
    const tls = { key: readFileSync(certificates.key, 'utf8'), cert: readFileSync(certificates.certificate, 'utf8') };
    const secure = await startGitServer((request, response) => {
      leadingTo(() => `http://${target.host}`)(request as never, response as never);
      return true;
    }, tls);
    closing.push(() => secure.close());
    const from = target.seen.length;
    const failing = fetched({
      remote: `https://${secure.host}/repo.git`,
      environment: { GIT_SSL_CAINFO: certificates.ca },
      caFiles: [certificates.ca],
    });
    await expect(failing).rejects.toThrow(/from HTTPS to plain HTTP/);
    expect(target.seen).toHaveLength(from);
  });

  it('a server that says nothing is given up', async () => {
    const silent = await listening(() => {});
    await expect(fetched({ remote: `http://${silent.host}/repo.git`, silence: 1000 })).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringMatching(/sent nothing for 1000 ms|Operation too slow/),
    });
  });
});
