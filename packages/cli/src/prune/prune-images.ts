import { ContainerStore, type Store } from '@tsbuild/builder';
import type { StoredImage } from '@tsbuild/oci/node';
import type { Host } from '../host/host.ts';
import { LayerSizes } from '../store/open-layout.ts';
import { sanitizeText } from '../output/sanitize.ts';
import type { Prunable } from './prune-filter.ts';

/**
 * Removes the images without a name (`all`: with one, too) that no container uses, and lists them as docker does.
 * @returns bytes of the files in layers that no image has any more
 */
export async function pruneImages(
  store: Store,
  { root, all, keeps }: { readonly root: string; readonly all: boolean; readonly keeps: (image: Prunable) => boolean },
  host: Host,
): Promise<number> {
  const used = new Set(new ContainerStore(root).list().map(({ config }) => config.image.id));
  const images = await store.layout.images();
  const chosen = images.filter(
    ({ id, names, config }) =>
      !used.has(id) && (all || names.length === 0) && keeps({ created: config.created, labels: config.config?.Labels }),
  );
  const gone = new Set(chosen);
  const bytes = await sizeWithout(
    images.filter((image) => !gone.has(image)),
    chosen,
    store,
  );
  const lines: string[] = [];
  for (const image of chosen) {
    for (const removed of await store.layout.remove(image.id, { force: true })) {
      lines.push('untagged' in removed ? `untagged: ${sanitizeText(removed.untagged)}` : `deleted: ${removed.deleted}`);
    }
  }
  if (lines.length > 0) host.stdout.write(`Deleted Images:\n${lines.join('\n')}\n\n`);
  return bytes;
}

/** What `chosen` has of layers that `kept` has not. */
async function sizeWithout(
  kept: readonly StoredImage[],
  chosen: readonly StoredImage[],
  { layout }: Store,
): Promise<number> {
  const needed = new Set(kept.flatMap(({ layers }) => layers.map(({ digest }) => digest)));
  const layers = new Map(chosen.flatMap((image) => image.layers.map((layer) => [layer.digest, layer])));
  return new LayerSizes(layout).sum([...layers.values()].filter(({ digest }) => !needed.has(digest)));
}
