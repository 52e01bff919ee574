import { hostPlatform } from '../processes/host-platform.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { ATTESTED, ofAttested } from '../spec/image-index.ts';
import type { ImageIndex } from '../spec/image-index.ts';
import { platformFit } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';
import type { StoredImage } from './stored-image.ts';
import type { IndexMember, StoredIndex } from './stored-index.ts';

/**
 * The members of an index that came from elsewhere, with the layout's own manifests in the place of some: layers are stored
 * uncompressed, so that a manifest is another one here. Attestations follow the manifests that they speak of.
 * @param stored the layout's manifests, by the digests that the index has
 */
export function membersInPlace(index: ImageIndex, stored: ReadonlyMap<Digest, Descriptor>): readonly IndexMember[] {
  return index.manifests.map((entry) => {
    const { platform, annotations: given } = entry;
    const subject = ofAttested(given, stored)?.digest;
    const annotations = subject === undefined ? given : { ...given, [ATTESTED]: subject };
    const { mediaType, digest, size } = stored.get(entry.digest) ?? entry;
    const { artifactType } = entry;
    return {
      manifest: { mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) },
      ...(platform !== undefined && { platform }),
      ...(annotations !== undefined && { annotations }),
    };
  });
}

/** The image that the names of an index mean: the one that runs best on a platform (this machine's unless told), else the first. */
export function chosenImage(stored: StoredIndex, platform: Platform = hostPlatform()): StoredImage | undefined {
  const fits = stored.images.map((image) => platformFit(platform, image.platform));
  const best = Math.max(...fits);
  const image = stored.images[best > 0 ? fits.indexOf(best) : 0];
  if (image === undefined) return undefined;
  const { mediaType, digest, size } = stored.descriptor;
  const isFirst = best === 0 && stored.images.length > 1;
  const index = { descriptor: { mediaType, digest, size }, ...(isFirst && { isFirst: true as const }) };
  const { id, manifest, config, rawConfig, layers } = image;
  return { id, manifest, config, rawConfig, layers, size: image.size, names: stored.names, index };
}
