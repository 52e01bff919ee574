import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { fromArchive, indexFromArchive } from '../../src/archive/archive-image.ts';
import { toArchive } from '../../src/archive/image-archive.ts';
import type { Image } from '../../src/image/image-value.ts';
import { emptyIndex, indexOfImages, selectImage } from '../../src/image/index-building.ts';
import { Layout } from '../../src/layout/layout.ts';
import { loadArchive } from '../../src/archive/load-archive.ts';
import { parsePlatform } from '../../src/spec/platform.ts';
import { parseReference } from '../../src/spec/reference.ts';
import { collect } from '../../testing/image-trees.ts';
import { sampleImage } from '../../testing/sample-image.ts';
import { scratchFolders } from '../../testing/scratch.ts';
import { validateImage } from '../../src/validation/validate-node.ts';

const folder = scratchFolders();
const amd64 = parsePlatform('linux/amd64');
const arm64 = parsePlatform('linux/arm64');

describe('an archive for several platforms', () => {
  let images: readonly Image[] = [];
  let index = emptyIndex();
  let path = '';
  beforeEach(async () => {
    images = [
      await sampleImage([[{ name: 'a', content: 'amd64' }]], { platform: amd64 }),
      await sampleImage([[{ name: 'a', content: 'arm64' }]], { platform: arm64 }),
    ];
    index = indexOfImages(images);
    path = join(folder(), 'app.tar');
    await toArchive([{ image: index, names: [parseReference('app:1')] }], path, { platform: arm64 });
  });

  it.each(['plain', 'compressed'])('is read as a value, %s', async (kind) => {
    const file = kind === 'plain' ? path : join(folder(), 'app.tar.gz');
    if (file !== path) writeFileSync(file, gzipSync(readFileSync(path)));
    const back = await indexFromArchive(file, { name: 'app:1' });
    expect(back.rawIndex).toEqual(index.rawIndex);
    expect(await validateImage(back)).toEqual([]);
    for (const [i, platform] of [amd64, arm64].entries()) {
      const image = await selectImage(back, platform);
      expect(image.descriptor.digest).toBe(images[i]?.descriptor.digest);
      expect(
        (await collect(image.layers[0]?.open() ?? [])).equals(await collect(images[i]?.layers[0]?.open() ?? [])),
      ).toBe(true);
      expect((await fromArchive(file, { platform })).descriptor.digest).toBe(images[i]?.descriptor.digest);
    }
  });

  it('names the image of the platform for engines that know no indexes', async () => {
    const text = execFileSync('tar', ['-xOf', path, 'manifest.json'], { encoding: 'utf8' });
    const config = images[1]?.manifest.config.digest.slice(7) ?? '';
    expect(JSON.parse(text)).toMatchObject([{ Config: `blobs/sha256/${config}`, RepoTags: ['app:1'] }]);
    const layout = await Layout.open(folder(), { create: true });
    const [loaded] = await loadArchive(path, layout);
    expect(loaded?.image.id).toBe(images[1]?.manifest.config.digest);
  });

  it('is no index where it is for one platform', async () => {
    const one = join(folder(), 'one.tar');
    await toArchive([{ image: images[0] ?? (await sampleImage([])) }], one);
    await expect(indexFromArchive(one)).rejects.toMatchObject({ code: 'INDEX_INVALID' });
    await expect(indexFromArchive(path, { name: 'other' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    await expect(toArchive([{ image: index }], one, { platform: parsePlatform('linux/s390x') })).rejects.toMatchObject({
      code: 'PLATFORM_INVALID',
    });
  });
});
