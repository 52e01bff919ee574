import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fromArchive } from '../src/archive/archive-image.ts';
import { DirectoryBlobStore } from '../src/blob/directory.ts';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import { contentOf } from '../src/image/content-source.ts';
import { copyContent } from '../src/image/copy-content.ts';
import { sha256Digest } from '../src/spec/digest.ts';
import { exportTree } from '../src/image/export-tree.ts';
import { toArchive } from '../src/archive/image-archive.ts';
import { emptyImage, imageOf } from '../src/image/image-value.ts';
import type { Image } from '../src/image/image-value.ts';
import { indexOfImages, selectImage } from '../src/image/index-building.ts';
import {
  blobSink,
  fromLayout,
  fromStoredImage,
  indexFromLayout,
  toLayout,
  toStore,
} from '../src/layout/layout-image.ts';
import { Layout } from '../src/layout/layout.ts';
import { withMediaTypes } from '../src/image/media-type-family.ts';
import { withLabels } from '../src/image/mutate.ts';
import { parsePlatform } from '../src/spec/platform.ts';
import { parseReference } from '../src/spec/reference.ts';
import { validateImage } from '../src/validation/validate.ts';
import { makeTar } from '../testing/make-tar.ts';
import { sampleImage } from '../testing/sample-image.ts';
import { scratchFolders } from '../testing/scratch.ts';
import { packed } from './layout/pack.ts';

const folder = scratchFolders();
const name = parseReference('example.com/team/app:1');
const amd64 = parsePlatform('linux/amd64');
const members = (text: string) => [{ name: text, content: text.repeat(1000) }];
const sample = (): Promise<Image> => sampleImage([members('a'), members('b')], { platform: amd64 });

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return sha256Digest(Buffer.concat(chunks));
}

/** The digests of all that an image consists of, as it is read. */
async function everything(image: Image): Promise<readonly string[]> {
  const layers: string[] = [];
  for (const layer of image.layers) layers.push(await bytesOf(layer.open()));
  return [image.descriptor.digest, sha256Digest(image.rawManifest), sha256Digest(image.rawConfig), ...layers];
}

describe('imageOf', () => {
  it('refuses documents that do not belong together', async () => {
    const [one, two] = [await sample(), await sampleImage([members('c')])];
    const parts = { openLayer: () => two.layers[0]?.open() ?? never() };
    expect(() => imageOf({ ...parts, rawManifest: one.rawManifest, rawConfig: two.rawConfig })).toThrow(/is corrupt/);
    expect(() =>
      imageOf({ ...parts, rawManifest: one.rawManifest, rawConfig: one.rawConfig, descriptor: two.descriptor }),
    ).toThrow(/is corrupt/);
    const manifest = JSON.stringify({ ...one.manifest, layers: one.manifest.layers.slice(1) });
    expect(() =>
      imageOf({ ...parts, rawManifest: new TextEncoder().encode(manifest), rawConfig: one.rawConfig }),
    ).toThrow(/diff_ids lists 2 layers, the manifest 1/);
  });

  it('reads no layer before it is opened, and checks what it reads', async () => {
    const image = await sample();
    let opened = 0;
    const lazy = imageOf({
      rawManifest: image.rawManifest,
      rawConfig: image.rawConfig,
      openLayer: async function* () {
        opened++;
        yield new Uint8Array(10);
      },
    });
    expect(opened).toBe(0);
    const [layer] = lazy.layers;
    await expect(bytesOf(layer?.open() ?? never())).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(opened).toBe(1);
    await expect(bytesOf(layer?.open(AbortSignal.abort()) ?? never())).rejects.toThrow(/abort/);
    expect(opened).toBe(1);
  });

  it('knows the image without layers', () => {
    const image = emptyImage({ os: 'linux', architecture: 'arm64' });
    expect([image.layers, image.config.architecture]).toEqual([[], 'arm64']);
  });
});

describe('a layout', () => {
  it('takes an image and gives the very same back', async () => {
    const root = folder();
    const image = withMediaTypes(withLabels(await sample(), { a: '1' }), 'docker');
    await toLayout(image, root, { names: [name] });
    for (const text of ['example.com/team/app:1', '1', image.descriptor.digest, image.manifest.config.digest]) {
      expect(await everything(await fromLayout(root, { name: text, platform: amd64 }))).toEqual(
        await everything(image),
      );
    }
    expect(await everything(await fromLayout(root))).toEqual(await everything(image));
    expect(await validateImage(new DirectoryBlobStore(root), image.descriptor)).toEqual([]);
    const layout = await Layout.open(root);
    expect((await layout.images()).map(({ names }) => names)).toEqual([[name]]);
  });

  it('says what it has when the name does not tell', async () => {
    const root = folder();
    await toLayout(await sample(), root, { names: [name] });
    await toLayout(withLabels(await sample(), { b: '2' }), root, { names: [parseReference('other:2')] });
    await expect(fromLayout(root)).rejects.toMatchObject({
      code: 'IMAGE_AMBIGUOUS',
      message: /2 images; choose one: .*team\/app:1, docker.io\/library\/other:2/,
    });
    await expect(fromLayout(root, 'third')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(fromLayout(folder())).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    await expect(indexFromLayout(root, '2')).rejects.toMatchObject({ code: 'INDEX_INVALID' });
  });

  it('of a build store gets the layers unpacked, each once, with the same image ID', async () => {
    const layout = await Layout.open(folder(), { create: true });
    const image = await sampleImage([members('a'), members('b'), members('a')]);
    const stored = await toStore(image, layout, { names: [name] });
    expect(stored.id).toBe(image.manifest.config.digest);
    expect(stored.layers.map(({ digest }) => digest)).toEqual(image.config.rootfs.diff_ids);
    expect(await validateImage(layout.blobs, stored.manifest)).toEqual([]);
    const again = await fromStoredImage(layout.blobs, stored);
    expect(await bytesOf(exportTree(again))).toBe(await bytesOf(exportTree(image)));
    const unreadable = { ...image, layers: image.layers.map((layer) => ({ ...layer, open: never })) };
    expect((await toStore(unreadable, layout)).id).toBe(stored.id);
  });

  it('of a build store refuses layers that are not what the config says', async () => {
    const layout = await Layout.open(folder(), { create: true });
    const [image, other] = [await sampleImage([members('a')]), await sampleImage([members('b')])];
    const wrong = {
      ...image,
      layers: image.layers.map((layer) => ({ ...layer, open: () => other.layers[0]?.open() ?? never() })),
    };
    await expect(toStore(wrong, layout)).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    expect(await layout.images()).toEqual([]);
    await expect(toStore(image, layout, { maxBytes: 100 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('keeps an index with all its images', async () => {
    const root = folder();
    const images = ['linux/amd64', 'linux/arm64'].map(parsePlatform);
    const [one, two] = await Promise.all(
      images.map((platform) => sampleImage([members(platform.architecture)], { platform })),
    );
    const index = indexOfImages([one, two].filter((image) => image !== undefined));
    await toLayout(index, root, { names: [name] });
    const back = await indexFromLayout(root, '1');
    expect(Buffer.compare(back.rawIndex, index.rawIndex)).toBe(0);
    expect(await everything(await fromLayout(root, { name: '1', platform: parsePlatform('linux/arm64') }))).toEqual(
      await everything(two ?? never()),
    );
    expect(await everything(await selectImage(back, amd64))).toEqual(await everything(one ?? never()));
    await expect(fromLayout(root, { name: '1', platform: parsePlatform('linux/s390x') })).rejects.toThrow(
      /no image for linux\/s390x; available: linux\/amd64, linux\/arm64/,
    );
  });

  it.skipIf(!has('skopeo'))('is read and written by skopeo (needs skopeo)', async () => {
    const [ours, theirs] = [folder(), folder()];
    const image = await sample();
    await toLayout(image, ours, { names: [name] });
    const inspected = JSON.parse(execFileSync('skopeo', ['inspect', `oci:${ours}`], { encoding: 'utf8' })) as {
      Digest: string;
    };
    expect(inspected.Digest).toBe(image.descriptor.digest);
    execFileSync('skopeo', ['copy', '--preserve-digests', `oci:${ours}:1`, `oci:${theirs}:tag`], { stdio: 'ignore' });
    expect(await everything(await fromLayout(theirs, 'tag'))).toEqual(await everything(image));
  });

  it.skipIf(!has('umoci') || process.geteuid?.() !== 0)(
    'is unpacked by umoci as by us (needs umoci and root)',
    async () => {
      const root = folder();
      const tar = makeTar([
        { name: 'd', type: '5', mode: 0o750 },
        { name: 'd/f', content: 'x', uid: 7 },
        { name: 'l', type: '2', linkName: 'd' },
      ]);
      const image = await sampleImage([
        tar,
        [{ name: 'd/.wh.f' }, { name: 'd', type: '5', mode: 0o700 }, { name: 'g', content: 'y' }],
      ]);
      await toLayout(image, root, { names: [name] });
      const bundle = join(folder(), 'bundle');
      execFileSync('umoci', ['unpack', '--image', `${root}:1`, bundle], { stdio: 'ignore' });
      const { unpackImage } = await import('../src/image/unpack-image.ts');
      const { describeTree } = await import('../testing/disk-state.ts');
      const ours = folder();
      await unpackImage(image, ours);
      expect(describeTree(ours)).toEqual(describeTree(join(bundle, 'rootfs')));
    },
  );
});

describe('an archive', () => {
  it('takes images and gives the very same back', async () => {
    const path = join(folder(), 'image.tar');
    const [one, two] = [await sample(), await sampleImage([members('c')], { compression: 'none' })];
    const other = parseReference('other:2');
    await toArchive(
      [
        { image: one, names: [name] },
        { image: two, names: [other] },
      ],
      path,
    );
    expect(await everything(await fromArchive(path, { name: 'example.com/team/app:1' }))).toEqual(
      await everything(one),
    );
    expect(await everything(await fromArchive(path, { name: 'other:2' }))).toEqual(await everything(two));
    await expect(fromArchive(path)).rejects.toMatchObject({ code: 'IMAGE_AMBIGUOUS', message: /2 images; choose one/ });
    await expect(fromArchive(path, { name: 'third' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('may be compressed whole', async () => {
    const path = join(folder(), 'image.tar');
    const image = await sample();
    await toArchive([{ image }], path);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    expect(await everything(await fromArchive(`${path}.gz`, { temporaryDirectory: folder() }))).toEqual(
      await everything(image),
    );
  });

  it('of Docker before 25 gives the image with its ID, plain or compressed layers', async () => {
    const image = await sampleImage([members('a'), members('b')], { compression: 'none' });
    const blobs = new MemoryBlobStore();
    await copyContent(contentOf(image), image.descriptor, blobSink(blobs));
    const [one, two] = await Promise.all(image.layers.map(async (layer) => readAll(layer.open())));
    const config = `${image.manifest.config.digest.slice(7)}.json`;
    const path = await packed(folder(), {
      'one/layer.tar': one ?? never(),
      'two/layer.tar': gzipSync(two ?? never()),
      [config]: image.rawConfig,
      'manifest.json': JSON.stringify([
        { Config: config, RepoTags: ['app:1'], Layers: ['one/layer.tar', 'two/layer.tar'] },
      ]),
    });
    const read = await fromArchive(path, { name: 'app:1' });
    expect(read.manifest.config.digest).toBe(image.manifest.config.digest);
    expect(read.layers.map(({ diffID }) => diffID)).toEqual(image.layers.map(({ diffID }) => diffID));
    expect(read.layers.map(({ descriptor }) => descriptor.mediaType.split('.').at(-1))).toEqual(['tar', 'tar+gzip']);
    for (const layer of read.layers) expect(await bytesOf(layer.open())).toBe(layer.descriptor.digest);
    expect(await bytesOf(exportTree(read))).toBe(await bytesOf(exportTree(image)));
  });

  it('is checked: damaged layers fail when they are read, missing ones at once', async () => {
    const path = join(folder(), 'image.tar');
    const image = await sampleImage([members('a')], { compression: 'none' });
    await toArchive([{ image, names: [name] }], path);
    const bytes = readFileSync(path);
    const at = bytes.indexOf('aaaaaaaa');
    bytes[at] = 0x62;
    writeFileSync(path, bytes);
    const damaged = await fromArchive(path);
    await expect(bytesOf(damaged.layers[0]?.open() ?? never())).rejects.toMatchObject({ code: 'BLOB_CORRUPT' });
    const copy = `${path}.copy`;
    await copyFile(path, copy);
    const gone = await fromArchive(copy);
    await rm(copy);
    await expect(bytesOf(gone.layers[0]?.open() ?? never())).rejects.toThrow(/ENOENT/);
  });

  it.skipIf(!has('skopeo'))('is read by skopeo as archive of Docker and of OCI (needs skopeo)', async () => {
    const path = join(folder(), 'image.tar');
    const image = await sample();
    await toArchive([{ image, names: [name] }], path);
    for (const kind of ['docker-archive', 'oci-archive']) {
      const config = JSON.parse(
        execFileSync('skopeo', ['inspect', '--config', `${kind}:${path}`], { encoding: 'utf8' }),
      ) as object;
      expect(config).toMatchObject({ architecture: 'amd64', config: { Cmd: ['/bin/app'] } });
    }
  });
});

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function never(): never {
  throw new Error('this is not to be read');
}
