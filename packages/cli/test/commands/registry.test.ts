import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Layout } from '@tsbuild/oci/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  makeCertificates,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../../../oci/testing/docker-registry.ts';
import { addSampleImage } from '../sample-image.ts';
import { type HostChoices, temporaryDirectory, tsbuild } from '../testing-host.ts';

/** A port where nothing listens. */
const NOBODY = '127.0.0.1:1';
const DIGEST = /sha256:[0-9a-f]{64}/;

async function idOf(root: string, name: string): Promise<string> {
  return (await (await Layout.open(root)).resolve(name)).id;
}

/** A configuration file by which docker.io is read from another host. */
async function mirrored(host: string): Promise<Readonly<Record<string, string>>> {
  const path = join(await temporaryDirectory(), 'config.json');
  await writeFile(path, JSON.stringify({ registries: { mirrors: { 'docker.io': [host] } } }));
  return { TSBUILD_CONFIG: path };
}

describe.skipIf(SKIP_REGISTRY)(`push and pull${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry();
  });
  afterAll(() => registry.stop());

  /** A store with a sample image, pushed under this name of the registry. */
  async function pushed(repository: string) {
    const root = await temporaryDirectory();
    const name = `${registry.host}/${repository}`;
    const image = await addSampleImage(root, [name], { labels: { repository } });
    const outcome = await tsbuild(['push', name], { root });
    expect(outcome).toMatchObject({ code: 0 });
    const digest = DIGEST.exec(outcome.stdout)?.[0] ?? '';
    return { root, name, image, outcome, digest };
  }

  it("bring an image to another store, in docker's words", async () => {
    const { name, image, outcome, digest } = await pushed('carried');
    expect(outcome.stdout.replace(DIGEST, 'DIGEST').replace(/size: \d+/, 'size: N')).toBe(
      `Using default tag: latest\nThe push refers to repository [${name}]\nlatest: digest: DIGEST size: N\n`,
    );
    expect(outcome.stderr).toMatch(/^(?:[0-9a-f]{12}: Pushed \S+B.*\n){2}$/);

    const to = await temporaryDirectory();
    const pulled = await tsbuild(['pull', `${name}:latest`], { root: to });
    expect(pulled).toMatchObject({ code: 0 });
    expect(pulled.stdout).toBe(
      [
        'latest: Pulling from carried',
        `Digest: ${digest}`,
        `Status: Downloaded newer image for ${name}:latest`,
        `${name}:latest`,
        '',
      ].join('\n'),
    );
    expect(pulled.stderr).toMatch(/^(?:[0-9a-f]{12}: Download complete \S+B.*\n)+$/);
    expect(await idOf(to, name)).toBe(image.id);

    const again = await tsbuild(['pull', name], { root: to });
    expect(again.stdout).toContain(`Status: Image is up to date for ${name}:latest\n`);
    expect(await tsbuild(['pull', '-q', name], { root: to })).toMatchObject({
      code: 0,
      stdout: `${name}:latest\n`,
      stderr: '',
    });
  });

  it('give the same digest when the pulled image is pushed again', async () => {
    const { name, digest } = await pushed('again');
    const to = await temporaryDirectory();
    await tsbuild(['pull', name], { root: to });
    await tsbuild(['tag', name, `${registry.host}/again/copy:2`], { root: to });
    const outcome = await tsbuild(['push', `${registry.host}/again/copy:2`], { root: to });
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toContain(`2: digest: ${digest} size: `);
    const quiet = await tsbuild(['push', '-q', `${registry.host}/again/copy:2`], { root: to });
    expect(quiet).toMatchObject({ code: 0, stdout: `${registry.host}/again/copy:2\n`, stderr: '' });
  });

  it('find an image by its digest', async () => {
    const { name, image, digest } = await pushed('by-digest');
    const root = await temporaryDirectory();
    const outcome = await tsbuild(['pull', `${name}@${digest}`], { root });
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout.split('\n').slice(0, 3)).toEqual([
      `${name}@${digest}: Pulling from by-digest`,
      `Digest: ${digest}`,
      `Status: Downloaded newer image for ${name}@${digest}`,
    ]);
    expect(await idOf(root, image.id)).toBe(image.id);
  });

  it('read names of docker.io from a mirror', async () => {
    const { image } = await pushed('library/mirrored');
    const root = await temporaryDirectory();
    const outcome = await tsbuild(['pull', 'mirrored'], { root, env: await mirrored(registry.host) });
    expect(outcome).toMatchObject({ code: 0 });
    expect(outcome.stdout).toMatch(/^Using default tag: latest\nlatest: Pulling from library\/mirrored\n/);
    expect(outcome.stdout).toMatch(/\ndocker\.io\/library\/mirrored:latest\n$/);
    expect(await idOf(root, 'mirrored')).toBe(image.id);
  });

  it('report as JSON, a failure too', async () => {
    const { name } = await pushed('json');
    const root = await temporaryDirectory();
    const events = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const good = await tsbuild(['pull', '--progress=json', name], { root });
    expect(events(good.stderr)).toContainEqual(expect.objectContaining({ type: 'transfer', done: true }));
    const bad = await tsbuild(['pull', '--progress=json', `${name}:nope`], { root });
    expect(bad.code).toBe(1);
    expect(events(bad.stderr)).toMatchObject([{ type: 'error', code: 'REGISTRY_NOT_FOUND' }]);
  });

  it.each(['nope', 'nope/nope:1'])('fail for the image %s that is not there', async (repository) => {
    const root = await temporaryDirectory();
    const pulled = await tsbuild(['pull', `${registry.host}/${repository}`], { root });
    expect(pulled.code).toBe(1);
    expect(pulled.stderr).toMatch(/^ERROR: .*nope.*404/);
    const sent = await tsbuild(['push', `${registry.host}/${repository}`], { root });
    expect(sent).toMatchObject({ code: 1, stdout: '' });
    expect(sent.stderr).toMatch(/^ERROR: .*nope/);
  });

  it('fail for a platform that the image is not for', async () => {
    const { name } = await pushed('platform');
    const root = await temporaryDirectory();
    expect((await tsbuild(['pull', '--platform', 'nonsense', name], { root })).code).toBe(1);
  });

  // An ordinary user's build starts the program again in a user namespace, which a test in this process cannot.
  describe.skipIf(process.geteuid?.() !== 0)('from a build (needs root)', () => {
    async function project(dockerfile: string, env: Readonly<Record<string, string>> = {}) {
      const [root, cwd] = [await temporaryDirectory(), await temporaryDirectory()];
      await writeFile(join(cwd, 'Dockerfile'), dockerfile);
      await writeFile(join(cwd, 'run'), 'echo');
      const build = (argv: readonly string[], choices: HostChoices = {}) =>
        tsbuild(['build', ...argv], { root, cwd, env, ...choices });
      return { root, cwd, build };
    }

    it('--push sends every name, and -o type=registry,name= another one', async () => {
      const { root, build } = await project('FROM scratch\nCOPY run /\n');
      const names = [`${registry.host}/built:1`, `${registry.host}/built:2`];
      const outcome = await build(['-t', names[0] ?? '', '-t', names[1] ?? '', '--push', '.']);
      expect(outcome).toMatchObject({ code: 0, stdout: '' });
      for (const name of names)
        expect(outcome.stderr).toMatch(new RegExp(`\n${name}: digest: sha256:[0-9a-f]{64} size: `));
      expect(outcome.stderr).toMatch(/ Next: docker run --rm 127\.0\.0\.1:\d+\/built:1\n$/);

      const other = `${registry.host}/elsewhere`;
      const named = await build(['-o', `type=registry,name=${other}`, '--progress=json', '.']);
      expect(named.stderr).toMatch(
        new RegExp(`{"type":"image-pushed","reference":"${other}:latest","digest":"sha256:`),
      );
      const to = await temporaryDirectory();
      for (const name of [...names, other]) {
        expect((await tsbuild(['pull', name], { root: to })).code).toBe(0);
        expect(await idOf(to, name)).toBe(await idOf(root, names[0] ?? ''));
      }
    });

    it('--annotation and --metadata-file say what is in the registry, and a later push the same', async () => {
      const { root, cwd, build } = await project('FROM scratch\nCOPY run /\n');
      const name = `${registry.host}/annotated:1`;
      const flags = ['--annotation', 'org.opencontainers.image.title=x', '--metadata-file', 'm.json'];
      expect(await build(['-t', name, '--push', ...flags, '.'])).toMatchObject({ code: 0 });
      const metadata = JSON.parse(await readFile(join(cwd, 'm.json'), 'utf8')) as Record<string, string>;
      const accept = 'application/vnd.oci.image.manifest.v1+json';
      const answer = await fetch(`http://${registry.host}/v2/annotated/manifests/1`, { headers: { accept } });
      expect(answer.headers.get('docker-content-digest')).toBe(metadata['containerimage.digest']);
      expect(await answer.json()).toMatchObject({ annotations: { 'org.opencontainers.image.title': 'x' } });
      const again = await tsbuild(['push', name], { root });
      expect(again.stdout).toContain(`digest: ${metadata['containerimage.digest']} `);
    });

    it('finds its base in a mirror, and afterwards without it; --pull asks again', async () => {
      const { name, image } = await pushed('library/base');
      const { root, build } = await project('FROM base\nCOPY run /\n', await mirrored(registry.host));
      const first = await build(['-t', 'on-base', '.']);
      expect(first).toMatchObject({ code: 0 });
      const id = await idOf(root, 'on-base');
      const env = await mirrored(NOBODY);
      expect(await build(['-t', 'on-base', '.'], { env })).toMatchObject({ code: 0 });
      expect(await idOf(root, 'on-base')).toBe(id);

      const from = await temporaryDirectory();
      const newer = await addSampleImage(from, [name], { blocks: 8 });
      expect(newer.id).not.toBe(image.id);
      expect(await tsbuild(['push', name], { root: from })).toMatchObject({ code: 0 });
      await build(['-t', 'on-base', '.']);
      expect(await idOf(root, 'on-base')).toBe(id);
      expect(await build(['--pull', '-t', 'on-base', '.'])).toMatchObject({ code: 0 });
      const layers = (await (await Layout.open(root)).resolve('on-base')).layers.map(({ digest }) => digest);
      expect(layers[0]).toBe(newer.layers[0]?.digest);
    });

    it('ends with the failure of a push, the image built', async () => {
      const { root, build } = await project('FROM scratch\nCOPY run /\n');
      const outcome = await build(['-t', `${NOBODY}/x`, '--push', '.']);
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toMatch(/\nERROR: .*127\.0\.0\.1:1/);
      expect(outcome.stderr).not.toMatch(/Next:/);
      expect(await idOf(root, `${NOBODY}/x`)).toMatch(DIGEST);
    });
  });
});

describe.skipIf(SKIP_REGISTRY)(`a registry with a certificate of its own authority${NO_REGISTRY}`, () => {
  let directory: string;
  let registry: DockerRegistry;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tsbuild-cli-test-'));
    registry = await startDockerRegistry({ tls: makeCertificates(directory) });
  });
  afterAll(async () => {
    await registry.stop();
    await rm(directory, { recursive: true });
  });

  it.each([
    ['no configuration', () => ({}), 1],
    ['caFiles', () => ({ caFiles: ['ca.pem'] }), 0],
    ['insecure', () => ({ insecure: [registry.host] }), 0],
  ])('is believed with %s: exit code', async (_, registries, code) => {
    const path = join(directory, 'config.json');
    await writeFile(path, JSON.stringify({ registries: registries() }));
    const root = await temporaryDirectory();
    const name = `${registry.host}/app`;
    await addSampleImage(root, [name]);
    const outcome = await tsbuild(['push', name], { root, env: { TSBUILD_CONFIG: path } });
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(
      code === 0 ? /Pushed|Layer already exists/ : /ERROR: .*(?:certificate|authority|issuer)/i,
    );
  });
});

describe.skipIf(SKIP_REGISTRY)(`login and logout${NO_REGISTRY}`, () => {
  const basic = { username: 'me', password: 'open sesame' };
  let registry: DockerRegistry;
  beforeAll(async () => {
    registry = await startDockerRegistry({ basic });
  });
  afterAll(() => registry.stop());

  it('are between a push that is denied and one that is not', async () => {
    const root = await temporaryDirectory();
    const env = { DOCKER_CONFIG: await temporaryDirectory() };
    const name = `${registry.host}/private/app`;
    const image = await addSampleImage(root, [name]);
    const run = (argv: readonly string[], choices: HostChoices = {}) => tsbuild(argv, { root, env, ...choices });

    const denied = await run(['push', name]);
    expect(denied.code).toBe(1);
    expect(denied.stderr).toMatch(new RegExp(`^ERROR: .*\nhint: tsbuild login ${registry.host}\n$`));

    const login = await run(['login', '-u', 'me', '--password-stdin', registry.host], { stdin: 'open sesame\r\n' });
    expect(login).toMatchObject({ code: 0, stdout: 'Login Succeeded\n' });
    expect(login.stderr).toContain(
      `WARNING! Your credentials are stored unencrypted in '${env.DOCKER_CONFIG}/config.json'.\n`,
    );
    expect(await run(['login', registry.host])).toMatchObject({
      code: 0,
      stdout: 'Login Succeeded\n',
      stderr: 'Authenticating with existing credentials...\n',
    });
    expect((await run(['push', name])).code).toBe(0);
    const to = await temporaryDirectory();
    expect((await run(['pull', name], { root: to })).code).toBe(0);
    expect(await idOf(to, name)).toBe(image.id);

    const logout = await run(['logout', `https://${registry.host}/v2/`]);
    expect(logout).toMatchObject({ code: 0, stdout: `Removing login credentials for ${registry.host}\n`, stderr: '' });
    expect(await run(['logout', registry.host])).toMatchObject({
      code: 0,
      stdout: `Not logged in to ${registry.host}\n`,
    });
    expect((await run(['pull', name], { root: to })).code).toBe(1);
  });

  it('keep nothing that the registry refuses', async () => {
    const env = { DOCKER_CONFIG: await temporaryDirectory() };
    const outcome = await tsbuild(['login', '-u', 'me', '-p', 'wrong', registry.host], { env });
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^WARNING! Using --password via the CLI is insecure\. Use --password-stdin\.\nERROR: 127\.0\.0\.1:\d+ did not accept the user name and password\nhint: nothing was stored/,
    );
    expect(await tsbuild(['logout', registry.host], { env })).toMatchObject({
      stdout: `Not logged in to ${registry.host}\n`,
    });
  });
});

describe('without a registry', () => {
  it.each([[['pull', `${NOBODY}/x`]], [['push', `${NOBODY}/x`]], [['login', '-u', 'me', '-p', 'x', NOBODY]]])(
    '%j says that it cannot be reached',
    async (argv) => {
      const root = await temporaryDirectory();
      const env = { DOCKER_CONFIG: await temporaryDirectory() };
      await addSampleImage(root, [`${NOBODY}/x`]);
      const outcome = await tsbuild(argv, { root, env });
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toMatch(/ERROR: .*127\.0\.0\.1:1.*\nhint: images in the store work without a network/);
    },
  );

  it.each([
    [['pull'], /needs the NAME/],
    [['pull', 'a', 'b'], /too many/],
    [['pull', '--all-tags', 'a'], /not supported yet: --all-tags/],
    [['push', `a@sha256:${'0'.repeat(64)}`], /cannot push a digest reference/],
    [['push', '-a', 'a'], /not supported yet: -a/],
  ])('%j is a wrong command line', async (argv, message) => {
    const outcome = await tsbuild(argv);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(message);
  });

  it('a wrong name or configuration is told', async () => {
    const root = await temporaryDirectory();
    expect((await tsbuild(['pull', 'UPPER'], { root })).stderr).toMatch(/^ERROR: .*lowercase/);
    const env = { TSBUILD_CONFIG: '/nonexistent/config.json' };
    for (const argv of [
      ['pull', 'x'],
      ['push', 'x'],
      ['login', '-u', 'me', '-p', 'x'],
      ['build', '.'],
    ]) {
      const outcome = await tsbuild(argv, { root, env, cwd: root });
      expect(outcome.code, argv.join(' ')).toBe(1);
      expect(outcome.stderr).toMatch(/cannot read the configuration \/nonexistent\/config\.json/);
    }
  });
});
