import { execFileSync, spawn } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { digestHex, sha256Digest } from '../../src/spec/digest.ts';
import { encodeImageConfig } from '../../src/spec/image-config.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { loadArchive } from '../../src/archive/load-archive.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { familiarName } from '../../src/spec/reference.ts';
import { validateImage } from '../../src/validation/validate.ts';
import { freshLayout, layerTar, scratchFolder } from './images.ts';
import { packed as pack, stream } from './pack.ts';
import type { Files } from './pack.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

const packed = (files: Files, args?: readonly string[]): Promise<string> => pack(scratch, files, args);

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
});

const layers = [
  layerTar({ 'a.txt': 'a'.repeat(5000) }),
  layerTar({ 'b.txt': 'b' }),
  layerTar({ 'c.txt': 'c' }),
] as const;
const config = configOf(layers);
const id = sha256Digest(config);
const hex = (bytes: Uint8Array): string => digestHex(sha256Digest(bytes));

function configOf(of: readonly Uint8Array[], more: object = {}): Uint8Array {
  return encodeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    created: '2024-01-02T03:04:05Z',
    config: { Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: of.map((layer) => sha256Digest(layer)) },
    history: of.map((_, i) => ({ created_by: `COPY ${i}` })),
    ...more,
  });
}

const manifestJson = (more: object = {}): string =>
  JSON.stringify([{ Config: 'config.json', RepoTags: ['my-app:1'], Layers: ['0.tar', '1.tar', '2.tar'], ...more }]);
const flat: Files = {
  'config.json': config,
  '0.tar': layers[0],
  '1.tar': layers[1],
  '2.tar': layers[2],
  'manifest.json': manifestJson(),
};

/** What `docker save` wrote until version 24: the second layer equal to the first shows as a link. */
function legacy(): Files {
  const files: Record<string, Uint8Array | string> = {};
  const ids = ['1', '2', '3'].map((digit) => digit.repeat(64));
  ids.forEach((layerId, i) => {
    files[`${layerId}/VERSION`] = '1.0';
    files[`${layerId}/json`] = JSON.stringify({ id: layerId });
    files[`${layerId}/layer.tar`] = layers[i] ?? '';
  });
  files[`${digestHex(id)}.json`] = config;
  files['manifest.json'] = JSON.stringify([
    {
      Config: `${digestHex(id)}.json`,
      RepoTags: ['my-app:1', 'x.io/y:2'],
      Layers: ids.map((layerId) => `${layerId}/layer.tar`),
    },
  ]);
  files['repositories'] = JSON.stringify({ 'my-app': { '1': ids[2] } });
  return files;
}

const blob = (bytes: Uint8Array): string => `blobs/sha256/${hex(bytes)}`;
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const describeBlob = (mediaType: string, bytes: Uint8Array, more: object = {}) => ({
  mediaType,
  digest: sha256Digest(bytes),
  size: bytes.length,
  ...more,
});

/** One image as an OCI layout's files, without its index. */
function ociImage(
  of: readonly Uint8Array[],
  imageConfig: Uint8Array,
): { files: Record<string, Uint8Array>; manifest: Uint8Array } {
  const manifest = json({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: describeBlob(MediaType.ociConfig, imageConfig),
    layers: of.map((layer) => describeBlob(MediaType.ociLayerGzip, layer)),
  });
  const files = Object.fromEntries([...of, imageConfig, manifest].map((bytes) => [blob(bytes), bytes]));
  return { files, manifest };
}

const ociIndex = (manifests: readonly object[]): Uint8Array =>
  json({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
const named = (name: string): object => ({ annotations: { 'io.containerd.image.name': name } });
const marker = { 'oci-layout': '{"imageLayoutVersion":"1.0.0"}' };

/** Loads an archive with the one image of these tests, and tells all that matters of the result. */
async function outcome(path: string): Promise<object> {
  const loaded = await loadArchive(path, layout);
  const image = await layout.resolve(id);
  return {
    names: loaded.map(({ names }) => names.map(familiarName)),
    stored: image.names.map(familiarName),
    layers: image.layers.map((layer) => layer.digest),
    problems: await validateImage(layout.blobs, image.manifest),
    leftovers: [...(await readdir(join(layout.root, 'tmp'))), ...(await readdir(join(layout.root, 'leases')))],
  };
}

const sound = (...names: readonly string[]) => ({
  names: [names],
  stored: names,
  layers: layers.map((layer) => sha256Digest(layer)),
  problems: [],
  leftovers: [],
});

describe('loadArchive() loads', () => {
  it.each<[string, () => Files, readonly string[]]>([
    ['flat names', () => flat, []],
    ['flat names in POSIX format', () => flat, ['--format=posix']],
    ['manifest.json first', () => ({ 'manifest.json': manifestJson(), ...flat }), []],
    ['gzip layers', () => ({ ...flat, '0.tar': gzipSync(layers[0]), '2.tar': gzipSync(layers[2]) }), []],
    [
      'a layer cut into gzip members',
      () => ({
        ...flat,
        '0.tar': Buffer.concat([gzipSync(layers[0].subarray(0, 700)), gzipSync(layers[0].subarray(700))]),
      }),
      [],
    ],
  ])('%s', async (_, files, args) => {
    expect(await outcome(await packed(files(), args))).toEqual(sound('my-app:1'));
  });

  it('names with ./ before them', async () => {
    const files = Object.fromEntries(Object.entries(flat).map(([name, content]) => [`./${name}`, content]));
    expect(await outcome(await packed(files))).toEqual(sound('my-app:1'));
  });

  it('what docker save wrote until version 24', async () => {
    expect(await outcome(await packed(legacy()))).toEqual(sound('my-app:1', 'x.io/y:2'));
  });

  it('layers that are symlinks or hard links to others, as old Docker versions wrote them', async () => {
    const twice = configOf([layers[0], layers[0], layers[0]]);
    const path = await packed({
      'a/layer.tar': layers[0],
      'b/layer.tar': '->../a/layer.tar',
      'c/layer.tar': '=>a/layer.tar',
      'config.json': twice,
      'manifest.json': manifestJson({ Layers: ['a/layer.tar', 'b/layer.tar', 'c/layer.tar'] }),
    });
    await loadArchive(path, layout);
    const image = await layout.resolve('my-app:1');
    expect(image.layers.map((layer) => layer.digest)).toEqual(Array.from({ length: 3 }, () => sha256Digest(layers[0])));
  });

  it('both kinds in one file, as docker save from 25 and buildx write it', async () => {
    const image = ociImage(
      layers.map((layer) => gzipSync(layer)),
      config,
    );
    const gz = layers.map((layer) => blob(gzipSync(layer)));
    expect(
      await outcome(
        await packed({
          ...image.files,
          ...marker,
          'index.json': ociIndex([
            describeBlob(MediaType.ociManifest, image.manifest, named('docker.io/library/my-app:1')),
          ]),
          'manifest.json': manifestJson({ Config: blob(config), Layers: gz }),
        }),
      ),
    ).toEqual(sound('my-app:1'));
  });

  it('an OCI layout alone', async () => {
    const image = ociImage(
      layers.map((layer) => gzipSync(layer)),
      config,
    );
    const entry = describeBlob(MediaType.ociManifest, image.manifest, named('docker.io/library/my-app:1'));
    expect(await outcome(await packed({ ...image.files, ...marker, 'index.json': ociIndex([entry]) }))).toEqual(
      sound('my-app:1'),
    );
  });

  it('an OCI layout that skopeo named', async () => {
    const image = ociImage(layers, config);
    const entry = describeBlob(MediaType.ociManifest, image.manifest, {
      annotations: { 'org.opencontainers.image.ref.name': 'my-app:1' },
    });
    expect(await outcome(await packed({ ...image.files, ...marker, 'index.json': ociIndex([entry]) }))).toEqual(
      sound('my-app:1'),
    );
  });

  it('an archive that is compressed as a whole, from a path and from a stream', async () => {
    const path = await packed(flat, ['-z']);
    expect(await outcome(path)).toEqual(sound('my-app:1'));
    layout = await freshLayout(scratch);
    const piece = execFileSync('cat', [path]);
    const loaded = await loadArchive(stream(piece, 777), layout);
    expect(loaded[0]?.image.id).toBe(id);
  });

  it('a stream, and a fifo', async () => {
    const path = await packed(flat);
    expect((await loadArchive(stream(execFileSync('cat', [path]), 999), layout))[0]?.image.id).toBe(id);
    layout = await freshLayout(scratch);
    const fifo = join(scratch, 'fifo');
    execFileSync('mkfifo', [fifo]);
    spawn('sh', ['-c', `cat ${path} > ${fifo}`], { stdio: 'ignore' });
    expect((await loadArchive(fifo, layout))[0]?.image.id).toBe(id);
  });

  it('images without names, and several at once', async () => {
    const second = configOf([layers[1]]);
    const path = await packed({
      ...flat,
      'second.json': second,
      'manifest.json': JSON.stringify([
        { Config: 'config.json', RepoTags: null, Layers: ['0.tar', '1.tar', '2.tar'] },
        { Config: 'second.json', RepoTags: ['two:a', 'two:b'], Layers: ['1.tar'] },
      ]),
    });
    const loaded = await loadArchive(path, layout);
    expect(loaded.map(({ names }) => names.map(familiarName))).toEqual([[], ['two:a', 'two:b']]);
    expect((await layout.resolve(id)).names).toEqual([]);
    expect((await layout.resolve('two:b')).id).toBe(sha256Digest(second));
    await loadArchive(path, layout);
    expect(await layout.images()).toHaveLength(2);
  });

  it('odd but valid configs: no os, no history, no layers, an empty layer', async () => {
    const nothing = new Uint8Array();
    const odd = json({ rootfs: { type: 'layers', diff_ids: [sha256Digest(nothing)] }, config: null });
    const bare = json({ architecture: 'arm64', os: 'linux', rootfs: { type: 'layers' } });
    const path = await packed({
      odd,
      bare,
      none: nothing,
      'manifest.json': JSON.stringify([
        { Config: 'odd', RepoTags: ['odd:1'], Layers: ['none'] },
        { Config: 'bare', RepoTags: ['bare:1'], Layers: null },
      ]),
    });
    await loadArchive(path, layout);
    expect((await layout.resolve('odd:1')).size).toBe(0);
    expect((await layout.resolve('bare:1')).config.architecture).toBe('arm64');
  });

  it('an archive without a layer that the store has', async () => {
    await layout.blobs.put(layers[0]);
    const { '0.tar': _, ...rest } = flat;
    expect(await outcome(await packed(rest))).toEqual(sound('my-app:1'));
  });
});

describe('loadArchive() of several platforms', () => {
  const arm = configOf([layers[1]], { architecture: 'arm64' });
  const images = [ociImage([layers[0]], configOf([layers[0]])), ociImage([layers[1]], arm)] as const;
  const attestation = ociImage([], json({}));
  const nested = ociIndex([
    describeBlob(MediaType.ociManifest, images[0].manifest, { platform: { os: 'linux', architecture: 'amd64' } }),
    describeBlob(MediaType.ociManifest, images[1].manifest, { platform: { os: 'linux', architecture: 'arm64' } }),
    describeBlob(MediaType.ociManifest, attestation.manifest, {
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    }),
  ]);
  const entry = describeBlob(MediaType.ociIndex, nested, named('docker.io/library/multi:1'));
  const files = (): Files => ({
    ...images[0].files,
    ...images[1].files,
    ...attestation.files,
    [blob(nested)]: nested,
    ...marker,
    'index.json': ociIndex([entry]),
  });

  it.each(['amd64', 'arm64'])('takes the image for linux/%s', async (architecture) => {
    const loaded = await loadArchive(await packed(files()), layout, { platform: { os: 'linux', architecture } });
    expect(loaded.map(({ image }) => image.config.architecture)).toEqual([architecture]);
    expect((await layout.resolve('multi:1')).config.architecture).toBe(architecture);
  });

  it('takes all, and names the one that fits', async () => {
    const platform = { os: 'linux', architecture: 'arm64' };
    const loaded = await loadArchive(await packed(files()), layout, { platform, allPlatforms: true });
    expect(loaded).toHaveLength(2);
    expect(await layout.images()).toHaveLength(2);
    expect((await layout.resolve('multi:1')).config.architecture).toBe('arm64');
  });

  it('names the platforms that there are when none fits', async () => {
    const loading = loadArchive(await packed(files()), layout, { platform: { os: 'linux', architecture: 's390x' } });
    await expect(loading).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('no image for linux/s390x; available: linux/amd64, linux/arm64'),
    });
  });

  it('takes the only image that is there, whatever its platform', async () => {
    const only = Object.fromEntries(Object.entries(files()).filter(([name]) => !(name in images[0].files)));
    const loaded = await loadArchive(await packed(only), layout, { platform: { os: 'linux', architecture: 's390x' } });
    expect(loaded[0]?.image.config.architecture).toBe('arm64');
  });
});
