import { describe, expect, it } from 'vitest';
import { artifactFrom, artifactOf, withSubject } from '../../src/image/artifact.ts';
import { artifactFromLayout, artifactFromRegistry, attachArtifact } from '../../src/artifact/artifact-places.ts';
import { MemoryBlobStore } from '../../src/blob/memory.ts';
import { blobContent } from '../../src/image/content-source.ts';
import { copyContent } from '../../src/image/copy-content.ts';
import { blobSink, fromLayout, toLayout } from '../../src/layout/layout-image.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { toRegistry } from '../../src/registry/remote-image.ts';
import { NO_REGISTRY, SKIP_REGISTRY, startDockerRegistry } from '../../testing/docker-registry.ts';
import { collect } from '../../testing/image-trees.ts';
import { sampleImage } from '../../testing/sample-image.ts';
import { scratchFolders } from '../../testing/scratch.ts';

const folder = scratchFolders();
const SBOM = artifactOf({
  artifactType: 'application/spdx+json',
  files: [{ content: '{"spdx":1}', mediaType: 'application/spdx+json', title: 'sbom.json', annotations: { a: 'b' } }],
  annotations: { made: 'by hand' },
});

describe('an artifact', () => {
  it('is a manifest as the specification wants it, the same for the same parts', () => {
    const empty = artifactOf({ artifactType: 'x/y' });
    expect(JSON.parse(Buffer.from(empty.rawManifest).toString())).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'x/y',
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
        size: 2,
      },
      layers: [
        {
          mediaType: 'application/vnd.oci.empty.v1+json',
          digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
          size: 2,
        },
      ],
    });
    expect(empty.files).toEqual([]);
    expect(artifactOf({ artifactType: 'x/y' }).descriptor).toEqual(empty.descriptor);
  });

  it('comes back from where it was put, and its files are read and checked', async () => {
    const blobs = new MemoryBlobStore();
    const document = async (): Promise<Uint8Array> => SBOM.rawManifest;
    await copyContent({ ...SBOM.content, document }, SBOM.descriptor, blobSink(blobs));
    const back = await artifactFrom(blobContent(blobs), SBOM.descriptor);
    expect(back).toMatchObject({ artifactType: 'application/spdx+json', manifest: SBOM.manifest });
    const [file] = back.files;
    expect(file?.title).toBe('sbom.json');
    expect((await collect(file?.open() ?? [])).toString()).toBe('{"spdx":1}');
    const lying = {
      ...blobContent(blobs),
      blob: async function* () {
        yield Buffer.from('{"spdx":2}');
      },
    };
    const [bad] = (await artifactFrom(lying, SBOM.descriptor)).files;
    await expect(collect(bad?.open() ?? [])).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  it('says something of a subject', async () => {
    const image = await sampleImage([[{ name: 'a', content: 'a' }]]);
    const attached = withSubject(SBOM, image.descriptor);
    const { mediaType, digest, size } = image.descriptor;
    expect(attached.manifest.subject).toEqual({ mediaType, digest, size });
    expect(attached.descriptor.digest).not.toBe(SBOM.descriptor.digest);
    expect(withSubject(attached, undefined).descriptor).toEqual(SBOM.descriptor);
    expect((await collect(attached.files[0]?.open() ?? [])).toString()).toBe('{"spdx":1}');
  });

  it('lies in a layout beside an image', async () => {
    const root = folder();
    const image = await sampleImage([[{ name: 'a', content: 'a' }]]);
    await toLayout(image, root, { names: [parseReference('app:1')] });
    await toLayout(SBOM, root, { names: [parseReference('app:sbom')] });
    const back = await artifactFromLayout(root, { name: SBOM.descriptor.digest });
    expect(back.descriptor).toEqual(SBOM.descriptor);
    expect((await artifactFromLayout(root, { name: 'sbom' })).descriptor).toEqual(SBOM.descriptor);
    expect((await fromLayout(root)).descriptor.digest).toBe(image.descriptor.digest);
  });
});

it.skipIf(SKIP_REGISTRY)(`is attached to an image of a registry and listed there${NO_REGISTRY}`, async () => {
  const registry = await startDockerRegistry();
  const client = new RegistryClient();
  try {
    const reference = parseReference(`${registry.host}/app:1`);
    await toRegistry(client, reference, await sampleImage([[{ name: 'a', content: 'a' }]]));
    const { descriptor: subject } = await client.manifest(reference);
    const attached = await attachArtifact(client, reference, {
      artifactType: 'application/spdx+json',
      files: [{ content: 'text' }],
    });
    const listed = await client.referrers({ ...reference, digest: subject.digest }, 'application/spdx+json');
    expect(listed).toMatchObject([{ digest: attached.digest, artifactType: 'application/spdx+json' }]);
    const { registry: host, repository } = reference;
    const back = await artifactFromRegistry(client, { registry: host, repository, digest: attached.digest });
    expect((await collect(back.files[0]?.open() ?? [])).toString()).toBe('text');
    const copied = parseReference(`${registry.host}/other:sbom`);
    await toRegistry(client, copied, back);
    expect((await artifactFromRegistry(client, copied)).descriptor.digest).toBe(attached.digest);
  } finally {
    client.close();
    await registry.stop();
  }
});
