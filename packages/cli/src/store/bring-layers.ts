import type { Digest, Layout } from '@tsbuild/oci/node';
import type { Host } from '../host/host.ts';
import { registryOptions } from '../registry/registry-config.ts';

/**
 * Fetches the layers of images that a build left where a shared cache has them. The builder is loaded only when there is one.
 * @throws as `bringLayers()` of the builder
 */
export async function bringMissingLayers(
  images: readonly { readonly layers: readonly { readonly digest: Digest }[] }[],
  layout: Layout,
  host: Host,
): Promise<void> {
  const layers = images.flatMap((image) => image.layers);
  const present = await Promise.all(layers.map(({ digest }) => layout.blobs.has(digest)));
  if (present.every((blob) => blob !== undefined)) return;
  const { bringLayers, silentReporter, Store } = await import('@tsbuild/builder');
  const store = await Store.open(layout.root);
  await bringLayers(layers, store, {
    registry: () => registryOptions(host),
    reporter: silentReporter,
    signal: host.signal,
  });
}
