import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromArchive } from '../../src/archive/archive-image.ts';
import { DirectoryBlobStore } from '../../src/blob/directory.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { fromLayout, toLayout } from '../../src/layout/layout-image.ts';
import { Layout } from '../../src/layout/layout.ts';
import { loadArchive } from '../../src/archive/load-archive.ts';
import { withMediaTypes } from '../../src/image/media-type-family.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { imageOf } from '../../src/image/image-value.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import { chunked, makeTar } from '../../testing/make-tar.ts';
import { sampleImage } from '../../testing/sample-image.ts';
import { scratchFolders } from '../../testing/scratch.ts';

const folder = scratchFolders();

/** A layout with an image, a chart, and a signature that is dressed as an image. */
async function mixedLayout(): Promise<string> {
  const root = folder();
  const image = await sampleImage([[{ name: 'a', content: 'a' }]]);
  const { size, digest } = await toLayout(image, root);
  const blobs = new DirectoryBlobStore(root);
  const put = async (value: object, mediaType: string): Promise<Descriptor> => ({
    mediaType,
    ...(await blobs.put(Buffer.from(JSON.stringify(value)))),
  });
  const manifest = (config: Descriptor, layer: Descriptor): Promise<Descriptor> =>
    put({ schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [layer] }, MediaType.ociManifest);
  const signed = await put({ critical: {} }, 'application/vnd.dev.cosign.simplesigning.v1+json');
  const dressed = { architecture: '', os: '', rootfs: { type: 'layers', diff_ids: [signed.digest] } };
  const chart = await manifest(
    await put({}, 'application/vnd.cncf.helm.config.v1+json'),
    await put({ x: 1 }, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip'),
  );
  const signature = await manifest(await put(dressed, MediaType.ociConfig), signed);
  const manifests = [chart, signature, { mediaType: MediaType.ociManifest, digest, size }];
  writeFileSync(join(root, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  return root;
}

describe('artifacts beside images', () => {
  it('are passed over in a layout', async () => {
    const root = await mixedLayout();
    expect((await fromLayout(root)).config.config).toEqual({ Cmd: ['/bin/app'] });
    expect(await (await Layout.open(root)).images()).toHaveLength(1);
  });

  it('are passed over in an archive', async () => {
    const root = await mixedLayout();
    const file = join(folder(), 'layout.tar');
    execFileSync('tar', ['-cf', file, '-C', root, 'oci-layout', 'index.json', 'blobs']);
    expect((await fromArchive(file)).config.config).toEqual({ Cmd: ['/bin/app'] });
    expect(await loadArchive(file, await Layout.open(folder(), { create: true }))).toHaveLength(1);
  });

  it('say what they are when they are taken for images', async () => {
    const root = await mixedLayout();
    const entries = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')).manifests;
    await expect(fromLayout(root, entries[0].digest)).rejects.toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: expect.stringMatching(/this is an artifact \(application\/vnd\.cncf\.helm/),
    });
    await expect(fromLayout(root, entries[1].digest)).rejects.toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: expect.stringContaining('simplesigning'),
    });
  });
});

it('an archive of Docker 25 without a tag has its image in manifest.json', async () => {
  const layer = makeTar([{ name: 'a', content: 'a' }]);
  const diffID = sha256Digest(layer);
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffID] } });
  const blob = (bytes: Uint8Array | string): string => `blobs/sha256/${sha256Digest(bytes).slice(7)}`;
  const docker = [{ Config: blob(config), RepoTags: null, Layers: [blob(layer)] }];
  for (const manifests of [null, []]) {
    const archive = makeTar([
      { name: blob(layer), content: layer },
      { name: blob(config), content: config },
      { name: 'index.json', content: JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }) },
      { name: 'manifest.json', content: JSON.stringify(docker) },
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    ]);
    const path = join(folder(), 'image.tar');
    writeFileSync(path, archive);
    expect((await fromArchive(path)).layers).toMatchObject([{ diffID }]);
    const target = folder();
    mkdirSync(target, { recursive: true });
    expect(await loadArchive(chunked(archive), await Layout.open(target, { create: true }))).toHaveLength(1);
  }
});

it('a change of media types keeps the members of descriptors that nobody knows', async () => {
  const image = await sampleImage([[{ name: 'a', content: 'a' }], [{ name: 'b', content: 'b' }]]);
  const manifest = JSON.parse(Buffer.from(image.rawManifest).toString());
  manifest.layers[0] = { ...manifest.layers[0], data: 'eA==', 'x-y': 1.5, annotations: { a: 'b' } };
  const foreign = imageOf({
    rawManifest: Buffer.from(JSON.stringify(manifest).replace('1.5', '12345678901234567890')),
    rawConfig: image.rawConfig,
    openLayer: () => chunked(new Uint8Array()),
  });
  const docker = withMediaTypes(foreign, 'docker');
  const text = Buffer.from(docker.rawManifest).toString();
  expect(text).toContain('"x-y":12345678901234567890');
  expect(JSON.parse(text).layers[0]).toMatchObject({
    mediaType: MediaType.dockerLayerGzip,
    data: 'eA==',
    annotations: { a: 'b' },
  });
  const back = Buffer.from(withMediaTypes(docker, 'oci').rawManifest).toString();
  expect(back).toContain('"x-y":12345678901234567890');
});
