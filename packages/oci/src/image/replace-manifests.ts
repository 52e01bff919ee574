import { type Artifact, withArtifact } from './artifact.ts';
import { withContentOf } from './content-source.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { ATTESTED, ofAttested } from '../spec/image-index.ts';
import { editObject, joinArray, setMembers, splitArray, splitObject } from '../spec/json-edit.ts';
import type { Image } from './image-value.ts';
import { indexOf } from './index-building.ts';
import type { MultiPlatformImage } from './index-building.ts';

/**
 * The index with other forms of some of its images in their places, such as the ones with compressed layers: entries keep
 * what they say beside type, digest and size, and attestations follow the manifests that they speak of.
 * @param images the new ones, by the digests of the manifests that they replace
 * @param attestations of those attestations that speak of the new manifests now, likewise
 * @example
 *   const zipped = await withCompression(await selectImage(index, platform), { blobs, compression: 'gzip' });
 *   const changed = replaceManifests(index, new Map([[entry.digest, zipped]]));
 */
export function replaceManifests(
  image: MultiPlatformImage,
  images: ReadonlyMap<Digest, Image>,
  attestations: ReadonlyMap<Digest, Artifact> = new Map(),
): MultiPlatformImage {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(image.rawIndex);
  const entries = splitArray(splitObject(text).get('manifests') ?? '[]');
  const changed = image.index.manifests.map((entry, i) =>
    changedEntry(entry, entries[i] ?? '{}', images, attestations),
  );
  const withImages = [...images.values()].reduce((below, one) => withContentOf(one, below), image.content);
  const content = [...attestations.values()].reduce((below, one) => withArtifact(one, below), withImages);
  const manifests = joinArray(changed);
  if (manifests === joinArray(entries)) return { ...image, content };
  return indexOf(new TextEncoder().encode(editObject(text, { manifests })), content);
}

function changedEntry(
  entry: Descriptor,
  text: string,
  images: ReadonlyMap<Digest, Image>,
  attestations: ReadonlyMap<Digest, Artifact>,
): string {
  const replacement = (images.get(entry.digest) ?? attestations.get(entry.digest))?.descriptor;
  const replaced = replacement === undefined ? text : setMembers(text, pointer(replacement));
  const subject = ofAttested(entry.annotations, images);
  if (subject === undefined || images.has(entry.digest)) return replaced;
  const annotations = setMembers(splitObject(text).get('annotations'), { [ATTESTED]: subject.descriptor.digest });
  return editObject(replaced, { annotations });
}

function pointer({ mediaType, digest, size }: Descriptor): Pick<Descriptor, 'mediaType' | 'digest' | 'size'> {
  return { mediaType, digest, size };
}
