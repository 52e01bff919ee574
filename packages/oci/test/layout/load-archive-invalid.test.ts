import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { digestHex, sha256Digest } from '../../src/spec/digest.ts';
import { OciError } from '../../src/spec/oci-error.ts';
import { encodeImageConfig } from '../../src/spec/image-config.ts';
import type { Layout } from '../../src/layout/layout.ts';
import { loadArchive } from '../../src/archive/load-archive.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { makeTar } from '../../testing/make-tar.ts';
import { freshLayout, imageOf, layerTar, scratchFolder } from './images.ts';
import { packed, stream } from './pack.ts';
import type { Files } from './pack.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
  await layout.add(await imageOf(layout.blobs, 'before'), [parseReference('my-app:1')]);
});

const layers = [layerTar({ 'a.txt': 'a'.repeat(70_000) }), layerTar({ 'b.txt': 'b' })] as const;
const documentOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const configOf = (more: object = {}): Uint8Array =>
  encodeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256Digest(layer)) },
    history: layers.map((_, i) => ({ created_by: `COPY ${i}` })),
    ...more,
  });
const entryOf = (more: object = {}): object => ({
  Config: 'config',
  RepoTags: ['my-app:1'],
  Layers: ['0.tar', '1.tar'],
  ...more,
});
const good: Files = {
  config: configOf(),
  '0.tar': layers[0],
  '1.tar': layers[1],
  'manifest.json': documentOf([entryOf()]),
};
const withManifest = (...entries: readonly unknown[]): Files => ({ ...good, 'manifest.json': documentOf(entries) });
const without = (name: string): Files => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));
const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** How loading failed, and what it left: the images must be as they were, and no temporary file or lease there. */
async function refusal(loading: Promise<unknown>): Promise<object> {
  const error = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return {
    code: error instanceof OciError ? error.code : 'none',
    message: error instanceof Error ? error.message : 'none',
    images: (await layout.images()).map((image) => image.config.config?.Cmd),
    leftovers: [...(await readdir(join(layout.root, 'tmp'))), ...(await readdir(join(layout.root, 'leases')))],
  };
}

const refused = (message: RegExp, code = 'ARCHIVE_INVALID') => ({
  code,
  message: expect.stringMatching(message),
  images: [['before']],
  leftovers: [],
});

describe('loadArchive() refuses a docker-archive with', () => {
  it.each<[string, () => Files, RegExp]>([
    ['a missing layer', () => without('1.tar'), /: 1\.tar: it is missing from the archive/],
    ['a missing config', () => without('config'), /: config: it is missing/],
    ['a manifest that is not JSON', () => ({ ...good, 'manifest.json': '[' }), /manifest\.json: not a JSON document/],
    ['a manifest that is no array', () => ({ ...good, 'manifest.json': '{}' }), /manifest\.json: must be an array/],
    ['a manifest without images', () => withManifest(), /it contains no image/],
    [
      'an entry without Config',
      () => withManifest(entryOf({ Config: undefined })),
      /manifest\.json: \[0\]\.Config must be a string/,
    ],
    [
      'a wrong name',
      () => withManifest(entryOf({ RepoTags: ['a:1', 'Foo'] })),
      /\[0\]\.RepoTags\[1\] .*must be lowercase/,
    ],
    ['a config that is not JSON', () => ({ ...good, config: 'x' }), /: config: image config: not a JSON document/],
    [
      'a config without rootfs',
      () => ({ ...good, config: documentOf({}) }),
      /: config: image config: rootfs is missing/,
    ],
    [
      'fewer layers than diffIDs',
      () => withManifest(entryOf({ Layers: ['0.tar'] })),
      /: config: it lists 2 layers \(rootfs\.diff_ids\), but the archive has 1/,
    ],
    [
      'more history than layers',
      () => ({ ...good, config: configOf({ history: [{}, {}, {}] }) }),
      /: config: its history has 3 layers/,
    ],
    [
      'a changed layer',
      () => ({ ...good, '0.tar': flipped(layers[0], 600) }),
      /: 0\.tar: blob .*its content has the digest/,
    ],
    ['layers in the wrong order', () => withManifest(entryOf({ Layers: ['1.tar', '0.tar'] })), /: 1\.tar: /],
    [
      'a layer name that leads out',
      () => withManifest(entryOf({ Layers: ['../../etc/passwd', '1.tar'] })),
      /\.\.\/\.\.\/etc\/passwd: the name points outside/,
    ],
    [
      'a config name that leads out',
      () => withManifest(entryOf({ Config: 'blobs/sha256/../../../etc/passwd' })),
      /the name points outside/,
    ],
    [
      'a symlink that leads out',
      () => ({ ...good, '1.tar': '->../../etc/passwd' }),
      /: 1\.tar: the name points outside/,
    ],
    ['an absolute symlink', () => ({ ...good, '1.tar': '->/etc/passwd' }), /: 1\.tar: the name points outside/],
    [
      'a dangling symlink',
      () => ({ ...good, '1.tar': '->nothing' }),
      /: 1\.tar: it links to "nothing", which is missing/,
    ],
    ['a symlink to itself', () => ({ ...good, '1.tar': '->1.tar' }), /: 1\.tar: it is a link to itself/],
    ['a layer that is a damaged gzip', () => ({ ...good, '0.tar': flipped(gzipSync(layers[0]), 40) }), /: 0\.tar: /],
    ['a layer that is a cut gzip', () => ({ ...good, '0.tar': gzipSync(layers[0]).subarray(0, -9) }), /: 0\.tar: /],
    [
      'a blob that is not its name',
      () => ({
        ...good,
        [`blobs/sha256/${'a'.repeat(64)}`]: configOf(),
        'manifest.json': documentOf([entryOf({ Config: `blobs/sha256/${'a'.repeat(64)}` })]),
      }),
      /blobs\/sha256\/a{64}: blob .* is corrupt/,
    ],
    [
      'a second image that is broken',
      () => withManifest(entryOf(), entryOf({ Layers: ['0.tar', 'nope'] })),
      /: nope: it is missing/,
    ],
    [
      'neither manifest.json nor index.json',
      () => ({ 'etc/passwd': 'x' }),
      /neither manifest\.json nor index\.json.*import/,
    ],
  ])('%s', async (_, files, message) => {
    expect(await refusal(loadArchive(await packed(scratch, files()), layout))).toEqual(refused(message));
  });
});

describe('loadArchive() refuses an OCI layout with', () => {
  const oci = (change: { layer?: object; index?: object; manifest?: object; files?: Files } = {}): Files => {
    const describeBlob = (mediaType: string, bytes: Uint8Array, more: object = {}) => ({
      mediaType,
      digest: sha256Digest(bytes),
      size: bytes.length,
      ...more,
    });
    const manifest = documentOf({
      schemaVersion: 2,
      config: describeBlob(MediaType.ociConfig, configOf()),
      layers: layers.map((layer) => describeBlob(MediaType.ociLayer, layer, change.layer)),
      ...change.manifest,
    });
    const blobs = [configOf(), manifest, ...layers].map((bytes) => [
      `blobs/sha256/${digestHex(sha256Digest(bytes))}`,
      bytes,
    ]);
    const index = { schemaVersion: 2, manifests: [describeBlob(MediaType.ociManifest, manifest)], ...change.index };
    return { ...Object.fromEntries(blobs), 'oci-layout': '{}', 'index.json': documentOf(index), ...change.files };
  };

  it('nothing wrong: it loads', async () => {
    expect(await loadArchive(await packed(scratch, oci()), layout)).toHaveLength(1);
  });

  it.each<[string, () => Files, RegExp]>([
    [
      'a digest that leads out',
      () => oci({ layer: { digest: 'sha256:../../x' } }),
      /manifest: layers\[0\]\.digest must be a digest/,
    ],
    ['a wrong layer size', () => oci({ layer: { size: 5 } }), /blobs\/sha256\/\w+: it has \d+ bytes instead of 5/],
    ['a manifest that is also an index', () => oci({ manifest: { manifests: [] } }), /manifests belongs to an index/],
    [
      'an index that is also a manifest',
      () => oci({ index: { layers: [] } }),
      /index\.json: image index: layers belongs to a manifest/,
    ],
    [
      'a missing manifest',
      () => oci({ index: { manifests: [{ mediaType: MediaType.ociManifest, digest: sha256Digest('x'), size: 1 }] } }),
      /it is missing from the archive/,
    ],
    [
      'a changed config',
      () => oci({ files: { [`blobs/sha256/${digestHex(sha256Digest(configOf()))}`]: flipped(configOf(), 20) } }),
      /is corrupt/,
    ],
    ['no images', () => oci({ index: { manifests: [] } }), /it contains no image/],
  ])('%s', async (_, files, message) => {
    expect(await refusal(loadArchive(await packed(scratch, files()), layout))).toEqual(refused(message));
  });
});

describe('loadArchive() refuses', () => {
  it('an archive that is cut anywhere', async () => {
    const path = await packed(scratch, good, ['--blocking-factor=1']);
    const bytes = await readFile(path);
    for (const keep of [100, 512, 3_000, Math.floor(bytes.length / 2), bytes.length - 2_000]) {
      expect(await refusal(loadArchive(stream(bytes.subarray(0, keep), 4_096), layout))).toEqual(
        refused(/cannot load the archive/),
      );
      await truncate(path, keep);
      expect(await refusal(loadArchive(path, layout))).toEqual(refused(/cannot load the archive/));
      await writeFile(path, bytes);
    }
    const zipped = gzipSync(bytes);
    expect(await refusal(loadArchive(stream(zipped.subarray(0, zipped.length >> 1), 999), layout))).toEqual(
      refused(/standard input: /),
    );
  });

  it('an empty archive, a folder, a missing file, something else', async () => {
    expect(await refusal(loadArchive(stream(new Uint8Array(), 1), layout))).toEqual(refused(/it is empty/));
    expect(await refusal(loadArchive(scratch, layout))).toEqual(refused(/it is a directory/));
    expect(await refusal(loadArchive(join(scratch, 'nothing.tar'), layout))).toEqual(
      refused(/nothing\.tar: no such file/),
    );
    expect(await refusal(loadArchive(stream(Buffer.from('hello '.repeat(500)), 700), layout))).toEqual(
      refused(/archive: /),
    );
  });

  it('members with a size beyond the archive, at once and without reading on', async () => {
    const bytes = makeTar([{ name: '0.tar', content: 'x', size: 8 * 1024 ** 4 }], { end: false });
    expect(await refusal(loadArchive(stream(bytes, 512), layout))).toEqual(
      refused(/archive: .*unexpected end of archive/),
    );
  });

  it.skipIf(!hasZstd())('damaged zstd archives and layers, naming the entry (needs zstd)', async () => {
    const zstd = (bytes: Uint8Array): Uint8Array =>
      execFileSync('zstd', ['-c'], { input: bytes, stdio: ['pipe', 'pipe', 'ignore'] });
    const path = await packed(scratch, { ...good, '0.tar': zstd(layers[0]).subarray(0, -6) });
    expect(await refusal(loadArchive(path, layout))).toEqual(refused(/: 0\.tar: damaged zstd data/));
    const whole = zstd(await readFile(await packed(scratch, good))).subarray(0, -6);
    expect(await refusal(loadArchive(stream(whole, 999), layout))).toEqual(refused(/damaged zstd data/));
  });

  it('what Docker wrote before 1.10, saying what to do', async () => {
    const path = await packed(scratch, { repositories: '{}', 'a/layer.tar': layers[0] });
    expect(await refusal(loadArchive(path, layout))).toEqual(
      refused(/save it again with a newer Docker/, 'UNSUPPORTED'),
    );
  });

  it('a source that fails, with its own error', async () => {
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(512);
      throw new Error('connection lost');
    };
    await expect(loadArchive(failing(), layout)).rejects.toThrow('connection lost');
    expect(await readdir(join(layout.root, 'tmp'))).toEqual([]);
  });
});

function hasZstd(): boolean {
  try {
    execFileSync('zstd', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
