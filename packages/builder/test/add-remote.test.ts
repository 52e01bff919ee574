import { execFileSync, spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type WebServer } from '../../oci/test/registry/web-server.ts';
import type { ProgressEvent } from '../src/progress/event.ts';
import { type BenchBuild, BuildBench } from '../testing/build-bench.ts';
import { type GitServer, startGitServer } from '../testing/git-server.ts';

const NEEDLE = 'needle-55e1-in-no-haystack';
const withSecret = (id: string, value = NEEDLE): Parameters<BuildBench['build']>[1] => ({
  secrets: new Map([[id, { kind: 'env', name: 'VALUE' }]]),
  environment: { VALUE: value, PATH: process.env['PATH'] },
});
const withoutSecret = { environment: { PATH: process.env['PATH'] } };
const eventsOf = ({ events }: BenchBuild): ProgressEvent[] =>
  events.split('\n').map((line) => JSON.parse(line) as ProgressEvent);

/** Files below the bench's directory that hold the text. */
const holding = (bench: BuildBench, text: string): string =>
  execFileSync('sh', ['-c', 'grep -rlF "$0" "$1" || true', text, bench.directory], { encoding: 'utf8' });

describe('ADD of a URL, whole builds', () => {
  let bench: BuildBench;
  let server: WebServer;
  const BODY = Buffer.alloc(300_000, 'b');

  beforeAll(async () => {
    bench = await BuildBench.make();
    server = await startServer((request, response) => {
      if (request.url?.startsWith('/private') && request.headers.authorization === undefined) {
        response.writeHead(401).end();
      } else if (request.url?.endsWith('.tgz')) response.end(gzipSync(archive()));
      else response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY);
    });
  });
  afterAll(async () => {
    await server.close();
    await bench[Symbol.asyncDispose]();
  });

  it('tells how far the download is, by the name of the file', async () => {
    const built = await bench.build(`FROM scratch\nADD http://${server.host}/dir/big.bin?sig=x /\n`);
    const transfers = eventsOf(built).filter((event) => event.type === 'transfer');
    expect(transfers.at(-1)).toEqual({
      type: 'transfer',
      kind: 'download',
      id: 'big.bin',
      transferred: BODY.length,
      total: BODY.length,
      done: true,
    });
  });

  it('--unpack takes an archive apart; without it the file stays one', async () => {
    const url = `http://${server.host}/a.tgz`;
    expect((await bench.build(`FROM scratch\nADD --unpack ${url} /out\n`)).layer).toEqual(['out/', 'out/in=hello']);
    const [entry] = (await bench.build(`FROM scratch\nADD ${url} /out/\n`)).layer.slice(-1);
    expect(entry?.startsWith('out/a.tgz=\x1f\x8b')).toBe(true);
  });

  it.each([
    ['/a/b%2Fc.txt', 'o/c.txt'],
    ['/a/b%20c.txt', 'o/b c.txt'],
    ['/a/%', 'o/%'],
    ['/dir/', 'o/dir'],
    ['/?x=name', 'o/__unnamed__'],
  ])('%s is called %s', async (path, name) => {
    const { layer } = await bench.build(`FROM scratch\nADD http://${server.host}${path} /o/\n`);
    expect(layer.at(-1)?.split('=')[0]).toBe(name);
  });

  it('--checksum is held', async () => {
    const failing = bench.build(`FROM scratch\nADD --checksum=sha256:${'0'.repeat(64)} http://${server.host}/x /\n`);
    await expect(failing).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', range: { start: { line: 2 } } });
  });

  it.each([
    ['HTTP_AUTH_TOKEN_', NEEDLE, `Bearer ${NEEDLE}`],
    ['HTTP_AUTH_HEADER_', `Basic ${NEEDLE}\n`, `Basic ${NEEDLE}`],
  ])('%s<host> is sent, and is in no file, event or image', async (id, value, sent) => {
    const path = `/private/${id}`;
    const built = await bench.build(
      `FROM scratch\nADD http://${server.host}${path} /x\n`,
      withSecret(`${id}${server.host}`, value),
    );
    const asked = server.seen.findLast(({ line }) => line === `GET ${path}`);
    expect(asked?.headers.authorization).toBe(sent);
    expect(built.layer[0]?.startsWith('x=b')).toBe(true);
    expect(built.events).not.toContain(NEEDLE);
    expect(holding(bench, NEEDLE)).toBe('');
  });

  it('a secret for another host stays here, and the refusal says which one would help', async () => {
    const failing = bench.build(
      `FROM scratch\nADD http://${server.host}/private/no /x\n`,
      withSecret('HTTP_AUTH_TOKEN_example.com'),
    );
    await expect(failing).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      hint: `pass a token for this host: --secret id=HTTP_AUTH_TOKEN_${server.host},env=VARIABLE`,
    });
    expect(server.seen.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('a secret that is no line of text is refused, and not shown', async () => {
    const text = `FROM scratch\nADD http://${server.host}/private/two-lines /x\n`;
    const failing = bench.build(text, withSecret(`HTTP_AUTH_TOKEN_${server.host}`, `${NEEDLE}\r\nX: y`));
    await expect(failing).rejects.toMatchObject({ code: 'OPTION_INVALID', range: { start: { line: 2 } } });
    await expect(failing).rejects.not.toThrow(NEEDLE);
  });

  it('the secret is not in the key: with another one the step is cached', async () => {
    const text = `FROM scratch\nADD http://${server.host}/private/key /x\n`;
    await bench.build(text, withSecret(`HTTP_AUTH_TOKEN_${server.host}`));
    const { steps } = await bench.build(text, withSecret(`HTTP_AUTH_TOKEN_${server.host}`, 'another'));
    expect(steps.cached).toBe(1);
  });

  /** A tar with one file, `in`. */
  function archive(): Uint8Array {
    const context = bench.files('packed', { in: 'hello' });
    return execFileSync('tar', ['-C', context, '-c', 'in']);
  }
});

const hasGit = spawnSync('git', ['--version']).status === 0;
describe.skipIf(!hasGit)('ADD of a repository, whole builds (needs the program git)', () => {
  let bench: BuildBench;
  let server: GitServer;
  let url: string;

  beforeAll(async () => {
    bench = await BuildBench.make();
    server = await startGitServer();
    server.commit(`git init -q --bare -b main ../lib.git; git init -q -b main ../lib
      (cd ../lib; echo library >code; git add -A; git commit -qm l; git push -q ../lib.git main)
      printf '[submodule "lib"]\\n\\tpath = lib\\n\\turl = ../lib.git\\n' >.gitmodules
      mkdir lib; git update-index --add --cacheinfo 160000,$(git -C ../lib rev-parse HEAD),lib; echo main >README`);
    url = `http://${server.host}/repo.git`;
  });
  afterAll(async () => {
    await server.close();
    await bench[Symbol.asyncDispose]();
  });

  it('brings submodules, unless it is told not to', async () => {
    const { layer } = await bench.build(`FROM scratch\nADD ${url} /r\n`, withoutSecret);
    expect(layer).toEqual([
      'r/',
      expect.stringMatching(/^r\/\.gitmodules=/),
      'r/README=main\n',
      'r/lib/',
      'r/lib/code=library\n',
    ]);
    const without = await bench.build(`FROM scratch\nADD ${url}?submodules=false /r\n`, withoutSecret);
    expect(without.layer).not.toContain('r/lib/code=library\n');
  });

  it('--keep-git-dir keeps .git', async () => {
    const { layer } = await bench.build(`FROM scratch\nADD --keep-git-dir ${url} /r\n`, withoutSecret);
    expect(layer.some((line) => line.startsWith('r/.git/HEAD='))).toBe(true);
    const without = await bench.build(`FROM scratch\nADD --keep-git-dir=false ${url} /r\n`, withoutSecret);
    expect(without.layer.some((line) => line.startsWith('r/.git/'))).toBe(false);
  });

  const pair = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  it.each<[string, Record<string, string>, string]>([
    ['a token', { GIT_AUTH_TOKEN: NEEDLE }, pair(`x-access-token:${NEEDLE}`)],
    ['a header', { GIT_AUTH_HEADER: `Bearer ${NEEDLE}` }, `Bearer ${NEEDLE}`],
    ['a token and its scheme', { GIT_AUTH_TOKEN: NEEDLE, GIT_AUTH_HEADER: 'bearer' }, `Bearer ${NEEDLE}`],
    ['a pair and its scheme', { GIT_AUTH_TOKEN: `me:${NEEDLE}`, GIT_AUTH_HEADER: 'basic' }, pair(`me:${NEEDLE}`)],
    [
      'a token of this host',
      { GIT_AUTH_TOKEN: 'general', 'GIT_AUTH_TOKEN.HOST': NEEDLE },
      pair(`x-access-token:${NEEDLE}`),
    ],
  ])('%s is sent, and is in no file, event or image', async (name, values, sent) => {
    const secrets = new Map(
      Object.keys(values).map((id) => [id.replace('HOST', server.host), { kind: 'env', name: id } as const]),
    );
    const before = server.seen.length;
    const built = await bench.build(`FROM scratch\nADD ${url}?submodules=false /${name.replaceAll(' ', '-')}\n`, {
      secrets,
      environment: { ...values, PATH: process.env['PATH'] },
    });
    expect(new Set(server.seen.slice(before).map(({ authorization }) => authorization))).toEqual(new Set([sent]));
    for (const text of [NEEDLE, sent]) {
      expect(built.events).not.toContain(text);
      expect(holding(bench, text)).toBe('');
    }
  });

  it('a failure does not tell the secret', async () => {
    const failure: unknown = await bench
      .build(`FROM scratch\nADD http://${server.host}/nope.git /x\n`, withSecret('GIT_AUTH_TOKEN'))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'GIT_FAILED' });
    expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain(NEEDLE);
  });
});
