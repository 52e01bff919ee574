import { rm } from 'node:fs/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Layout } from '../../src/layout/layout.ts';
import { imageIdOf } from '../../src/layout/stored-image.ts';
import type { ImageContent } from '../../src/layout/stored-image.ts';
import { verifyLayoutAt } from '../../src/layout/fsck/verify-layout.ts';
import { sha256Digest } from '../../src/spec/digest.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { formatPlatform, parsePlatform } from '../../src/spec/platform.ts';
import { familiarName, parseReference } from '../../src/spec/reference.ts';
import { hostPlatform } from '../../src/processes/host-platform.ts';
import { freshLayout, imageOf, layerTar, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
});

const refs = (...names: readonly string[]) => names.map(parseReference);
const host = hostPlatform();
const [foreign, other] = ['linux/s390x', 'linux/riscv64'].map((text) => parsePlatform(text));
if (foreign === undefined || other === undefined) throw new Error('two platforms');

/** An image whose config says what it is for. */
const imageFor = (platform: typeof host, tag = formatPlatform(platform)): Promise<ImageContent> =>
  imageOf(layout.blobs, tag, [layerTar({ shared: 'x' }), layerTar({ tag })], { ...platform });

const codeOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('Layout.addIndex()', () => {
  it('stores images and their index under names, and finds the image of this machine', async () => {
    const [mine, theirs] = [await imageFor(host), await imageFor(foreign)];
    const stored = await layout.addIndex(
      {
        members: [{ manifest: theirs, annotations: { a: 'entry' } }, { manifest: mine }],
        annotations: { a: 'index' },
        descriptorAnnotations: { a: 'descriptor' },
      },
      refs('app:1', 'app:2'),
    );
    expect(stored.images.map(({ platform }) => formatPlatform(platform))).toEqual(
      [foreign, host].map((platform) => formatPlatform(platform)),
    );
    expect(stored.names.map(familiarName)).toEqual(['app:1', 'app:2']);
    expect(stored.index.annotations).toEqual({ a: 'index' });
    expect(stored.index.manifests.map(({ annotations }) => annotations)).toEqual([{ a: 'entry' }, undefined]);
    const found = await layout.resolve('app:2');
    expect(found.rawConfig).toEqual(mine.config);
    expect(found.index).toEqual({ descriptor: stored.descriptor });
    expect(imageIdOf(found)).toBe(stored.descriptor.digest);
    expect(await layout.index(found)).toEqual(stored);
    expect(await layout.images()).toEqual([found]);
  });

  it('is the same when it is stored again, and takes names from others', async () => {
    const content = { members: [{ manifest: await imageFor(host) }, { manifest: await imageFor(foreign) }] };
    const first = await layout.addIndex(content, refs('app'));
    expect(await layout.addIndex(content, refs('app'))).toEqual(first);
    const single = await layout.add(await imageFor(host, 'new'), refs('app'));
    expect((await layout.resolve('app')).id).toBe(single.id);
    const dangling = (await layout.images()).find(({ index }) => index !== undefined);
    expect(dangling?.names).toEqual([]);
    await layout.addIndex(content, refs('app'));
    expect((await layout.resolve('app')).index?.descriptor).toEqual(first.descriptor);
  });

  it('takes manifests that are there, an artifact among them', async () => {
    const mine = await layout.add(await imageFor(host), []);
    const config = await layout.blobs.put(Buffer.from('{}'));
    const statement = await layout.blobs.put(Buffer.from('{"_type":"https://in-toto.io/Statement/v0.1"}'));
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MediaType.ociManifest,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', ...config },
        layers: [{ mediaType: 'application/vnd.in-toto+json', ...statement }],
      }),
    );
    const artifact = { mediaType: MediaType.ociManifest, ...(await layout.blobs.put(manifest)) };
    const attests = {
      'vnd.docker.reference.type': 'attestation-manifest',
      'vnd.docker.reference.digest': mine.manifest.digest,
    };
    const nowhere = { os: 'unknown', architecture: 'unknown' };
    const { descriptor, images, index } = await layout.addIndex(
      {
        members: [{ manifest: mine.manifest }, { manifest: artifact, annotations: attests, platform: nowhere }],
      },
      refs('app'),
    );
    expect(images.map(({ id }) => id)).toEqual([mine.id]);
    expect(index.manifests[1]).toEqual({ ...artifact, annotations: attests, platform: nowhere });
    await layout.remove(mine.id);
    expect((await layout.collect([])).deleted).toEqual([]);
    expect((await layout.resolve('app')).id).toBe(mine.id);
    await layout.remove('app');
    expect((await layout.collect([])).deleted).toContain(descriptor.digest);
    expect((await layout.collect([])).deleted).toEqual([]);
  });

  it('refuses two images for one platform, and layers that are not there', async () => {
    const twice = { members: [{ manifest: await imageFor(host, 'a') }, { manifest: await imageFor(host, 'b') }] };
    expect(await codeOf(layout.addIndex(twice, refs('app')))).toMatchObject({ code: 'INDEX_INVALID' });
    const image = await imageFor(host);
    const [layer] = image.layers;
    if (layer !== undefined) await layout.blobs.delete(layer.digest);
    const content = { members: [{ manifest: image }] };
    expect(await codeOf(layout.addIndex(content, refs('app')))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
    const absent = { mediaType: MediaType.ociManifest, digest: sha256Digest('absent'), size: 6 };
    const members = [{ manifest: absent, platform: host }];
    expect(await codeOf(layout.addIndex({ members }, refs('app')))).toMatchObject({ code: 'BLOB_NOT_FOUND' });
    expect(await layout.images()).toEqual([]);
    const elsewhere = new Set(image.layers.map(({ digest }) => digest));
    expect((await layout.addIndex(content, refs('app'), { elsewhere })).images).toHaveLength(1);
  });
});

describe('an index in the layout', () => {
  const stored = async (platforms: readonly (typeof host)[], name = 'app') => {
    const members = [];
    for (const platform of platforms) members.push({ manifest: await imageFor(platform) });
    return layout.addIndex({ members }, refs(name));
  };

  it('gives the first image where none is for this machine, and the one that is asked for', async () => {
    await stored([foreign, other]);
    const found = await layout.resolve('app');
    expect(found.config.architecture).toBe('s390x');
    expect(found.index?.isFirst).toBe(true);
    const asked = await layout.resolve('app', { platform: other });
    expect(asked.config.architecture).toBe('riscv64');
    expect(asked.index?.isFirst).toBe(undefined);
    expect(await codeOf(layout.resolve('app', { platform: parsePlatform('linux/386') }))).toMatchObject({
      code: 'PLATFORM_INVALID',
      message: expect.stringMatching(/no image for linux\/386; available: linux\/s390x, linux\/riscv64/),
    });
  });

  it('checks the platform of what is no index, too', async () => {
    await layout.add(await imageFor(foreign), refs('one'));
    expect((await layout.resolve('one', { platform: foreign })).config.architecture).toBe('s390x');
    expect(await codeOf(layout.resolve('one', { platform: other }))).toMatchObject({
      code: 'PLATFORM_INVALID',
      message: expect.stringMatching(/is for linux\/s390x, not for linux\/riscv64$/),
    });
  });

  it('is found by its digest; its images by their IDs and digests, which remove nothing', async () => {
    const { descriptor, images } = await stored([host, foreign]);
    expect((await layout.resolve(descriptor.digest.slice(7, 19))).index?.descriptor).toEqual(descriptor);
    const [, second] = images;
    if (second === undefined) throw new Error('two images');
    for (const id of [second.id, second.manifest.digest, second.id.slice(7, 19)]) {
      const found = await layout.resolve(id);
      expect([found.id, found.index, found.names]).toEqual([second.id, undefined, []]);
    }
    expect(await codeOf(layout.remove(second.id))).toMatchObject({
      code: 'IMAGE_IN_USE',
      message: expect.stringMatching(/it is part of app:latest; remove that$/),
    });
    expect(await layout.remove(descriptor.digest)).toEqual([
      { untagged: 'app:latest' },
      { deleted: descriptor.digest },
    ]);
  });

  it('is another image than one of its images alone', async () => {
    const { descriptor, images } = await stored([host, foreign]);
    const alone = await layout.add(await imageFor(host), refs('alone'));
    expect(alone.id).toBe(images[0]?.id);
    expect((await layout.images()).map((image) => [imageIdOf(image), image.names.map(familiarName)])).toEqual(
      expect.arrayContaining([
        [descriptor.digest, ['app:latest']],
        [alone.id, ['alone:latest']],
      ]),
    );
    expect(await layout.remove(alone.id)).toEqual([{ untagged: 'alone:latest' }, { deleted: alone.id }]);
    expect((await layout.resolve('app')).id).toBe(alone.id);
  });

  it('is tagged and untagged as a whole', async () => {
    const { descriptor } = await stored([host, foreign]);
    await layout.tag('app', 'other');
    expect((await layout.resolve('other')).index?.descriptor).toEqual(descriptor);
    expect(await layout.remove('app')).toEqual([{ untagged: 'app:latest' }]);
    expect(await layout.remove('other', { keepImage: true })).toEqual([{ untagged: 'other:latest' }]);
    expect((await layout.images()).map(({ index, names }) => [index?.descriptor, names])).toEqual([[descriptor, []]]);
    expect((await layout.collect([])).deleted).toEqual([]);
  });

  it('is verified, and found again when index.json is lost', async () => {
    const { descriptor, images } = await stored([host, foreign]);
    const found: string[] = [];
    const repairs: (() => Promise<void>)[] = [];
    const options = {
      quick: false,
      removeImages: true,
      signal: AbortSignal.timeout(60_000),
      report: ({ message, repair }: { message: string; repair?: { run: () => Promise<void> } }) => {
        found.push(message);
        if (repair !== undefined) repairs.push(repair.run);
      },
    };
    await verifyLayoutAt(layout.root, options);
    expect(found).toEqual([]);
    await rm(`${layout.root}/index.json`);
    await verifyLayoutAt(layout.root, options);
    for (const run of repairs) await run();
    expect((await layout.images()).map(imageIdOf)).toEqual([descriptor.digest]);
    const [, second] = images;
    const [layer] = second?.layers.slice(1) ?? [];
    if (layer === undefined) throw new Error('two layers');
    await layout.blobs.delete(layer.digest);
    await verifyLayoutAt(layout.root, options);
    expect(found.at(-1)).toMatch(/its layer sha256:[0-9a-f]+ is missing/);
  });
});
