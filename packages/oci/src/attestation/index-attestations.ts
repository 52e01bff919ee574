import type { Artifact, ArtifactFile } from '../image/artifact.ts';
import { artifactFrom, withArtifact } from '../image/artifact.ts';
import { readSmall } from '../image/content-source.ts';
import { addEntry } from '../image/index-building.ts';
import type { MultiPlatformImage } from '../image/index-building.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { type Digest, isDigest } from '../spec/digest.ts';
import { ATTESTED, isAttestation } from '../spec/image-index.ts';
import { OciError } from '../spec/oci-error.ts';
import { PREDICATE_TYPE, UNKNOWN_PLATFORM } from './attestation-manifest.ts';
import { decodeStatement, type InTotoStatement, STATEMENT_SIZE_LIMIT, STATEMENT_TYPE } from './statement.ts';

/**
 * The entry of an index that leads to an attestation: for no platform, with annotations that say of which image it speaks.
 * @param attested the manifest of that image
 */
export function attestationEntry({ descriptor }: Pick<Artifact, 'descriptor'>, attested: Digest): Descriptor {
  const { mediaType, digest, size } = descriptor;
  const annotations = { [ATTESTED]: attested, 'vnd.docker.reference.type': 'attestation-manifest' };
  return { mediaType, digest, size, platform: UNKNOWN_PLATFORM, annotations };
}

/**
 * Adds an attestation behind the entries that there are, where engines look last.
 * @param attested the manifest of the image that it is about
 * @example
 *   const index = addAttestation(indexOfImages([image]), attestation, image.descriptor.digest);
 */
export function addAttestation(image: MultiPlatformImage, attestation: Artifact, attested: Digest): MultiPlatformImage {
  return addEntry(image, attestationEntry(attestation, attested), withArtifact(attestation, image.content));
}

/** A statement of an index, whose bytes are read when it is asked for. */
export interface AttestationFile {
  readonly predicateType: string;
  /** @throws OciError `STATEMENT_INVALID`, `LIMIT_EXCEEDED`, `BLOB_CORRUPT`, and of the place */
  read(signal?: AbortSignal): Promise<InTotoStatement>;
}

/** What an index says of one of its images. */
export interface ImageAttestation {
  /** The manifest of the image, as the index names it. */
  readonly attested: Digest;
  readonly artifact: Artifact;
  /** Bare statements; signed ones (DSSE) are left to those who verify them. */
  readonly statements: readonly AttestationFile[];
}

/**
 * The attestations of an index, in the order of its entries; those that are not where the index was read from are left out.
 * Nobody has checked who wrote them.
 * @throws OciError `MANIFEST_INVALID`, and of the place
 * @example
 *   for (const { attested, statements } of await indexAttestations(await indexFromRegistry(client, reference))) …
 */
export async function indexAttestations(
  { index, content }: Pick<MultiPlatformImage, 'index' | 'content'>,
  signal?: AbortSignal,
): Promise<readonly ImageAttestation[]> {
  const found: ImageAttestation[] = [];
  for (const entry of index.manifests) {
    const attested = entry.annotations?.[ATTESTED];
    if (!isAttestation(entry) || !isDigest(attested)) continue;
    try {
      const { mediaType, digest, size } = entry;
      const artifact = await artifactFrom(content, { mediaType, digest, size }, signal);
      found.push({ attested, artifact, statements: artifact.files.filter(isStatement).map(attestationFile) });
    } catch (error) {
      if (!(error instanceof OciError) || error.code !== 'BLOB_NOT_FOUND') throw error;
    }
  }
  return found;
}

function isStatement({ descriptor }: ArtifactFile): boolean {
  return descriptor.mediaType === STATEMENT_TYPE;
}

function attestationFile({ descriptor, open }: ArtifactFile): AttestationFile {
  return {
    predicateType: descriptor.annotations?.[PREDICATE_TYPE] ?? '',
    read: async (signal) => decodeStatement(await readSmall(open(signal), descriptor, STATEMENT_SIZE_LIMIT)),
  };
}
