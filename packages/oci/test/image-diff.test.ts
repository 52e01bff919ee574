import { describe, expect, it } from 'vitest';
import { diffImages } from '../src/image/image-diff.ts';
import type { Image } from '../src/image/image-value.ts';
import { appendLayers, withConfig, withCreated } from '../src/image/mutate.ts';
import { sampleImage, sampleLayer } from '../testing/sample-image.ts';
import { layerTar } from './layer/layer-dsl.ts';

const layers = (...texts: readonly string[]): Promise<Image> => sampleImage(texts.map(layerTar));
const words = async (before: Image, after: Image): Promise<readonly string[]> =>
  (await diffImages(before, after)).files.map(({ kind, path, fields }) => [kind, path, ...fields].join(' '));

describe('diffImages', () => {
  it('finds nothing between an image and itself, without reading it', async () => {
    const image = await layers('file a 1');
    const closed = { ...image, layers: image.layers.map((layer) => ({ ...layer, open: () => fail() })) };
    expect(await diffImages(closed, closed)).toEqual({
      config: [],
      history: { shared: 1, removed: [], added: [] },
      layers: { shared: 1, removed: [], added: [] },
      files: [],
    });
  });

  it('compares merged trees, however they came about', async () => {
    const before = await layers(
      'dir d 755\nfile d/a 1\nfile b 1\nfile l 1\nlink m l\nsymlink s a\ndir gone\nfile gone/x',
      'file e',
    );
    const after = await layers('dir d 700\nfile d/a 22\nfile b 1\nfile l 1\nfile m 1\nsymlink s b\nfile new', 'dir e');
    expect(await words(before, after)).toEqual([
      'changed d mode',
      'changed d/a content',
      'changed e type mode',
      'removed gone',
      'removed gone/x',
      'changed l links',
      'changed m links',
      'added new',
      'changed s link',
    ]);
    const split = await layers('file a 1', 'file b 2');
    const joined = await layers('file a 1\nfile b 2\nfile c 3', 'whiteout c');
    expect(await words(split, joined)).toEqual([]);
  });

  it('compares config, history and layers', async () => {
    const before = await layers('file a 1');
    const layer = await sampleLayer(layerTar('file b 2'));
    const after = appendLayers(withConfig(before, { Env: ['A=1'], Labels: { x: 'y' } }), [
      { layer, history: { comment: 'b' } },
    ]);
    const diff = await diffImages(before, withCreated(after, '2025-01-01T00:00:00Z'), { files: false });
    expect(diff.config).toEqual([
      { path: 'config.Env', before: undefined, after: ['A=1'] },
      { path: 'config.Labels', before: undefined, after: { x: 'y' } },
      { path: 'created', before: '2024-01-02T03:04:05Z', after: '2025-01-01T00:00:00Z' },
    ]);
    expect(diff.layers).toEqual({
      shared: 1,
      removed: [],
      added: [{ diffID: layer.diffID, digest: layer.descriptor.digest, size: layer.descriptor.size }],
    });
    expect(diff.history).toMatchObject({ shared: 0, removed: [{}], added: [{}, { comment: 'b' }] });
    expect(diff.files).toEqual([]);
    expect(await words(before, after)).toEqual(['added b']);
  });

  it('holds its limits', async () => {
    const images = [await layers('file a 1\nfile b 1'), await layers('file a 2')] as const;
    await expect(diffImages(...images, { maxEntries: 1 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    await expect(diffImages(...images, { maxBytes: 600 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });
});

function fail(): never {
  throw new Error('nothing is to be read');
}
