import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeImageConfig, MediaType, parseReference } from '@tsbuild/oci';
import { Layout } from '@tsbuild/oci/node';
import { StoreSource } from '../../src/source/store-source.ts';
import { sourceContract, type SourceUnderTest } from '../../testing/source-contract.ts';

async function storeWithBase(): Promise<SourceUnderTest & { readonly id: string }> {
  const layout = await Layout.open(await mkdtemp(join(tmpdir(), 'tsbuild-source-')), { create: true });
  const layers = [await layout.blobs.put(Buffer.from('lower')), await layout.blobs.put(Buffer.from('upper'))];
  const config = encodeImageConfig({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  });
  const image = await layout.add(
    { config, layers: layers.map((layer) => ({ mediaType: MediaType.ociLayer, ...layer })) },
    [parseReference('base:1')],
  );
  const names = { repository: 'base', fullRepository: 'docker.io/library/base' };
  return { ...names, source: new StoreSource(layout), layers: layers.map(({ digest }) => ({ digest })), id: image.id };
}

sourceContract('StoreSource', storeWithBase);

it('StoreSource finds an image by its ID as well', async () => {
  const { source, layers, id } = await storeWithBase();
  expect((await source.resolve(id, { os: 'linux', architecture: 'amd64' }))?.layers).toEqual(layers);
});
