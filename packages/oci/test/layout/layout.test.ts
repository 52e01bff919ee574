import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256Digest } from '../../src/spec/digest.ts';
import type { Digest } from '../../src/spec/digest.ts';
import { decodeImageConfig, encodeImageConfig } from '../../src/spec/image-config.ts';
import { Layout } from '../../src/layout/layout.ts';
import type { ImageContent } from '../../src/layout/stored-image.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import { familiarName, parseReference } from '../../src/spec/reference.ts';
import { freshLayout, imageOf, scratchFolder } from './images.ts';

const scratch = await scratchFolder();
afterAll(() => rm(scratch, { recursive: true, force: true }));

let layout: Layout;
beforeEach(async () => {
  layout = await freshLayout(scratch);
});

const refs = (...names: readonly string[]) => names.map(parseReference);

describe('Layout.open()', () => {
  it('makes what the image-spec asks for', async () => {
    expect(JSON.parse(await readFile(join(layout.root, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
    expect(JSON.parse(await readFile(join(layout.root, 'index.json'), 'utf8'))).toEqual({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [],
    });
    expect(await readdir(join(layout.root, 'tmp'))).toEqual([]);
  });

  it('keeps what is there', async () => {
    await layout.add(await imageOf(layout.blobs, 'a'), refs('a'));
    const again = await Layout.open(layout.root, { create: true });
    expect(await again.images()).toHaveLength(1);
  });

  it('does not make a layout unless asked', async () => {
    await expect(Layout.open(join(scratch, 'nothing'))).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });

  it('refuses a store of a newer format, and damaged marks', async () => {
    await writeFile(join(layout.root, 'store-version'), '2\n');
    await expect(Layout.open(layout.root)).rejects.toThrow(/it has format 2, and this version supports format 1$/);
    await writeFile(join(layout.root, 'store-version'), 'x');
    await expect(Layout.open(layout.root)).rejects.toThrow(/is damaged/);
    await rm(join(layout.root, 'store-version'));
    await writeFile(join(layout.root, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    await expect(Layout.open(layout.root)).rejects.toThrow(/imageLayoutVersion is 2\.0\.0/);
  });

  it('reads a layout that another tool made', async () => {
    await rm(join(layout.root, 'store-version'));
    await rm(join(layout.root, 'tmp'), { recursive: true });
    await rm(join(layout.root, 'leases'), { recursive: true });
    const foreign = await Layout.open(layout.root);
    expect(await foreign.images()).toEqual([]);
  });

  it('does not read index.json through a symlink', async () => {
    await rm(join(layout.root, 'index.json'));
    await symlink('/etc/passwd', join(layout.root, 'index.json'));
    await expect(layout.images()).rejects.toThrow(/symbolic link/);
  });

  it('says so when it cannot be made', async () => {
    await writeFile(join(scratch, 'in-the-way'), '');
    const opened = Layout.open(join(scratch, 'in-the-way', 'store'), { create: true });
    await expect(opened).rejects.toMatchObject({
      code: 'STORE_UNWRITABLE',
      message: expect.stringContaining('in-the-way'),
    });
  });

  it('many openers make one layout together', async () => {
    const root = join(scratch, 'together');
    await Promise.all(Array.from({ length: 8 }, () => Layout.open(root, { create: true })));
    expect((await readdir(root)).toSorted()).toEqual([
      'blobs',
      'index.json',
      'leases',
      'oci-layout',
      'store-version',
      'tmp',
    ]);
  });
});

describe('Layout.add()', () => {
  it('gives an image its names, in index.json too', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), refs('my-app', 'ghcr.io/me/a:1'));
    expect(image.names.map(familiarName)).toEqual(['my-app:latest', 'ghcr.io/me/a:1'].toSorted().toReversed());
    const { manifests } = JSON.parse(await readFile(join(layout.root, 'index.json'), 'utf8'));
    expect(manifests).toHaveLength(2);
    expect(manifests[0]).toEqual({
      mediaType: MediaType.ociManifest,
      digest: image.manifest.digest,
      size: image.manifest.size,
      annotations: {
        'io.containerd.image.name': 'docker.io/library/my-app:latest',
        'org.opencontainers.image.ref.name': 'latest',
      },
      platform: { os: 'linux', architecture: 'amd64' },
    });
    expect(image.id).toBe(sha256Digest(image.rawConfig));
    expect(image.size).toBe(image.layers[0]?.size);
  });

  it('leaves the old image dangling when its name moves', async () => {
    const old = await layout.add(await imageOf(layout.blobs, 'old'), refs('app'));
    const fresh = await layout.add(await imageOf(layout.blobs, 'fresh'), refs('app'));
    expect((await layout.resolve('app')).id).toBe(fresh.id);
    expect((await layout.resolve(old.id)).names).toEqual([]);
    expect(await layout.images()).toHaveLength(2);
  });

  it('leaves an image with its other names when one moves', async () => {
    const old = await layout.add(await imageOf(layout.blobs, 'old'), refs('app', 'keep'));
    await layout.add(await imageOf(layout.blobs, 'fresh'), refs('app'));
    expect((await layout.resolve(old.id)).names.map(familiarName)).toEqual(['keep:latest']);
    expect(await entryCount()).toBe(2);
  });

  it('never lists the same image twice', async () => {
    const content = await imageOf(layout.blobs, 'a');
    for (const names of [[], [], refs('a'), refs('a'), [], refs('b')]) await layout.add(content, names);
    expect(await entryCount()).toBe(2);
    const [only, ...others] = await layout.images();
    expect(others).toEqual([]);
    expect(only?.names.map(familiarName).toSorted()).toEqual(['a:latest', 'b:latest']);
  });

  it('lists the newest image first', async () => {
    for (const [tag, created] of [
      ['b', '2024-01-01T00:00:00Z'],
      ['c', '2025-01-01T00:00:00.5Z'],
      ['a', '2024-01-02T00:00:00Z'],
    ] as const) {
      await layout.add(await imageOf(layout.blobs, tag, undefined, { created }), refs(tag));
    }
    await layout.add(await imageOf(layout.blobs, 'd', undefined, { created: '2025-01-01T01:00:00+01:00' }), refs('d'));
    const order = (await layout.images()).map((image) => image.names[0]?.repository.slice('library/'.length));
    expect(order).toEqual(['c', 'd', 'a', 'b']);
  });

  it('refuses a config that disagrees with the layers, and layers that are not stored', async () => {
    const content = await imageOf(layout.blobs, 'a');
    await expect(layout.add({ ...content, layers: [] }, [])).rejects.toThrow(/lists 1 layers, but there are 0/);
    const other = await imageOf(layout.blobs, 'b');
    await expect(layout.add({ ...content, layers: other.layers }, [])).rejects.toThrow(/is not the digest of layer 0/);
    await layout.blobs.delete(content.layers[0]?.digest as Digest);
    await expect(layout.add(content, refs('a'))).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    expect(await layout.images()).toEqual([]);
  });

  it('keeps every name when many add at once', async () => {
    const contents = await Promise.all(Array.from({ length: 12 }, (_, i) => imageOf(layout.blobs, `image-${i}`)));
    const others = await Promise.all(contents.map(() => Layout.open(layout.root)));
    await Promise.all(contents.map((content, i) => others[i]?.add(content, refs(`image-${i}`, 'latest-one'))));
    const images = await layout.images();
    expect(images).toHaveLength(12);
    const names = images.flatMap((image) => image.names.map(familiarName));
    expect(names.filter((name) => name === 'latest-one:latest')).toHaveLength(1);
    expect(new Set(names).size).toBe(13);
    expect((await readdir(layout.root)).filter((name) => name.includes('lock'))).toEqual([]);
  });
});

describe('Layout.resolve()', () => {
  it('finds by name, ID and prefix', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), refs('my-app:1'));
    const hex = image.id.slice(7);
    for (const name of [
      'my-app:1',
      'docker.io/library/my-app:1',
      image.id,
      hex,
      hex.slice(0, 12),
      `sha256:${hex.slice(0, 4)}`,
    ]) {
      expect((await layout.resolve(name)).id).toBe(image.id);
    }
    expect((await layout.resolve(`my-app@${image.manifest.digest}`)).id).toBe(image.id);
    expect(await layout.find('my-app')).toBeUndefined();
    expect(await layout.find(hex.slice(0, 3))).toBeUndefined();
  });

  it('says what is missing, wrong or ambiguous', async () => {
    await expect(layout.resolve('nope')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('nope'),
    });
    await expect(layout.resolve('Nope')).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
    await expect(layout.resolve(`sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    const twins = await samePrefix();
    for (const image of twins.images) await layout.add(image, []);
    await expect(layout.resolve(twins.prefix)).rejects.toMatchObject({ code: 'IMAGE_AMBIGUOUS' });
  });

  it('prefers a name to a prefix of an ID', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), []);
    const named = await layout.add(await imageOf(layout.blobs, 'b'), refs(image.id.slice(7, 12)));
    expect((await layout.resolve(image.id.slice(7, 12))).id).toBe(named.id);
    expect((await layout.resolve(image.id.slice(7, 13))).id).toBe(image.id);
  });
});

/** Two images whose IDs begin alike, found by trying authors. */
async function samePrefix(): Promise<{ images: readonly ImageContent[]; prefix: string }> {
  const { layers, config } = await imageOf(layout.blobs, 'a');
  const seen = new Map<string, Uint8Array>();
  for (let i = 0; ; i++) {
    const tried = encodeImageConfig({ ...decodeImageConfig(config), author: String(i) });
    const prefix = sha256Digest(tried).slice(7, 11);
    const twin = seen.get(prefix);
    if (twin !== undefined)
      return {
        images: [
          { layers, config: twin },
          { layers, config: tried },
        ],
        prefix,
      };
    seen.set(prefix, tried);
  }
}

describe('Layout.tag() and remove()', () => {
  it('tags by name and by ID', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), refs('a'));
    await layout.tag('a', 'b:2');
    await layout.tag(image.id.slice(7, 19), 'localhost:5000/c');
    expect((await layout.resolve('localhost:5000/c')).names.map(familiarName)).toHaveLength(3);
    await expect(layout.tag('nope', 'x')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(layout.tag('a', `x@${image.manifest.digest}`)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
    await expect(layout.tag('a', `sha256:${'a'.repeat(64)}`)).rejects.toThrow('ambiguous tag');
  });

  it('takes a name away, and the image with its last name', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), refs('a', 'b'));
    expect(await layout.remove('a')).toEqual([{ untagged: 'a:latest' }]);
    expect(await layout.find('a')).toBeUndefined();
    expect(await layout.remove('b')).toEqual([{ untagged: 'b:latest' }, { deleted: image.id }]);
    expect(await layout.images()).toEqual([]);
    await expect(layout.remove('b')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it('removes by ID, with several names only by force', async () => {
    const image = await layout.add(await imageOf(layout.blobs, 'a'), refs('a', 'b'));
    await expect(layout.remove(image.id)).rejects.toMatchObject({
      code: 'IMAGE_IN_USE',
      message: expect.stringContaining('or all by force'),
    });
    expect(await layout.remove(image.id.slice(7, 19), { force: true })).toEqual([
      { untagged: 'a:latest' },
      { untagged: 'b:latest' },
      { deleted: image.id },
    ]);
    const dangling = await layout.add(await imageOf(layout.blobs, 'c'), []);
    expect(await layout.remove(dangling.id)).toEqual([{ deleted: dangling.id }]);
    expect(await layout.images()).toEqual([]);
  });
});

async function entryCount(): Promise<number> {
  return JSON.parse(await readFile(join(layout.root, 'index.json'), 'utf8')).manifests.length;
}
