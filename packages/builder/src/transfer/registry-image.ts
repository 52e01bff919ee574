import { assembleImage, decodeManifest, type Image, imageOfLayers, readBlob, type Reference } from '@tsbuild/oci';
import type { StoredImage } from '@tsbuild/oci/node';
import { type PushWork, remoteLayers } from './push-layers.ts';

/** An image of the store in the form in which a registry gets it. Its layers are remembered to lie there once it has them. */
export async function registryImage(
  stored: StoredImage,
  reference: Reference,
  work: PushWork,
  annotations?: ReadonlyMap<string, string>,
): Promise<Image> {
  const layers = await remoteLayers(stored, reference, work);
  const { manifest, config } = assembleImage({
    config: stored.rawConfig,
    layers: layers.map(({ descriptor }) => descriptor),
    ...(await annotationsOf(stored, annotations, work)),
  });
  return imageOfLayers(manifest, config, layers);
}

/** Notes where the layers of an image lie, now that a registry has them. */
export async function rememberLayers(
  image: Image,
  { registry, repository }: Reference,
  { store }: PushWork,
): Promise<void> {
  for (const { diffID, descriptor } of image.layers) {
    if ((await store.remotes.layer(diffID)) === undefined) {
      await store.remotes.putLayer(diffID, { registry, repository, descriptor });
    }
  }
}

async function annotationsOf(
  stored: StoredImage,
  annotations: ReadonlyMap<string, string> | undefined,
  { store }: PushWork,
): Promise<{ readonly annotations?: Readonly<Record<string, string>> }> {
  if (annotations !== undefined) return annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) };
  const manifest = decodeManifest(await readBlob(store.layout.blobs, stored.manifest), stored.manifest.mediaType);
  return manifest.annotations === undefined ? {} : { annotations: manifest.annotations };
}
