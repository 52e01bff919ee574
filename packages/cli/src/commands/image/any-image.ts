import type { Store } from '@tsbuild/builder';
import {
  fromArchive,
  fromLayout,
  fromRegistry,
  fromStoredImage,
  type Image,
  parsePlatform,
  parseReference,
  RegistryClient,
} from '@tsbuild/oci/node';
import type { Host } from '../../host/host.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { bringMissingLayers } from '../../store/bring-layers.ts';
import { findStoredImage } from '../../store/find-image.ts';
import { indexPlace } from './index-place.ts';

/** What commands call an image that may be anywhere. */
export const ANY_IMAGE = 'an IMAGE of the store or a registry, an archive, or oci-layout://DIR[:TAG]';

/** An image of the store, a layout, an archive or a registry. */
export interface AnyImage {
  readonly image: Image;
  /** Brings those of its layers into the store that a build left in a shared cache. */
  readonly bring?: () => Promise<void>;
}

/** How {@link withAnyImage} finds an image. */
interface Search {
  readonly store: Store;
  readonly platform: string | undefined;
}

/**
 * Finds the image that a word means, and closes what it is read through when `use` is done. Paths say that they are paths; other
 * words are an image of the store, else of a registry.
 * @throws OciError `IMAGE_NOT_FOUND`, `PLATFORM_INVALID`, and of the place
 */
export async function withAnyImage<T>(
  text: string,
  { store, platform }: Search,
  host: Host,
  use: (found: AnyImage) => Promise<T>,
): Promise<T> {
  const { layout } = store;
  const choice = platform === undefined ? {} : { platform: parsePlatform(platform) };
  const place = indexPlace(text, host.cwd);
  const name = place?.kind === 'layout' || place?.kind === 'archive' ? nameIn(place) : {};
  if (place?.kind === 'layout') return use({ image: await fromLayout(place.path, { ...name, ...choice }) });
  if (place?.kind === 'archive') return use({ image: await fromArchive(place.path, { ...name, ...choice }) });
  const stored = place === undefined ? await findStoredImage(text, layout, { platform }, host) : undefined;
  if (stored !== undefined) {
    const bring = (): Promise<void> => bringMissingLayers([stored], layout, host);
    return use({ image: await fromStoredImage(layout.blobs, stored), bring });
  }
  const reference = parseReference(place?.kind === 'registry' ? place.reference : text);
  const client = new RegistryClient(await registryOptions(host));
  try {
    return await use({ image: await fromRegistry(client, reference, { ...choice, signal: host.signal }) });
  } finally {
    client.close();
  }
}

function nameIn({ image }: { readonly image?: string }): { readonly name?: string } {
  return image === undefined ? {} : { name: image };
}
