import { decodeDescriptor } from './descriptor.ts';
import type { Descriptor } from './descriptor.ts';
import { Field } from './json-document.ts';
import type { DocumentKind } from './json-document.ts';
import { isConfigType, isLayerType, isManifestType, MediaType } from './media-type.ts';

/** An image manifest (image-spec manifest.md, or Docker's image manifest v2 schema 2, which has the same shape). */
export interface Manifest {
  readonly schemaVersion: 2;
  /** As the document says; the OCI type where it says nothing. */
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  /** What this is, when it is no image. */
  readonly artifactType?: string;
  /** The manifest that this one says something of: a signature's image. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** True for an image; false for an artifact: a signature, a document, a chart (image-spec manifest.md, "Guidelines for Artifact Usage"). */
export function isImageManifest({ config, layers }: Manifest): boolean {
  // Cosign dresses signatures as images; their layers tell.
  return isConfigType(config.mediaType) && layers.every(({ mediaType }) => isLayerType(mediaType));
}

const KIND: DocumentKind = { name: 'manifest', code: 'MANIFEST_INVALID' };

/**
 * Decodes a manifest. A document that could also be read as an index is refused (CVE-2021-41190), as is one whose
 * `mediaType` differs from `expectedType`, the type of the descriptor or HTTP header that led here.
 * @throws OciError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`
 */
export function decodeManifest(bytes: Uint8Array, expectedType?: string): Manifest {
  const root = Field.parse(bytes, KIND);
  root.refuseCaseVariants(['schemaVersion', 'mediaType', 'manifests', 'config', 'layers']);
  if (root.member('schemaVersion').value === 1 || root.member('fsLayers').present) {
    root.fail('is of schema version 1, which is no longer supported; push the image again with a current Docker');
  }
  if (root.member('schemaVersion').value !== 2) root.member('schemaVersion').fail('must be 2');
  if (root.member('manifests').value !== undefined) {
    root.member('manifests').fail('belongs to an index; a document cannot be both');
  }
  const mediaType = root.member('mediaType').optional((f) => f.string()) ?? MediaType.ociManifest;
  if (!isManifestType(mediaType))
    root.member('mediaType').fail(`is ${mediaType}, which is not the type of an image manifest`);
  if (expectedType !== undefined && root.member('mediaType').present && mediaType !== expectedType) {
    root.member('mediaType').fail(`is ${mediaType}, but ${expectedType} was announced`);
  }
  const artifactType = root.member('artifactType').optional((f) => f.string());
  const subject = root.member('subject').optional(decodeDescriptor);
  const annotations = root.member('annotations').optional((f) => f.stringMap());
  return {
    schemaVersion: 2,
    mediaType,
    config: decodeDescriptor(root.member('config')),
    layers: root.member('layers').items().map(decodeDescriptor),
    ...(artifactType !== undefined && { artifactType }),
    ...(subject !== undefined && { subject }),
    ...(annotations !== undefined && { annotations }),
  };
}
