import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBlobStore } from '../src/blob/memory.ts';
import { fromBlobs } from '../src/image/content-source.ts';
import { copyContent } from '../src/image/copy-content.ts';
import { contentOf } from '../src/image/content-source.ts';
import { extractFile } from '../src/image/export-tree.ts';
import type { Image } from '../src/image/image-value.ts';
import { applyLayer } from '../src/disk/apply-layer.ts';
import { blobSink } from '../src/layout/layout-image.ts';
import { flatten, squash } from '../src/image/squash.ts';
import { unpackImage } from '../src/image/unpack-image.ts';
import { validateImage } from '../src/validation/validate.ts';
import { describeTree, type DiskState, diskState, makeState } from '../testing/disk-state.ts';
import { collect, exported, layersBetween } from '../testing/image-trees.ts';
import { sampleImage } from '../testing/sample-image.ts';
import { scratchFolders } from '../testing/scratch.ts';
import { layerTar } from './layer/layer-dsl.ts';
import { layerStack, wordsOf } from './layer/layer-stacks.ts';

const folder = scratchFolders();

/** What extracting the layers one after the other leaves. */
async function extracted(image: Image): Promise<string> {
  const root = folder();
  for (const layer of image.layers) await applyLayer(layer.open(), root);
  return root;
}

async function problems(image: Image): Promise<readonly unknown[]> {
  const blobs = new MemoryBlobStore();
  await copyContent(contentOf(image), image.descriptor, blobSink(blobs));
  return validateImage(blobs, image.descriptor);
}

describe('flatten, squash, export and unpack', () => {
  it('keep the mode of the root directory', async () => {
    const image = await sampleImage([
      layerTar('dir ./ 711\nfile a x'),
      layerTar('dir / 555\nfile b y'),
      layerTar('file c z'),
    ]);
    for (const merged of [
      image,
      await flatten(image, new MemoryBlobStore()),
      await squash(image, new MemoryBlobStore(), { from: 1 }),
    ]) {
      const root = folder();
      await unpackImage(merged, root);
      expect(statSync(root).mode & 0o7777).toBe(0o555);
    }
  });

  it('give what extracting the layers in order gives, for layers as builders write them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(diskState, { minLength: 1, maxLength: 4 }), fc.nat(3), async (states, from) => {
        const layers = await layersBetween(states, folder);
        const wrong = await wrongTrees(
          await sampleImage(layers),
          Math.min(from, layers.length),
          describeTree(stateOf(states.at(-1))),
        );
        expect(wrong).toEqual([]);
      }),
      { numRuns: 6 },
    );
  });

  it('give what extracting the layers in order gives, for marks and opaque directories of others', async () => {
    await fc.assert(
      fc.asyncProperty(layerStack, fc.nat(5), async (stack, from) => {
        const image = await sampleImage(stack.map((layer) => layerTar(wordsOf(layer))));
        const truth = describeTree(await extracted(image));
        expect(await wrongTrees(image, Math.min(from, stack.length), truth)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

function stateOf(state: DiskState | undefined): string {
  const root = folder();
  makeState(root, state ?? []);
  return root;
}

/** Which ways to the files of an image lead to other files, and which images are not sound. */
async function wrongTrees(image: Image, from: number, truth: readonly string[]): Promise<readonly unknown[]> {
  const blobs = new MemoryBlobStore();
  const flat = await flatten(image, blobs);
  const squashed = await squash(image, blobs, { from });
  const unpacked = folder();
  await unpackImage(squashed, unpacked);
  const trees = {
    extracted: await extracted(image),
    flattened: await extracted(flat),
    squashed: await extracted(squashed),
    exported: await exported(image, folder()),
    unpacked,
  };
  const wrong: unknown[] = [];
  for (const [way, root] of Object.entries(trees)) {
    const found = describeTree(root);
    if (JSON.stringify(found) !== JSON.stringify(truth)) wrong.push({ way, found, truth });
  }
  for (const each of [image, flat, squashed]) wrong.push(...(await problems(each)));
  if (flat.layers.length !== 1) wrong.push('flat is not flat');
  if (squashed.layers.length !== Math.min(image.layers.length, from + 1)) wrong.push('squashed too much');
  return wrong;
}

const layers = (...texts: readonly string[]): Promise<Image> => sampleImage(texts.map(layerTar));
const filesOf = async (image: Image): Promise<Record<string, string>> => {
  const root = await exported(image, folder());
  const list = execFileSync('find', ['.', '!', '-type', 'd', '-printf', '%P\\n'], { cwd: root, encoding: 'utf8' });
  const names = list.split('\n').filter(Boolean).toSorted();
  return Object.fromEntries(names.map((name) => [name, execFileSync('cat', [name], { cwd: root, encoding: 'utf8' })]));
};

describe('flatten knows what others got wrong', () => {
  it('a hard link whose target a later layer removes (go-containerregistry #977)', async () => {
    const image = await layers('file target content\nlink name target', 'whiteout target');
    expect(await filesOf(await flatten(image, new MemoryBlobStore()))).toEqual({ name: 'content' });
  });

  it('the content of the right inode when a later layer replaces one name (#2002)', async () => {
    const image = await layers('file a old\nlink b a', 'file a new', 'link c a\nfile d x'.replace('link c a\n', ''));
    expect(await filesOf(await flatten(image, new MemoryBlobStore()))).toEqual({ a: 'new', b: 'old', d: 'x' });
  });

  it('opaque directories (#1897)', async () => {
    const image = await layers('dir d\nfile d/old 1\ndir d/sub\nfile d/sub/x 1', 'dir d\nopaque d\nfile d/new 2');
    expect(await filesOf(await flatten(image, new MemoryBlobStore()))).toEqual({ 'd/new': '2' });
  });

  it('gives the same layer for the same files, whatever layers they came in', async () => {
    const one = await flatten(await layers('dir d\nfile d/a 1\nfile b 2'), new MemoryBlobStore());
    const two = await flatten(
      await layers('file b 0\nfile x 1', 'dir d\nfile d/a 1\nwhiteout x\nfile b 2'),
      new MemoryBlobStore(),
    );
    expect(two.layers[0]?.diffID).toBe(one.layers[0]?.diffID);
    expect(two.layers[0]?.descriptor).toEqual(one.layers[0]?.descriptor);
  });
});

describe('the history', () => {
  it('keeps its steps when layers are squashed', async () => {
    const image = await layers('file a 1', 'file b 2', 'file c 3');
    const blobs = new MemoryBlobStore();
    const result = await squash(image, blobs, { from: 1, created: '2025-05-05T00:00:00Z', compression: 'none' });
    expect(result.config.history).toEqual([
      image.config.history?.[0],
      { ...image.config.history?.[1], empty_layer: true },
      { ...image.config.history?.[2], empty_layer: true },
      { created: '2025-05-05T00:00:00Z', comment: 'squashed 2 layers' },
    ]);
    expect(result.config.created).toBe('2025-05-05T00:00:00Z');
    expect(result.layers[0]).toBe(image.layers[0]);
    expect(result.layers[1]?.descriptor.digest).toBe(result.layers[1]?.diffID);
    expect(await fromBlobs(await stored(result), result.descriptor)).toMatchObject({ rawConfig: result.rawConfig });
  });

  it('is one step when an image is flattened', async () => {
    const result = await flatten(await layers('file a 1', 'file b 2'), new MemoryBlobStore());
    expect(result.config.history).toEqual([{ created: '2024-01-02T03:04:05Z', comment: 'flattened 2 layers' }]);
  });
});

async function stored(image: Image): Promise<MemoryBlobStore> {
  const blobs = new MemoryBlobStore();
  await copyContent(contentOf(image), image.descriptor, blobSink(blobs));
  return blobs;
}

describe('extractFile', () => {
  const text = async (image: Image, path: string): Promise<string> =>
    (await collect((await extractFile(image, path)).content)).toString();

  it('takes the file of the topmost layer, through symlinks and hard links', async () => {
    const image = await layers(
      'dir etc\nfile etc/os-release old\nsymlink lib usr/lib',
      'dir usr\ndir usr/lib\nfile usr/lib/x here\nlink usr/lib/y usr/lib/x\ndir etc\nsymlink etc/os-release ../lib/x',
      'whiteout usr/lib/x'.replace('whiteout usr/lib/x', 'file z 1'),
    );
    expect(await text(image, '/etc/os-release')).toBe('here');
    expect(await text(image, 'lib/y')).toBe('here');
    expect((await extractFile(image, '/etc/os-release')).entry.path).toBe('usr/lib/x');
    const file = await extractFile(image, 'z');
    expect([(await collect(file.content)).toString(), (await collect(file.content)).toString()]).toEqual(['1', '1']);
  });

  it('says what is there instead', async () => {
    const image = await layers('dir etc\nsymlink loop loop\nsymlink out ../../etc/x');
    const missing = { code: 'PATH_NOT_FOUND' };
    await expect(extractFile(image, '/etc')).rejects.toMatchObject({
      ...missing,
      message: /it is a directory, not a file/,
    });
    await expect(extractFile(image, 'out')).rejects.toMatchObject({
      ...missing,
      message: /cannot extract out \(\/etc\/x\)/,
    });
    await expect(extractFile(image, 'loop')).rejects.toMatchObject({ ...missing, message: /loop of symlinks/ });
  });
});
