import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  indexAttestations,
  indexFromRegistry,
  type InTotoStatement,
  parseReference,
  RegistryClient,
} from '../packages/oci/src/node.ts';
import {
  type DockerRegistry,
  NO_REGISTRY,
  SKIP_REGISTRY,
  startDockerRegistry,
} from '../packages/oci/testing/docker-registry.ts';
import { docker, lab, withoutEngine } from './support/lab.ts';
import { contextOf, scratch, type Tsbuild, tsbuild } from './support/tsbuild.ts';

const SECRET = 'correct-horse-battery';
const ATTESTED = ['--sbom', '--provenance=max', '--build-arg', `DEPLOY_TOKEN=${SECRET}`];
const DOCKERFILE = `FROM scratch AS modules
ARG DEPLOY_TOKEN
COPY package.json /app/node_modules/left/
FROM busybox
COPY --from=modules /app /app
COPY status /var/lib/dpkg/status
CMD ["cat", "/var/lib/dpkg/status"]
`;
const FILES = {
  Dockerfile: DOCKERFILE,
  'package.json': '{"name":"left","version":"1.0.0","license":"MIT"}',
  status: 'Package: a\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n',
};

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Document {
  readonly manifests: readonly Descriptor[];
  readonly layers: readonly Descriptor[];
  readonly config: Descriptor;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
}
interface Predicates {
  readonly SPDX: { readonly spdxVersion: string; readonly packages: readonly Record<string, unknown>[] };
  readonly SLSA: { readonly buildDefinition: Record<string, unknown> };
}

describe('an image with attestations', () => {
  let builder: Tsbuild;
  let context: string;
  beforeAll(async () => {
    builder = await tsbuild();
    context = await contextOf(FILES);
  });

  const blob = async <T = Document>({ digest }: Pick<Descriptor, 'digest'>): Promise<T> =>
    JSON.parse(await readFile(join(builder.store, 'blobs/sha256', digest.slice('sha256:'.length)), 'utf8')) as T;
  const build = async (...args: readonly string[]): Promise<string> => {
    const ended = await builder.run(['build', '-q', ...args, context]);
    if (ended.exitCode !== 0) throw new Error(ended.stderr);
    return ended.stdout.trim();
  };
  const inspected = async <T>(format: string, name: string): Promise<T> =>
    JSON.parse(await builder.output(['image', 'inspect', '--format', format, name])) as T;

  it('has the same digest again when every step is cached, and without them the image that it would have had', async () => {
    const plain = await build('-t', 'plain');
    const first = await build(...ATTESTED, '-t', 'app');
    const again = await builder.build(context, [...ATTESTED, '-t', 'app', '--iidfile', join(context, '../id')]);
    expect([...again.steps.values()].every((state) => state === 'CACHED')).toBe(true);
    expect(await readFile(join(context, '../id'), 'utf8')).toBe(first);
    expect(await build(...ATTESTED, '-t', 'app')).toBe(first);
    expect(await build('-t', 'plain', '--provenance=false', '--sbom=false')).toBe(plain);
    const { manifests } = await blob({ digest: first });
    expect((await blob(manifests[0] ?? { digest: '' })).config.digest).toBe(plain);
    expect(manifests.slice(1)).toMatchObject([{ platform: { os: 'unknown', architecture: 'unknown' } }]);
  });

  it('tells both as docker buildx imagetools inspect does, and no secret', async () => {
    await build(...ATTESTED, '-t', 'app');
    const { SPDX } = await inspected<Predicates>('{{json .SBOM}}', 'app');
    expect(SPDX.spdxVersion).toBe('SPDX-2.3');
    expect(SPDX.packages.find(({ name }) => name === 'left')).toMatchObject({
      annotations: [{ comment: expect.stringMatching(/Dockerfile:3 COPY package\.json .*copied by line 5/) }],
    });
    const { SLSA } = await inspected<Predicates>('{{json .Provenance}}', 'app');
    expect(SLSA.buildDefinition).toMatchObject({
      externalParameters: { buildArgs: [{ name: 'DEPLOY_TOKEN', value: '***' }], dockerfile: { path: 'Dockerfile' } },
      resolvedDependencies: [
        { uri: expect.stringMatching(/^pkg:docker\/busybox@latest\?platform=linux%2F/) },
        { name: 'context' },
      ],
    });
    expect(JSON.stringify([SPDX, SLSA])).not.toContain(SECRET);
    expect(await inspected('{{json .SBOM}}', 'plain')).toEqual({});
    const { Manifests: manifests } = await inspected<{ Manifests: Record<string, unknown>[] }>('{{json .}}', 'app');
    expect(manifests[1]).toMatchObject({ Kind: 'attestation', Available: true });
  });

  it('is one image to all commands: listed, saved, loaded, tagged, checked, removed with what attests it', async () => {
    const digest = await build(...ATTESTED, '-t', 'app');
    const archive = join(await scratch(), 'app.tar');
    await builder.output(['save', '-o', archive, 'app']);
    const other = await tsbuild({ bases: false });
    await other.output(['load', '-i', archive]);
    await other.output(['tag', 'app', 'copy']);
    expect(await other.id('copy')).toBe(digest);
    expect(await other.output(['images', '-q', '--no-trunc'])).toBe(`${digest}\n${digest}\n`);
    await other.output(['rmi', 'app']);
    await other.output(['image', 'prune', '-f']);
    expect(await other.output(['image', 'inspect', '-f', '{{.SBOM.SPDX.spdxVersion}}', 'copy'])).toBe('SPDX-2.3\n');
    expect(await other.run(['fsck'])).toMatchObject({ exitCode: 0 });
    await other.output(['rmi', 'copy']);
    await other.output(['image', 'prune', '-f']);
    expect(await readdir(join(other.store, 'blobs/sha256'))).toEqual([]);
  });

  it('leaves its statements beside its files, in a directory, a tar and a layout', async () => {
    const out = await scratch();
    const flags = [...ATTESTED, '-t', 'app', '--metadata-file', join(out, 'metadata.json')];
    await build(
      ...flags,
      '-o',
      `type=local,dest=${join(out, 'files')}`,
      '-o',
      `type=oci,tar=false,dest=${join(out, 'layout')}`,
    );
    expect(await readdir(join(out, 'files'))).toEqual(
      expect.arrayContaining(['provenance.json', 'sbom.spdx.json', 'var']),
    );
    const statement = JSON.parse(await readFile(join(out, 'files/provenance.json'), 'utf8')) as InTotoStatement;
    expect(statement.predicateType).toBe('https://slsa.dev/provenance/v1');
    const metadata = JSON.parse(await readFile(join(out, 'metadata.json'), 'utf8')) as Record<string, unknown>;
    expect(metadata['buildx.build.provenance']).toEqual(statement.predicate);
    const { manifests } = JSON.parse(await readFile(join(out, 'layout/index.json'), 'utf8')) as Document;
    expect(manifests.map(({ digest }) => digest)).toEqual([metadata['containerimage.digest']]);
    await stat(join(out, 'layout/blobs/sha256', statementBlob(await attestationIn(manifests[0]))));

    const { stdout: tar } = await builder.run(['build', ...ATTESTED, '-o', 'type=tar,dest=-', context]);
    expect(tar).toMatch(/^sbom\.spdx\.json\0/);
    const several = ['--platform', 'linux/amd64,linux/arm64', '--provenance'];
    const foreign = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'x' });
    await builder.build(foreign, [...several, '-o', `type=local,dest=${join(out, 'both')},attestation-prefix=b-`]);
    expect(await readdir(join(out, 'both/linux_arm64'))).toEqual(['b-provenance.json', 'f']);
    const taken = await contextOf({ Dockerfile: 'FROM scratch\nCOPY f /provenance.json\n', f: 'x' });
    const refused = await builder.run(['build', '--provenance', '-o', join(out, 'taken'), taken]);
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/the image has a file \/provenance\.json, too\n.*attestation-prefix=/s),
    });
  });

  async function attestationIn(root: Descriptor | undefined): Promise<Document> {
    const { manifests } = await blob(root ?? { digest: '' });
    return blob(manifests[1] ?? { digest: '' });
  }
  const statementBlob = ({ layers }: Document): string => (layers[0]?.digest ?? '').slice('sha256:'.length);

  it('is dressed as an image where registries know no artifacts', async () => {
    const digest = await build(...ATTESTED, '-t', 'old', '-o', 'type=image,oci-artifact=false');
    const attestation = await attestationIn({ digest, mediaType: '', size: 0 });
    expect(attestation.config.mediaType).toBe('application/vnd.oci.image.config.v1+json');
    expect(attestation.subject).toBeUndefined();
    expect(await inspected<Predicates>('{{json .SBOM}}', 'old')).toHaveProperty('SPDX');
  });

  it.skipIf(withoutEngine)(`is loaded by an engine of the classic store${lab.engineObstacle ?? ''}`, async () => {
    const name = 'tsbuild-test/attested:1';
    const out = join(await scratch(), 'app.tar');
    const { socket } = { socket: lab.engine };
    expect(socket).toBeDefined();
    await build(...ATTESTED, '-t', name, '-o', out);
    try {
      await docker().output(['load', '-i', out]);
      expect(await docker().output(['run', '--rm', '--network', 'none', name])).toContain('Package: a');
    } finally {
      await docker().output(['rmi', name]);
    }
  });

  describe.skipIf(SKIP_REGISTRY)(`in a registry on loopback${NO_REGISTRY}`, () => {
    let registry: DockerRegistry;
    beforeAll(async () => {
      registry = await startDockerRegistry();
      await mkdir(join(await scratch(), 'x'));
    });
    afterAll(() => registry?.stop());

    it('is what docker buildx imagetools reads there, and speaks of the manifest that is there', async () => {
      const name = `${registry.host}/app:1`;
      await builder.build(context, [...ATTESTED, '-t', name, '--push']);
      using client = new RegistryClient({});
      const pushed = await indexFromRegistry(client, parseReference(name));
      const [image, entry] = pushed.index.manifests;
      // util/imagetools/loader.go: it looks for this entry, these layers, and these predicate types.
      expect(entry?.annotations).toEqual({
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': image?.digest,
      });
      const [found] = await indexAttestations(pushed);
      expect(found?.artifact.manifest.layers.map(({ mediaType, annotations }) => [mediaType, annotations])).toEqual([
        ['application/vnd.in-toto+json', { 'in-toto.io/predicate-type': 'https://spdx.dev/Document' }],
        ['application/vnd.in-toto+json', { 'in-toto.io/predicate-type': 'https://slsa.dev/provenance/v1' }],
      ]);
      expect(found?.artifact.manifest.subject).toMatchObject({ digest: image?.digest, size: image?.size });
      for (const file of found?.statements ?? []) {
        const { subject } = await file.read();
        expect(subject).toMatchObject([{ digest: { sha256: image?.digest.slice('sha256:'.length) } }]);
        expect(subject[0]?.name).toMatch(/^pkg:docker\/127\.0\.0\.1:\d+\/app@1\?platform=linux%2F/);
      }
    });

    it('keeps its attestations when it is pulled with all platforms, and pushed elsewhere', async () => {
      const [name, copy] = [`${registry.host}/app:2`, `${registry.host}/copy:2`];
      const metadata = join(await scratch(), 'metadata.json');
      await builder.build(context, [...ATTESTED, '-t', name, '--push', '--metadata-file', metadata]);
      const digest = (JSON.parse(await readFile(metadata, 'utf8')) as Record<string, string>)['containerimage.digest'];
      const other = await tsbuild({ bases: false });
      await other.output(['pull', '--platform', 'all', name]);
      expect(await other.output(['inspect', '-f', '{{.SBOM.SPDX.spdxVersion}}', name])).toBe('SPDX-2.3\n');
      await other.output(['tag', name, copy]);
      await other.output(['push', copy]);
      using client = new RegistryClient({});
      expect((await client.manifest(parseReference(copy))).descriptor.digest).toBe(digest);
    });
  });
});
