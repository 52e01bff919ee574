import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../packages/oci/testing/docker-registry.ts';
import { run } from './support/process.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

interface Document {
  readonly manifests: readonly { readonly digest: string; readonly artifactType?: string }[];
  readonly layers: readonly { readonly digest: string }[];
}

// Debian's registry has no referrers API: signatures are found by the tag `sha256-<hex>`.
describe.skipIf(SKIP_REGISTRY)(`signed images in a registry on loopback${NO_REGISTRY}`, () => {
  let registry: DockerRegistry;
  let builder: Tsbuild;
  let folder: string;
  beforeAll(async () => {
    registry = await startDockerRegistry();
    builder = await tsbuild({ bases: false });
    folder = await scratch();
    for (const type of ['ecdsa-p256', 'ed25519'])
      await builder.output(['image', 'keygen', '--type', type, keyOf(type)]);
  });
  afterAll(() => registry?.stop());

  const keyOf = (type: string): string => join(folder, `${type}.key`);
  const named = (name: string): string => `${registry.host}/${name}`;

  async function get(path: string, accept: string): Promise<Buffer> {
    const response = await fetch(`http://${registry.host}/v2/${path}`, { headers: { Accept: accept } });
    expect(response.status).toBe(200);
    return Buffer.from(await response.arrayBuffer());
  }

  async function sendManifest(path: string, type: string, bytes: Buffer): Promise<void> {
    const headers = { 'Content-Type': type };
    const { status } = await fetch(`http://${registry.host}/v2/${path}`, { method: 'PUT', headers, body: bytes });
    expect(status).toBe(201);
  }

  /** The one bundle beside a manifest, as any client of the registry finds it. */
  async function bundleOf(repository: string, digest: string): Promise<string> {
    const list = await get(`${repository}/manifests/${digest.replace(':', '-')}`, INDEX);
    const [referrer] = (JSON.parse(list.toString()) as Document).manifests;
    expect(referrer?.artifactType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
    const manifest = await get(`${repository}/manifests/${referrer?.digest}`, MANIFEST);
    const [layer] = (JSON.parse(manifest.toString()) as Document).layers;
    return (await get(`${repository}/blobs/${layer?.digest}`, '*/*')).toString();
  }

  /** Asks openssl, with the bytes that DSSE says are signed; nothing of ours takes part. */
  async function askOpenssl(bundle: string, type: string): Promise<string> {
    const { dsseEnvelope } = JSON.parse(bundle) as {
      dsseEnvelope: { payload: string; payloadType: string; signatures: [{ sig: string }] };
    };
    const payload = Buffer.from(dsseEnvelope.payload, 'base64').toString('latin1');
    const { payloadType } = dsseEnvelope;
    const signed = join(folder, 'signed');
    const signature = join(folder, 'signature');
    writeFileSync(signed, `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} ${payload}`, 'latin1');
    writeFileSync(signature, Buffer.from(dsseEnvelope.signatures[0].sig, 'base64'));
    const key = `${keyOf(type)}.pub`;
    const words =
      type === 'ed25519'
        ? ['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', key, '-in', signed, '-sigfile', signature]
        : ['dgst', '-sha256', '-verify', key, '-signature', signature, signed];
    const { stdout } = await run('openssl', words);
    return stdout.trim();
  }

  it.each([
    ['ecdsa-p256', 'Verified OK', 'Verification failure'],
    ['ed25519', 'Signature Verified Successfully', 'Signature Verification Failure'],
  ])(
    'by %s are verified by openssl from the bundle alone, and not once a character is another',
    async (type, yes, no) => {
      const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: type });
      const repository = `by-${type}`;
      await builder.build(context, ['-t', named(`${repository}:1`), '--push']);
      const digest = (
        await builder.output(['image', 'sign', '-q', '--key', keyOf(type), named(`${repository}:1`)])
      ).trim();
      const bundle = await bundleOf(repository, digest);
      expect(await askOpenssl(bundle, type)).toBe(yes);
      const document = JSON.parse(bundle) as { dsseEnvelope: { payload: string } };
      const payload = Buffer.from(document.dsseEnvelope.payload, 'base64').toString();
      expect(payload).toContain(digest.slice('sha256:'.length));
      document.dsseEnvelope.payload = Buffer.from(payload.replace('v1', 'v9')).toString('base64');
      expect(await askOpenssl(JSON.stringify(document), type)).toBe(no);
    },
  );

  it('are on the index and each image of it, and say so', async () => {
    const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'two platforms' });
    const name = named('two:1');
    await builder.build(context, ['--platform', 'linux/amd64,linux/arm64', '-t', name, '--push']);
    const verify = ['image', 'verify', '--key', `${keyOf('ecdsa-p256')}.pub`, name];
    const before = await builder.run(verify);
    expect(before).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^index +sha256:\w+ +not signed\n/) });
    await builder.output(['image', 'sign', '--key', keyOf('ecdsa-p256'), name]);
    const after = await builder.run(verify);
    expect(after.exitCode).toBe(0);
    expect(after.stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['index', expect.stringMatching(/^sha256:/), 'signed'],
      ['linux/amd64', expect.stringMatching(/^sha256:/), 'signed'],
      ['linux/arm64', expect.stringMatching(/^sha256:/), 'signed'],
      [expect.stringMatching(/^Signed with .*two:1 is sha256:/)],
      [''],
    ]);
    const byOther = await builder.run(['image', 'verify', '--key', `${keyOf('ed25519')}.pub`, name]);
    expect(byOther).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('refused: it is by another key') });
    const json = await builder.output([...verify, '--format', 'json']);
    expect(JSON.parse(json)).toMatchObject({
      isSigned: true,
      manifests: [{ role: 'index' }, { platform: 'linux/amd64' }, {}],
    });
  });

  it('are there before the tag is, by push --sign and build --push --sign', async () => {
    const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'at once' });
    const sign = ['--sign', `key=${keyOf('ed25519')}`];
    await builder.build(context, ['-t', named('at-once:1'), '--push', ...sign]);
    await builder.output(['tag', named('at-once:1'), named('at-once:2')]);
    await builder.output(['push', ...sign, named('at-once:2')]);
    for (const tag of ['1', '2']) {
      const verify = ['image', 'verify', '--key', `${keyOf('ed25519')}.pub`, named(`at-once:${tag}`)];
      expect((await builder.run(verify)).exitCode).toBe(0);
    }
    const env = { SIGNING_KEY: (await readFile(keyOf('ed25519'), 'utf8')).replaceAll('\n', '\\n') };
    await builder.output(['image', 'sign', '--key', 'env://SIGNING_KEY', named('at-once:1')], { env });
  });

  it('count no more once somebody changes the image that they belong to', async () => {
    const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'good' });
    const name = named('swapped:1');
    await builder.build(context, ['-t', name, '--push', '--sign', `key=${keyOf('ed25519')}`]);
    const good = (await get('swapped/manifests/1', MANIFEST)).toString();
    const evil = Buffer.from(good.replace('{', '{"annotations":{"evil":"yes"},'));
    await sendManifest('swapped/manifests/1', MANIFEST, evil);
    const verify = await builder.run(['image', 'verify', '--key', `${keyOf('ed25519')}.pub`, name]);
    expect(verify).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^image +sha256:\w+ +not signed\n/) });
    // The old signature, listed beside the new manifest, is still one of the old manifest.
    const digestOf = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
    const list = await get(`swapped/manifests/sha256-${digestOf(good)}`, INDEX);
    await sendManifest(`swapped/manifests/sha256-${digestOf(evil)}`, INDEX, list);
    const moved = await builder.run(['image', 'verify', '--key', `${keyOf('ed25519')}.pub`, name]);
    expect(moved).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining(`refused: it is a signature of sha256:${digestOf(good)}`),
    });
  });

  it('go along when the image is pulled and pushed elsewhere', async () => {
    const context = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'travels' });
    const sign = ['--push', '--sign', `key=${keyOf('ed25519')}`];
    await builder.build(context, ['--platform', 'linux/amd64,linux/arm64', '-t', named('home:1'), ...sign]);
    const other = await tsbuild({ bases: false });
    await other.output(['pull', '--platform', 'all', named('home:1')]);
    await other.output(['tag', named('home:1'), named('away:1')]);
    await other.output(['tag', named('home:1'), named('alone:1')]);
    await other.output(['push', '--referrers', named('away:1')]);
    await other.output(['push', named('alone:1')]);
    const verify = (name: string): ReturnType<Tsbuild['run']> =>
      other.run(['image', 'verify', '--key', `${keyOf('ed25519')}.pub`, named(name)]);
    const away = await verify('away:1');
    expect(away.exitCode).toBe(0);
    expect(away.stdout.match(/ signed$/gm)).toHaveLength(3);
    expect((await verify('alone:1')).exitCode).toBe(1);
    const built = await builder.run(['push', '--referrers', named('home:1')]);
    expect(built).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no signatures to copy.*\nhint: .*--platform all/s),
    });
  });

  it('need a key that is one, and say what else to do', async () => {
    const path = join(folder, 'cosign.key');
    await writeFile(
      path,
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
    );
    const sign = await builder.run(['image', 'sign', '--key', path, named('two:1')]);
    expect(sign).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/format of cosign.*\nhint: .*keygen/) });
    const nothing = await builder.run(['build', '--sign', `key=${keyOf('ed25519')}`, folder]);
    expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('add --push') });
    const again = await builder.run(['image', 'keygen', keyOf('ed25519')]);
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('it exists') });
    expect((await stat(keyOf('ed25519'))).mode & 0o777).toBe(0o600);
  });
});
