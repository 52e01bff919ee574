import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { extractFile } from '../../src/image/export-tree.ts';
import { applyLayer } from '../../src/disk/apply-layer.ts';
import { LayerIndex } from '../../src/layer/layer-index.ts';
import { indexLayer } from '../../src/layer/read-layer.ts';
import { unpackImage } from '../../src/image/unpack-image.ts';
import { collect, exported } from '../../testing/image-trees.ts';
import { chunked, makeTar, paxHeader } from '../../testing/make-tar.ts';
import { sampleImage } from '../../testing/sample-image.ts';
import { scratchFolders } from '../../testing/scratch.ts';

const folder = scratchFolders();
const SIZE = 5_000_000;
const CONTENT = Buffer.alloc(SIZE);
CONTENT.write('first', 0);
CONTENT.write('x'.repeat(3000), 2_000_000);

const sparse = (size: number, map: string, content: string) => [
  paxHeader({
    'GNU.sparse.size': String(size),
    'GNU.sparse.numblocks': String(map === '' ? 0 : map.split(',').length / 2),
    'GNU.sparse.map': map,
  }),
  { name: 'sp', content, mode: 0o640 },
];
const LAYER = makeTar([
  { name: 'a', content: 'a' },
  ...sparse(SIZE, '0,5,2000000,3000', `first${'x'.repeat(3000)}`),
  { name: 'b', content: 'b' },
]);

it('is known by its whole content, and by where its parts are', async () => {
  const { index } = await indexLayer(chunked(LAYER, 1000));
  const entry = index.get('sp');
  expect(entry).toMatchObject({ size: SIZE, contentSha256: createHash('sha256').update(CONTENT).digest('hex') });
  expect(entry?.sparse?.map(({ position, size }) => [position, size])).toEqual([
    [0, 5],
    [2_000_000, 3000],
  ]);
  expect(LayerIndex.decode(index.encode()).get('sp')).toEqual(entry);
  expect(index.contentOffset(index.find('sp'), SIZE, entry?.contentSha256 ?? '')).toBe(-1);
});

it('comes out whole, wherever it comes out', async () => {
  const image = await sampleImage([LAYER]);
  const [unpacked, applied] = [folder(), folder()];
  await unpackImage(image, unpacked);
  await applyLayer(chunked(LAYER), applied);
  for (const root of [unpacked, applied]) {
    expect(readFileSync(join(root, 'sp')).equals(CONTENT)).toBe(true);
    expect(statSync(join(root, 'sp')).blocks).toBeLessThan(SIZE / 512);
    expect(readFileSync(join(root, 'b'), 'utf8')).toBe('b');
  }
  const { content } = await extractFile(image, 'sp');
  expect((await collect(content)).equals(CONTENT)).toBe(true);
  expect(readFileSync(join(await exported(image, folder()), 'sp')).equals(CONTENT)).toBe(true);
});

it('counts with its holes', async () => {
  const layer = makeTar(sparse(1e15, '', ''));
  await expect(indexLayer(chunked(layer))).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
});
