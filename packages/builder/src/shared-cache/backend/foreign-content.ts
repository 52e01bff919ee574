import { decodeImageIndex, decodeManifest, type Descriptor } from '@tsbuild/oci';

/** BuildKit's own cache, as an image manifest's config or, in older versions, as an entry of an index. */
const BUILDKIT_CACHE = 'application/vnd.buildkit.cacheconfig.v0';

/** The member of an image's config in which BuildKit's inline cache lies. */
const BUILDKIT_INLINE = 'moby.buildkit.cache.v0';

/** What lies where hints were looked for, in words for people: what a manifest or index of somebody else's is. */
export function foreignContent(document: Uint8Array): string {
  const config = configOf(document);
  const types = config === undefined ? entriesOf(document).map(({ mediaType }) => mediaType) : [config.mediaType];
  if (types.includes(BUILDKIT_CACHE)) return "BuildKit's cache";
  if (types.length === 0) return 'something that is no image';
  if (config === undefined) return 'an image for several platforms';
  return /^application\/vnd\.(?:oci\.image\.config|docker\.container\.image)\./.test(config.mediaType)
    ? 'an image'
    : `an artifact of type ${config.mediaType}`;
}

/** Whether an image's config carries BuildKit's inline cache. */
export function hasBuildKitInlineCache(config: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(config));
    return typeof value === 'object' && value !== null && BUILDKIT_INLINE in value;
  } catch {
    return false;
  }
}

function configOf(document: Uint8Array): Descriptor | undefined {
  try {
    return decodeManifest(document).config;
  } catch {
    return undefined;
  }
}

function entriesOf(document: Uint8Array): readonly Descriptor[] {
  try {
    return decodeImageIndex(document).manifests;
  } catch {
    return [];
  }
}
