import { rm } from 'node:fs/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { digestHex, sha256Digest } from '../../src/spec/digest.ts';
import { encodeImageConfig } from '../../src/spec/image-config.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { loadArchive } from '../../src/archive/load-archive.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parsePlatform } from '../../src/spec/platform.ts';
import { familiarName } from '../../src/spec/reference.ts';
import { freshLayout, layerTar, scratchFolder } from './images.ts';
import { packed as pack } from './pack.ts';
import type { Files } from './pack.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

const packed = (files: Files): Promise<string> => pack(scratch, files);

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
});

const layers = [layerTar({ 'a.txt': 'a' })] as const;
const configOf = (of: readonly Uint8Array[], more: object): Uint8Array =>
  encodeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: of.map((layer) => sha256Digest(layer)) },
    ...more,
  });
const blob = (bytes: Uint8Array): string => `blobs/sha256/${digestHex(sha256Digest(bytes))}`;
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const describeBlob = (mediaType: string, bytes: Uint8Array, more: object = {}) => ({
  mediaType,
  digest: sha256Digest(bytes),
  size: bytes.length,
  ...more,
});
const ociIndex = (manifests: readonly object[]): Uint8Array =>
  json({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
const named = (name: string): object => ({ annotations: { 'io.containerd.image.name': name } });
const marker = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };

describe('loadArchive() with keepIndexes', () => {
  const plain = (of: readonly Uint8Array[], imageConfig: Uint8Array) => {
    const manifest = json({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: describeBlob(MediaType.ociConfig, imageConfig),
      layers: of.map((layer) => describeBlob(MediaType.ociLayer, layer)),
      annotations: { of: 'the manifest' },
    });
    return { manifest, files: Object.fromEntries([...of, imageConfig, manifest].map((bytes) => [blob(bytes), bytes])) };
  };
  const [one, two] = ['s390x', 'riscv64'].map((architecture) =>
    plain([layers[0]], configOf([layers[0]], { architecture })),
  );
  if (one === undefined || two === undefined) throw new Error('two images');
  const entryFor = (image: typeof one, architecture: string) =>
    describeBlob(MediaType.ociManifest, image.manifest, { platform: { architecture, os: 'linux' } });
  const missing = describeBlob(MediaType.ociManifest, Buffer.from('absent'), {
    platform: { architecture: 'ppc64le', os: 'linux' },
  });
  const archive = (entries: readonly object[], files: Files, more: Files = {}): Files => {
    const index = ociIndex(entries);
    const entry = describeBlob(MediaType.ociIndex, index, named('docker.io/library/app:1'));
    return { ...marker, ...files, ...more, [blob(index)]: index, 'index.json': ociIndex([entry]) };
  };
  const both = [entryFor(one, 's390x'), entryFor(two, 'riscv64')];

  it('keeps an index under its name, byte for byte where its layers are plain', async () => {
    const path = await packed(archive(both, { ...one.files, ...two.files }));
    const [loaded] = await loadArchive(path, layout, { keepIndexes: true });
    expect(loaded?.names.map(familiarName)).toEqual(['app:1']);
    expect(loaded?.image.index).toMatchObject({ isFirst: true });
    const index = loaded && (await layout.index(loaded.image));
    expect(index?.images.map(({ config: { architecture } }) => architecture)).toEqual(['s390x', 'riscv64']);
    expect(index?.names.map(familiarName)).toEqual(['app:1']);
    expect(await loadArchive(path, layout, { keepIndexes: true })).toEqual([loaded]);
    expect((await layout.collect([])).deleted).toEqual([]);
  });

  it('keeps an index of which images are missing, and the image that a docker-archive names beside it', async () => {
    const manifest = JSON.stringify([
      {
        Config: blob(configOf([layers[0]], { architecture: 's390x' })),
        RepoTags: ['app:1', 'app:2'],
        Layers: [blob(layers[0])],
      },
    ]);
    const path = await packed(
      archive([...both, missing], { ...one.files, ...two.files }, { 'manifest.json': manifest }),
    );
    const loaded = await loadArchive(path, layout, { keepIndexes: true });
    expect(loaded.map(({ image, names }) => [image.index !== undefined, names.map(familiarName)])).toEqual([
      [false, ['app:2']],
      [true, ['app:1']],
    ]);
    expect((await layout.index(await layout.resolve('app:1')))?.index.manifests).toHaveLength(3);
  });

  it('takes the only image of many by itself, and the platform that is asked for', async () => {
    const path = await packed(archive([...both, missing], one.files));
    const [loaded] = await loadArchive(path, layout, { keepIndexes: true });
    expect([loaded?.image.index, loaded?.image.config.architecture]).toEqual([undefined, 's390x']);
    const whole = await packed(archive(both, { ...one.files, ...two.files }, { 'manifest.json': '[]' }));
    const platform = parsePlatform('linux/riscv64');
    const [asked] = await loadArchive(whole, layout, { keepIndexes: true, platform });
    expect([asked?.image.index, asked?.image.config.architecture]).toEqual([undefined, 'riscv64']);
    const none = loadArchive(whole, layout, { keepIndexes: true, platform: parsePlatform('linux/mips') });
    await expect(none).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  });
});
