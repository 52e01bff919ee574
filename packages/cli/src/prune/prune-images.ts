import { ContainerStore, type Store } from '@tsbuild/builder';
import { imageIdOf, type StoredImage } from '@tsbuild/oci/node';
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
  const members = new Map<StoredImage, readonly StoredImage[]>();
  for (const image of images) members.set(image, await store.layout.members(image));
  const isUsed = (image: StoredImage): boolean => (members.get(image) ?? []).some(({ id }) => used.has(id));
  const chosen = images.filter((image) => {
    const { names, config } = image;
    const look = { created: config.created, labels: config.config?.Labels };
    return !isUsed(image) && (all || names.length === 0) && keeps(look);
  });
  const gone = new Set(chosen);
  const membersOf = (some: readonly StoredImage[]): readonly StoredImage[] =>
    some.flatMap((image) => members.get(image) ?? []);
  const bytes = await sizeWithout(membersOf(images.filter((image) => !gone.has(image))), membersOf(chosen), store);
  const lines: string[] = [];
  for (const image of chosen) {
    for (const removed of await store.layout.remove(imageIdOf(image), { force: true })) {
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
