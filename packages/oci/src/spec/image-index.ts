import { decodeDescriptor } from './descriptor.ts';
import type { Descriptor } from './descriptor.ts';
import { isDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { Field } from './json-document.ts';
import type { DocumentKind } from './json-document.ts';
import { isIndexType, MediaType } from './media-type.ts';
import { platformFit } from './platform.ts';
import type { Platform } from './platform.ts';

/** An image index (image-spec image-index.md) or Docker manifest list: one name, several platforms. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  /** Of images, attestations, or further indexes; in the order of preference. */
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const KIND: DocumentKind = { name: 'image index', code: 'INDEX_INVALID' };

/** Many more than any real index has; keeps a hostile one from costing memory and lookups without end. */
const MANIFESTS_LIMIT = 10_000;

/**
 * Decodes an index. A document that could also be read as a manifest is refused (CVE-2021-41190).
 * @throws OciError `INDEX_INVALID`, `LIMIT_EXCEEDED`
 */
export function decodeImageIndex(bytes: Uint8Array, expectedType?: string): ImageIndex {
  const root = Field.parse(bytes, KIND);
  root.refuseCaseVariants(['schemaVersion', 'mediaType', 'manifests', 'config', 'layers']);
  if (root.member('schemaVersion').value !== 2) root.member('schemaVersion').fail('must be 2');
  for (const key of ['config', 'layers', 'fsLayers']) {
    if (root.member(key).value !== undefined) {
      root.member(key).fail('belongs to a manifest; a document cannot be both');
    }
  }
  const mediaType = root.member('mediaType').optional((f) => f.string()) ?? MediaType.ociIndex;
  if (!isIndexType(mediaType))
    root.member('mediaType').fail(`is ${mediaType}, which is not the type of an image index`);
  if (expectedType !== undefined && root.member('mediaType').present && mediaType !== expectedType) {
    root.member('mediaType').fail(`is ${mediaType}, but ${expectedType} was announced`);
  }
  const manifests = root.member('manifests');
  // Go writes null for an empty list, and several tools have written such an index.json.
  const items = manifests.value === null ? [] : manifests.items();
  if (items.length > MANIFESTS_LIMIT) manifests.fail(`has ${items.length} entries, the limit is ${MANIFESTS_LIMIT}`);
  const annotations = root.member('annotations').optional((f) => f.stringMap());
  return {
    schemaVersion: 2,
    mediaType,
    manifests: items.map(decodeDescriptor),
    ...(annotations !== undefined && { annotations }),
  };
}

/** True for what BuildKit stores beside images: provenance and SBOM documents dressed as manifests. */
export function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';
}

/** The annotation by which an attestation says which manifest it speaks of (BuildKit, attestation-storage.md). */
export const ATTESTED = 'vnd.docker.reference.digest';

/** The value for the manifest that an entry's annotations speak of; undefined for entries that speak of none of these. */
export function ofAttested<T>(annotations: Descriptor['annotations'], values: ReadonlyMap<Digest, T>): T | undefined {
  const digest = annotations?.[ATTESTED];
  return digest !== undefined && isDigest(digest) ? values.get(digest) : undefined;
}

/** The entry that runs best on `platform`; the first of equals; undefined when none does. */
export function selectManifest(index: ImageIndex, platform: Platform): Descriptor | undefined {
  let best: Descriptor | undefined;
  let bestFit = 0;
  for (const entry of index.manifests) {
    if (entry.platform === undefined || isAttestation(entry)) continue;
    const fit = platformFit(platform, entry.platform);
    if (fit > bestFit) [best, bestFit] = [entry, fit];
  }
  return best;
}
