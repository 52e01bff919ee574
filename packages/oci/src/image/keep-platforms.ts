import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { isAttestation, selectManifest } from '../spec/image-index.ts';
import { removeImage } from './index-building.ts';
import type { MultiPlatformImage } from './index-building.ts';
import { formatPlatform } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';

/**
 * The index with the images for some platforms alone, the best one for each, and their attestations: for copying a part of
 * it. The index is another one then, with a digest of its own.
 * @throws OciError `PLATFORM_INVALID` when there is none for one of the platforms
 * @example
 *   const all = await indexFromRegistry(client, from);
 *   await toRegistry(client, to, keepPlatforms(all, [parsePlatform('linux/amd64'), parsePlatform('linux/arm64')]));
 */
export function keepPlatforms(image: MultiPlatformImage, platforms: readonly Platform[]): MultiPlatformImage {
  const kept = new Set<Digest>();
  for (const platform of platforms) {
    const chosen = selectManifest(image.index, platform);
    if (chosen === undefined) {
      throw new OciError('PLATFORM_INVALID', `the index has no image for ${formatPlatform(platform)}`);
    }
    kept.add(chosen.digest);
  }
  const gone = image.index.manifests.filter((entry) => !isAttestation(entry) && !kept.has(entry.digest));
  return gone.reduce((rest, { digest }) => removeImage(rest, digest), image);
}
