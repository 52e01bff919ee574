import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobStore } from '../../src/blob/blob-store.ts';
import type { Descriptor } from '../../src/spec/descriptor.ts';
import { encodeImageConfig } from '../../src/spec/image-config.ts';
import type { ImageConfig } from '../../src/spec/image-config.ts';
import { MediaType } from '../../src/spec/media-type.ts';
import type { ImageContent } from '../../src/layout/stored-image.ts';
import { Layout } from '../../src/layout/layout.ts';
import { makeTar } from '../../testing/make-tar.ts';

/** A new folder for a test; the caller removes `scratchRoot` when it is done. */
export async function scratchFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'tsbuild-layout-'));
}

/** A new, empty layout below `folder`. */
export async function freshLayout(folder: string): Promise<Layout> {
  return Layout.open(await mkdtemp(join(folder, 'store-')), { create: true });
}

/** The bytes of a layer that holds files of these contents. */
export function layerTar(files: Readonly<Record<string, string>>): Uint8Array {
  return makeTar(Object.entries(files).map(([name, content]) => ({ name, content, mode: 0o644 })));
}

/** Stores layers and makes an image of them; `tag` makes images of the same layers differ. */
export async function imageOf(
  blobs: BlobStore,
  tag: string,
  layers: readonly Uint8Array[] = [layerTar({ [`${tag}.txt`]: tag })],
  more: Partial<ImageConfig> = {},
): Promise<ImageContent> {
  const descriptors: Descriptor[] = [];
  for (const layer of layers) descriptors.push({ mediaType: MediaType.ociLayer, ...(await blobs.put(layer)) });
  const config: ImageConfig = {
    architecture: 'amd64',
    os: 'linux',
    created: '2024-01-02T03:04:05.123456789Z',
    config: { Cmd: [tag], Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: descriptors.map((layer) => layer.digest) },
    history: layers.map((_, i) => ({ created: '2024-01-02T03:04:05Z', created_by: `COPY ${i} ${tag}` })),
    ...more,
  };
  return { config: encodeImageConfig(config), layers: descriptors };
}
