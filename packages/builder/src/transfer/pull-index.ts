import {
  copyContent,
  type Descriptor,
  type Digest,
  formatPlatform,
  type Image,
  imageFrom,
  isAttestation,
  isIndexType,
  MediaType,
  type MultiPlatformImage,
  OciError,
  type Platform,
  type Reference,
  selectManifest,
} from '@tsbuild/oci';
import { ATTESTED } from '@tsbuild/oci/internal';
import { blobSink, type ImageContent, membersInPlace, type StoredIndex } from '@tsbuild/oci/node';
import type { RegistryReader } from '@tsbuild/oci/node';
import type { Store } from '../store/store.ts';

/** What {@link storeRemoteIndex} works with. */
export interface RemoteIndexWork {
  readonly store: Store;
  readonly client: () => RegistryReader;
  readonly signal: AbortSignal;
}

/**
 * Stores an index of a registry with its images, or those for some platforms: the entries of the others stay, and lead to
 * nothing here. Layers are stored uncompressed, so that manifests and index are the store's own; what they were in the
 * registry is noted, and a push sends just that.
 * @throws OciError `PLATFORM_INVALID` when there is none for one of the platforms; of the client and the store
 */
export async function storeRemoteIndex(
  remote: MultiPlatformImage,
  reference: Reference,
  names: readonly Reference[],
  platforms: readonly Platform[] | 'all',
  work: RemoteIndexWork,
): Promise<StoredIndex> {
  const { store, signal } = work;
  const wanted = platforms === 'all' ? undefined : chosen(remote, platforms);
  const own = new Map<Digest, Descriptor>();
  for (const entry of remote.index.manifests) {
    // An index within stays where it is: the store knows images by their own manifests only.
    if (isIndexType(entry.mediaType) || !isWanted(entry, wanted)) continue;
    const image = isAttestation(entry) ? undefined : await imageOrArtifact(remote, entry, signal);
    if (image === undefined) {
      await copyContent(remote.content, entry, blobSink(store.layout.blobs), { signal });
      continue;
    }
    const { manifest } = await store.layout.addUnlisted(await bringImage(image, reference, work));
    await noteDocument(manifest.digest, image.rawManifest, image.descriptor, reference, store);
    own.set(entry.digest, manifest);
  }
  const { annotations } = remote.index;
  const members = membersInPlace(remote.index, own);
  const content = { members, isForeign: true, ...(annotations !== undefined && { annotations }) };
  const stored = await store.layout.addIndex(content, names);
  await noteDocument(stored.descriptor.digest, remote.rawIndex, remote.descriptor, reference, store);
  return stored;
}

/** One of the images that are wanted, or what attests one. */
function isWanted({ digest, annotations }: Descriptor, wanted: ReadonlySet<string> | undefined): boolean {
  return wanted === undefined || wanted.has(digest) || wanted.has(annotations?.[ATTESTED] ?? '');
}

/** An image of a registry with its layers in the store, uncompressed. */
export async function bringImage(
  image: Image,
  { registry, repository }: Reference,
  { store, client, signal }: RemoteIndexWork,
): Promise<ImageContent> {
  for (const { diffID, descriptor } of image.layers) {
    await store.remotes.putLayer(diffID, { registry, repository, descriptor });
  }
  const infos = await store.layers(client, signal).ensure(image.layers.map(({ diffID }) => ({ digest: diffID })));
  const layers = infos.map((info): Descriptor => ({ mediaType: MediaType.ociLayer, ...info }));
  const { annotations } = image.manifest;
  return { config: image.rawConfig, layers, ...(annotations !== undefined && { annotations }) };
}

/** Undefined for an artifact, which is kept as it is. */
export async function imageOrArtifact(
  { content }: Pick<MultiPlatformImage, 'content'>,
  entry: Descriptor,
  signal: AbortSignal,
): Promise<Image | undefined> {
  try {
    return await imageFrom(content, entry, signal);
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_AN_IMAGE') return undefined;
    throw error;
  }
}

function chosen(remote: MultiPlatformImage, platforms: readonly Platform[]): ReadonlySet<Digest> {
  return new Set(
    platforms.map((platform) => {
      const found = selectManifest(remote.index, platform);
      if (found !== undefined) return found.digest;
      const offered = remote.index.manifests.flatMap((entry) =>
        entry.platform === undefined || isAttestation(entry) ? [] : [formatPlatform(entry.platform)],
      );
      throw new OciError(
        'PLATFORM_INVALID',
        `there is no image for ${formatPlatform(platform)}; available: ${offered.join(', ') || 'none'}`,
      );
    }),
  );
}

/** Notes what a manifest or index of the store is in a registry. */
export async function noteDocument(
  stored: Digest,
  bytes: Uint8Array,
  { mediaType, digest }: Descriptor,
  { registry, repository }: Reference,
  { remotes }: Store,
): Promise<void> {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  await remotes.putDocument(stored, { registry, repository, mediaType, digest, text });
}
