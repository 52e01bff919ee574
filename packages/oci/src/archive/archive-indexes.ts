import { nodeHasher } from '../blob/directory-writer.ts';
import { verified } from '../blob/verify.ts';
import type { ContentSource } from '../image/content-source.ts';
import { entryName } from '../layout/index-entries.ts';
import { manifestsBehind } from '../layout/read-image.ts';
import type { DocumentSource } from '../layout/read-image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import type { ImageIndex } from '../spec/image-index.ts';
import { isIndexType } from '../spec/media-type.ts';
import { formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { withinEntry } from './archive-error.ts';
import { archiveDocuments, ociImage } from './archive-images.ts';
import type { ArchivedImage } from './archive-images.ts';
import type { ArchiveMembers } from './archive-members.ts';
import { blobName } from './blob-name.ts';

/** An index as an archive holds it, with the images that are in the archive. */
export interface ArchivedIndex {
  readonly digest: Digest;
  readonly index: ImageIndex;
  readonly names: readonly Reference[];
  /** By the digests of their manifests. */
  readonly images: ReadonlyMap<Digest, ArchivedImage>;
  /** What else of the index is in the archive: attestations. */
  readonly artifacts: readonly Descriptor[];
}

/**
 * The indexes of an archive that are worth keeping: whole ones, and those with several images. Of an index with one image of
 * many, as `docker save` of an engine that pulled for its own platform writes it, that image is what is meant.
 * @throws OciError `ARCHIVE_INVALID`, `LIMIT_EXCEEDED`
 */
export async function indexesOf(members: ArchiveMembers): Promise<readonly ArchivedIndex[]> {
  if (!members.has('index.json')) return [];
  const documents = archiveDocuments(members);
  const text = await members.document('index.json');
  const { manifests } = await withinEntry('index.json', () => decodeImageIndex(text));
  const found = new Map<Digest, ArchivedIndex>();
  for (const entry of manifests.filter(({ mediaType }) => isIndexType(mediaType))) {
    const name = entryName(entry);
    const names = name === undefined ? [] : [name];
    const known = found.get(entry.digest);
    const index = known ?? (await indexAt(members, documents, entry));
    if (index !== undefined) found.set(entry.digest, { ...index, names: [...index.names, ...names] });
  }
  return [...found.values()];
}

/** The images without those that an index has under the same names. */
export function withoutIndexed(
  images: readonly ArchivedImage[],
  indexes: readonly ArchivedIndex[],
): readonly ArchivedImage[] {
  return images.flatMap((image) => {
    const own = indexes.filter((index) => [...index.images.values()].some((one) => isSame(one, image)));
    if (own.length === 0) return [image];
    const taken = new Set(own.flatMap(({ names }) => names.map(formatReference)));
    const names = image.names.filter((name) => !taken.has(formatReference(name)));
    return names.length === 0 ? [] : [{ ...image, names }];
  });
}

/** The archive's blobs as a source, for artifacts. */
export function archiveContent(members: ArchiveMembers): ContentSource {
  return {
    document: (descriptor) => archiveDocuments(members).read(descriptor),
    blob: (descriptor) =>
      verified(
        members.read(members.get(blobName(descriptor.digest))),
        descriptor,
        nodeHasher(digestAlgorithm(descriptor.digest)),
      ),
  };
}

/** Undefined when it is not worth keeping, or has indexes within. */
async function indexAt(
  members: ArchiveMembers,
  documents: DocumentSource,
  entry: Descriptor,
): Promise<ArchivedIndex | undefined> {
  const bytes = await documents.read(entry);
  const index = await withinEntry(blobName(entry.digest), () => decodeImageIndex(bytes, entry.mediaType));
  if (index.manifests.some(({ mediaType }) => isIndexType(mediaType))) return undefined;
  const behind = await withinEntry(blobName(entry.digest), () => manifestsBehind(documents, entry));
  const meant = index.manifests.filter((member) => !isAttestation(member));
  if (behind.length === 0 || (behind.length === 1 && meant.length > 1)) return undefined;
  const images = new Map<Digest, ArchivedImage>();
  for (const manifest of behind) images.set(manifest.digest, await ociImage(members, documents, manifest, []));
  const artifacts: Descriptor[] = [];
  for (const member of index.manifests) {
    if (!images.has(member.digest) && (await documents.has(member.digest))) artifacts.push(member);
  }
  return { digest: entry.digest, index, names: [], images, artifacts };
}

function isSame(a: ArchivedImage, b: ArchivedImage): boolean {
  return Buffer.compare(a.config, b.config) === 0;
}
