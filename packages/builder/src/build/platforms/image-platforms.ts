import {
  formatPlatform,
  isAttestation,
  normalizePlatform,
  OciError,
  parseReference,
  type Platform,
} from '@tsbuild/oci';
import { fromRegistry, indexFromRegistry, type Layout, type RegistryReader } from '@tsbuild/oci/node';

/** Where {@link imagePlatforms} looks. */
export interface PlatformSources {
  readonly layout: Layout;
  /** Ask the registry although the store has the image. */
  readonly pull: boolean;
  readonly client: () => RegistryReader;
  readonly signal: AbortSignal;
}

/**
 * The platforms that an image is for, each once: those of the index of this name in the store, else in its registry.
 * Attestations, which lie in an index as `unknown/unknown`, are no platforms.
 * @throws OciError of the registry
 */
export async function imagePlatforms(name: string, sources: PlatformSources): Promise<readonly Platform[]> {
  const stored = sources.pull ? undefined : await platformsInStore(name, sources.layout);
  const found = stored ?? (await platformsInRegistry(name, sources));
  const known = found
    .map(normalizePlatform)
    .filter(({ architecture }) => architecture !== '' && architecture !== 'unknown');
  return [...new Map(known.map((platform) => [formatPlatform(platform), platform])).values()];
}

async function platformsInStore(name: string, layout: Layout): Promise<readonly Platform[] | undefined> {
  const image = await layout.find(name);
  if (image === undefined) return undefined;
  const index = await layout.index(image);
  return index?.images.map(({ platform }) => platform) ?? [image.config];
}

async function platformsInRegistry(
  name: string,
  { client, signal }: Pick<PlatformSources, 'client' | 'signal'>,
): Promise<readonly Platform[]> {
  const reference = parseReference(name);
  try {
    const { index } = await indexFromRegistry(client(), reference, signal);
    return index.manifests.flatMap((entry) =>
      entry.platform === undefined || isAttestation(entry) ? [] : [entry.platform],
    );
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== 'INDEX_INVALID') throw error;
    return [(await fromRegistry(client(), reference, { signal })).config];
  }
}
