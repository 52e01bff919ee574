import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { nodeHasher } from '../blob/directory-writer.ts';
import { checkBlob } from '../blob/verify.ts';
import { OciError } from '../spec/oci-error.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { Field } from '../spec/json-document.ts';
import { decodeManifest } from '../spec/manifest.ts';
import { isIndexType } from '../spec/media-type.ts';
import { platformFit } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';
import { parseReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { archiveInvalid, withinEntry } from './archive-error.ts';
import type { ArchiveMembers } from './archive-members.ts';
import { blobName, digestOfName } from './blob-name.ts';
import { entryName } from '../layout/index-entries.ts';
import { isImage, manifestFor, manifestsBehind } from '../layout/read-image.ts';
import type { DocumentSource } from '../layout/read-image.ts';

/** An image as an archive describes it: its parts by the names of their entries. */
export interface ArchivedImage {
  readonly configName: string;
  readonly config: Uint8Array;
  /** Lowest first; plain or gzip. */
  readonly layerNames: readonly string[];
  readonly names: readonly Reference[];
  /** Of its manifest, where there is one. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Which images of a multi-platform archive are wanted: the best for a platform, or all. */
export interface WantedPlatforms {
  readonly platform: Platform;
  readonly all: boolean;
  /** The platform was asked for, and no other will do. */
  readonly isAsked?: boolean;
  /** Entries of the layout that are taken otherwise. */
  readonly without?: ReadonlySet<Digest>;
}

/**
 * The images of an archive. `manifest.json` (docker-archive) is preferred where both kinds are in one file, as its names
 * are complete; else `index.json` (an OCI layout in a tar).
 * @throws OciError `ARCHIVE_INVALID`, `UNSUPPORTED`
 */
export async function imagesOf(members: ArchiveMembers, wanted: WantedPlatforms): Promise<readonly ArchivedImage[]> {
  // A docker-archive names one image of an index: not for the platform that somebody asks for.
  const isAsked = wanted.isAsked === true && members.has('index.json');
  if (members.has('manifest.json') && !isAsked) return dockerImages(members);
  if (members.has('index.json')) return ociImages(members, wanted);
  if (members.has('repositories')) {
    throw new OciError(
      'UNSUPPORTED',
      'the archive was saved by a Docker before 1.10, whose format is no longer supported; save it again with a newer Docker',
    );
  }
  throw archiveInvalid(
    members.name,
    'it has neither manifest.json nor index.json, so it is not an image archive (use import for a root filesystem)',
  );
}

async function dockerImages(members: ArchiveMembers): Promise<readonly ArchivedImage[]> {
  const kind = { name: 'cannot load the archive: manifest.json', code: 'ARCHIVE_INVALID' } as const;
  const entries = Field.parse(await members.document('manifest.json'), kind).items();
  const images: ArchivedImage[] = [];
  for (const entry of entries) {
    const configName = entry.member('Config').string();
    const tags = entry.member('RepoTags').optional((field) => field.items()) ?? [];
    images.push({
      configName,
      config: await verifiedDocument(members, configName),
      layerNames: entry.member('Layers').optional((field) => field.strings()) ?? [],
      names: tags.map((tag) => referenceOf(tag)),
    });
  }
  return images;
}

function referenceOf(field: Field): Reference {
  const text = field.string();
  try {
    return parseReference(text);
  } catch (error) {
    return field.fail(error instanceof OciError ? error.message : String(error));
  }
}

/** An entry that is named after its digest must have it. */
async function verifiedDocument(members: ArchiveMembers, name: string): Promise<Uint8Array> {
  const bytes = await members.document(name);
  const digest = digestOfName(name);
  if (digest !== undefined) await withinEntry(name, () => check(bytes, { digest, size: bytes.length }));
  return bytes;
}

function check(bytes: Uint8Array, expected: { readonly digest: Digest; readonly size: number }): void {
  const hasher = nodeHasher(digestAlgorithm(expected.digest));
  hasher.update(bytes);
  checkBlob({ digest: hasher.digest(), size: bytes.length }, expected);
}

async function ociImages(members: ArchiveMembers, wanted: WantedPlatforms): Promise<readonly ArchivedImage[]> {
  const documents = archiveDocuments(members);
  const text = await members.document('index.json');
  const index = await withinEntry('index.json', () => decodeImageIndex(text));
  const images: ArchivedImage[] = [];
  for (const entry of index.manifests) {
    if (wanted.without?.has(entry.digest) === true) continue;
    const name = entryName(entry);
    const names = name === undefined ? [] : [name];
    for (const { manifest, named } of await chosenManifests(documents, entry, wanted)) {
      images.push(await ociImage(members, documents, manifest, named ? names : []));
    }
  }
  return images;
}

/** With all platforms, the name goes to the image that runs here best; a name can mean one image only. */
async function chosenManifests(
  documents: DocumentSource,
  entry: Descriptor,
  wanted: WantedPlatforms,
): Promise<readonly { readonly manifest: Descriptor; readonly named: boolean }[]> {
  return withinEntry('index.json', async () => {
    if (!isIndexType(entry.mediaType) && !(await isImage(documents, entry))) return [];
    if (!wanted.all) return [{ manifest: await manifestFor(documents, entry, wanted.platform), named: true }];
    const manifests = await manifestsBehind(documents, entry);
    const fit = ({ platform }: Descriptor): number =>
      platform === undefined ? 0 : platformFit(wanted.platform, platform);
    const best = manifests.toSorted((a, b) => fit(b) - fit(a))[0];
    return manifests.map((manifest) => ({ manifest, named: manifest === best }));
  });
}

/** The image of a manifest of an OCI layout. */
export async function ociImage(
  members: ArchiveMembers,
  documents: DocumentSource,
  descriptor: Descriptor,
  names: readonly Reference[],
): Promise<ArchivedImage> {
  const entry = blobName(descriptor.digest);
  const bytes = await documents.read(descriptor);
  const manifest = await withinEntry(entry, () => decodeManifest(bytes, descriptor.mediaType));
  const config = await documents.read(manifest.config);
  for (const layer of manifest.layers) {
    const member = members.find(blobName(layer.digest));
    if (member === undefined || member.size === layer.size) continue;
    throw archiveInvalid(member.name, `it has ${member.size} bytes instead of ${layer.size}`);
  }
  const layerNames = manifest.layers.map((layer) => blobName(layer.digest));
  const { annotations } = manifest;
  const annotated = annotations === undefined ? {} : { annotations };
  return { configName: blobName(manifest.config.digest), config, layerNames, names, ...annotated };
}

/** The manifests, indexes and configs of an OCI layout, verified. */
export function archiveDocuments(members: ArchiveMembers): DocumentSource {
  return {
    has: async (digest) => members.has(blobName(digest)),
    read: async (descriptor) => {
      const name = blobName(descriptor.digest);
      const bytes = await members.document(name);
      await withinEntry(name, () => check(bytes, descriptor));
      return bytes;
    },
  };
}
