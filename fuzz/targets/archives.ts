import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromArchive } from '../../packages/oci/src/archive/archive-image.ts';
import { Layout } from '../../packages/oci/src/layout/layout.ts';
import { loadArchive } from '../../packages/oci/src/archive/load-archive.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { mutateArchive } from '../mutate/archive.ts';
import { archiveSeeds } from '../seeds/archives.ts';
import { mustHold } from '../target.ts';
import type { Running, Target } from '../target.ts';

/** After so many archives the store is made anew, so that they do not find each other's layers for ever. */
const STORE_LIFE = 25;
const PLATFORM = { os: 'linux', architecture: 'amd64' };

async function openLoad(): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-fuzz-'));
  let layout: Layout | undefined;
  let count = 0;
  const run = async (input: Uint8Array): Promise<string> => {
    if (layout === undefined || count++ % STORE_LIFE === 0) {
      rmSync(join(folder, 'store'), { recursive: true, force: true });
      layout = await Layout.open(join(folder, 'store'), { create: true });
    }
    const allPlatforms = (input[3] ?? 0) % 2 === 0;
    const loaded = await loadArchive(chunked(input), layout, { platform: PLATFORM, allPlatforms });
    for (const { image, names } of loaded) {
      mustHold(image.layers.length === image.config.rootfs.diff_ids.length, 'layers and diffIDs differ in number');
      for (const layer of image.layers)
        mustHold((await layout.blobs.has(layer.digest)) !== undefined, 'a layer is missing');
      mustHold(names.length <= 10_000, 'names without end');
    }
    mustHold((await layout.images()).length >= Math.min(1, loaded.length), 'what was loaded is not there');
    return `${loaded.length}`;
  };
  return { run, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Loading archives into a store. */
export const loadArchives: Target = {
  name: 'load-archive',
  seeds: archiveSeeds,
  mutate: mutateArchive,
  open: openLoad,
};

function openRead(): Running {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-fuzz-'));
  const path = join(folder, 'archive');
  const run = async (input: Uint8Array): Promise<string> => {
    writeFileSync(path, input);
    const image = await fromArchive(path, { platform: PLATFORM, temporaryDirectory: folder, maxBytes: 50_000_000 });
    mustHold(image.layers.length === image.config.rootfs.diff_ids.length, 'layers and diffIDs differ in number');
    let bytes = 0;
    for (const layer of image.layers) for await (const chunk of layer.open()) bytes += chunk.length;
    return `${image.layers.length} ${bytes > 0}`;
  };
  return { run, close: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Images read in place from an archive. */
export const readArchives: Target = {
  name: 'from-archive',
  seeds: archiveSeeds,
  mutate: mutateArchive,
  open: openRead,
};
