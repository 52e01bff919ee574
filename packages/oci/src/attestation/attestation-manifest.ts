import { artifactFromManifest } from '../image/artifact.ts';
import type { Artifact } from '../image/artifact.ts';
import { type ContentSource, NO_CONTENT } from '../image/content-source.ts';
import { encodeManifest } from '../image/image.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { type Digest, sha256Digest } from '../spec/digest.ts';
import { encodeImageConfig } from '../spec/image-config.ts';
import { MediaType } from '../spec/media-type.ts';
import { encodeStatement, type InTotoStatement, STATEMENT_TYPE } from './statement.ts';

/** What an attestation manifest of the new form says that it is. */
export const ATTESTATION_TYPE = 'application/vnd.docker.attestation.manifest.v1+json';

/** The annotation of a layer that says what its statement is about, so that readers fetch what they want alone. */
export const PREDICATE_TYPE = 'in-toto.io/predicate-type';

/** What an attestation runs on: engines look for another platform, and pass it over. */
export const UNKNOWN_PLATFORM = { architecture: 'unknown', os: 'unknown' } as const;

/**
 * How a manifest of statements looks (BuildKit's `oci-artifact`): an `artifact` with a subject; or dressed as an `image`, for
 * registries that know no artifacts.
 */
export type AttestationForm = 'artifact' | 'image';

/** What {@link attestationOf} makes a manifest of. */
export interface AttestationParts {
  /** The manifest of the image that the statements are about. */
  readonly attested: Descriptor;
  readonly statements: readonly InTotoStatement[];
  /** `artifact` unless told. */
  readonly form?: AttestationForm;
}

/** image-spec manifest.md, "Guidance for an Empty Descriptor". */
const EMPTY = new TextEncoder().encode('{}');
const EMPTY_CONFIG = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: sha256Digest(EMPTY),
  size: EMPTY.length,
  data: 'e30=',
};

/**
 * Makes the manifest that holds all statements about one image, as BuildKit stores it beside the image. The same parts give
 * the same digest.
 * @see https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 * @example
 *   const attestation = attestationOf({ attested: image.descriptor, statements: [sbom, provenance] });
 *   const index = addAttestation(indexOfImages([image]), attestation, image.descriptor.digest);
 */
export function attestationOf({ attested, statements, form = 'artifact' }: AttestationParts): Artifact {
  const blobs = new Map<Digest, Uint8Array>();
  const layers = statements.map((statement): Descriptor => {
    const bytes = encodeStatement(statement);
    const digest = sha256Digest(bytes);
    blobs.set(digest, bytes);
    const annotations = { [PREDICATE_TYPE]: statement.predicateType };
    return { mediaType: STATEMENT_TYPE, digest, size: bytes.length, annotations };
  });
  const { config, bytes } = form === 'artifact' ? { config: EMPTY_CONFIG, bytes: EMPTY } : imageConfig(layers);
  blobs.set(config.digest, bytes);
  const { mediaType, digest, size } = attested;
  const rawManifest = encodeManifest({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    ...(form === 'artifact' && { artifactType: ATTESTATION_TYPE }),
    config,
    layers,
    ...(form === 'artifact' && { subject: { mediaType, digest, size } }),
  });
  return artifactFromManifest(rawManifest, contentOfBlobs(blobs));
}

/** A config that says nothing but that nothing runs. */
function imageConfig(layers: readonly Descriptor[]): { readonly config: Descriptor; readonly bytes: Uint8Array } {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) } as const;
  const bytes = encodeImageConfig({ ...UNKNOWN_PLATFORM, config: {}, rootfs });
  return { config: { mediaType: MediaType.ociConfig, digest: sha256Digest(bytes), size: bytes.length }, bytes };
}

function contentOfBlobs(blobs: ReadonlyMap<Digest, Uint8Array>): ContentSource {
  return {
    ...NO_CONTENT,
    async *blob(descriptor) {
      const bytes = blobs.get(descriptor.digest);
      if (bytes === undefined) yield* NO_CONTENT.blob(descriptor);
      else yield bytes.slice();
    },
  };
}
