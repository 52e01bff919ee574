import {
  type Artifact,
  blobContent,
  type ContentSource,
  decodeImageIndex,
  decodeManifest,
  type Descriptor,
  type Digest,
  formatPlatform,
  formatReference,
  type Image,
  imageOfLayers,
  indexAttestations,
  indexOf,
  moveAttestation,
  type MultiPlatformImage,
  OciError,
  type Reference,
  replaceManifests,
} from '@tsbuild/oci';
import { registryContent, type StoredImage, type StoredIndex } from '@tsbuild/oci/node';
import { knownLayers, type PushWork } from './push-layers.ts';
import { registryImage } from './registry-image.ts';

/** The images of an index that are in the store, in the order of its entries, in the form in which a registry gets them. */
export async function registryImages(
  stored: StoredIndex,
  target: Reference,
  work: PushWork,
): Promise<readonly Image[]> {
  const images: Image[] = [];
  for (const image of stored.images) {
    images.push((await asItWas(image, target, work)) ?? (await registryImage(image, target, work)));
  }
  return images;
}

/**
 * The index over these images. One that came from a registry is the very document that it was there, if its images are too.
 * @throws OciError `PLATFORM_INVALID` when an image is neither in the store nor where the index came from
 */
export async function registryIndex(
  stored: StoredIndex,
  images: readonly Image[],
  target: Reference,
  work: PushWork,
): Promise<MultiPlatformImage> {
  const { remotes, layout } = work.store;
  const known = await remotes.document(stored.descriptor.digest);
  const here = blobContent(layout.blobs);
  const home = registryContent(work.client, known ?? target);
  const absent = new Set<string>();
  for (const entry of stored.index.manifests) {
    if ((await layout.blobs.has(entry.digest)) !== undefined) continue;
    await checkThere(entry, home, target, work.signal);
    absent.add(entry.digest);
  }
  const isHere = async (descriptor: Descriptor): Promise<boolean> =>
    (await layout.blobs.has(descriptor.digest)) !== undefined;
  const content: ContentSource = {
    document: async (descriptor, signal) => ((await isHere(descriptor)) ? here : home).document(descriptor, signal),
    async *blob(descriptor, signal) {
      yield* ((await isHere(descriptor)) ? here : home).blob(descriptor, signal);
    },
    // What is not here is not sent through here either: the registry takes it from the other repository.
    ...(absent.size > 0 && home.origin !== undefined && { origin: home.origin }),
  };
  const replaced = new Map(
    stored.images.flatMap(({ manifest }, i) => {
      const image = images[i];
      return image === undefined ? [] : [[manifest.digest, image]];
    }),
  );
  const ours = indexOf(stored.rawIndex, content, stored.descriptor);
  const moved = known === undefined ? await movedAttestations(ours, here, replaced, work.signal) : undefined;
  const index = replaceManifests(ours, replaced, moved);
  if (known === undefined) return index;
  const raw = new TextEncoder().encode(known.text);
  const original = decodeImageIndex(raw, known.mediaType).manifests.map(({ digest }) => digest);
  const isSame = original.join() === index.index.manifests.map(({ digest }) => digest).join();
  return isSame ? indexOf(raw, index.content) : index;
}

/**
 * The attestations that speak of manifests of the store, as they speak of those that the registry gets, by their digests. One that
 * came from a registry speaks of what was there, and stays.
 */
async function movedAttestations(
  { index }: MultiPlatformImage,
  content: ContentSource,
  images: ReadonlyMap<Digest, Image>,
  signal: AbortSignal,
): Promise<ReadonlyMap<Digest, Artifact>> {
  const moved = new Map<Digest, Artifact>();
  for (const attestation of await indexAttestations({ index, content }, signal)) {
    const image = images.get(attestation.attested);
    if (image === undefined || image.descriptor.digest === attestation.attested) continue;
    const artifact = await moveAttestation(attestation, image.descriptor, signal);
    if (artifact !== undefined) moved.set(attestation.artifact.descriptor.digest, artifact);
  }
  return moved;
}

/** The image as the manifest that a registry had, if its layers can still be had in that form. */
export async function asItWas(image: StoredImage, target: Reference, work: PushWork): Promise<Image | undefined> {
  const known = await work.store.remotes.document(image.manifest.digest);
  if (known === undefined) return undefined;
  const raw = new TextEncoder().encode(known.text);
  const layers = await knownLayers(image, decodeManifest(raw, known.mediaType).layers, known, target, work);
  return layers && imageOfLayers(raw, image.rawConfig, layers);
}

async function checkThere(
  entry: Descriptor,
  home: ContentSource,
  target: Reference,
  signal: AbortSignal,
): Promise<void> {
  try {
    await home.document(entry, signal);
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== 'REGISTRY_NOT_FOUND') throw error;
    const what = entry.platform === undefined ? entry.digest.slice(7, 19) : formatPlatform(entry.platform);
    throw new OciError(
      'PLATFORM_INVALID',
      `cannot push the index to ${formatReference(target)}: its image for ${what} is neither in the store nor in the registry; pull it with --platform all, or push one platform with --platform`,
      { cause: error },
    );
  }
}
