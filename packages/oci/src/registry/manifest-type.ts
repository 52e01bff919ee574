import { OciError } from '../spec/oci-error.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { Field } from '../spec/json-document.ts';
import { decodeManifest } from '../spec/manifest.ts';
import { isIndexType, isManifestType, MediaType } from '../spec/media-type.ts';

/** What we can read, for Accept. */
export const ACCEPTED_MANIFESTS: string = [
  MediaType.ociIndex,
  MediaType.ociManifest,
  MediaType.dockerManifestList,
  MediaType.dockerManifest,
].join(', ');

/** The types by which a server says that it does not know the type. */
const VAGUE: ReadonlySet<string> = new Set(['', 'application/json', 'application/octet-stream', 'text/plain']);

/** A Content-Type without its parameters, in lower case. */
export function plainType(header: string | undefined): string {
  return (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/**
 * The media type of a manifest or index, after checking that document, header and shape agree: a document that one
 * reader takes for an index and another for a manifest is an attack (CVE-2021-41190).
 * @throws OciError `MANIFEST_INVALID`, `INDEX_INVALID`
 */
export function manifestType(bytes: Uint8Array, contentType: string | undefined): string {
  const announced = plainType(contentType);
  const root = Field.parse(bytes, { name: 'manifest', code: 'MANIFEST_INVALID' });
  const type = VAGUE.has(announced) ? typeInside(root) : announced;
  const expected = VAGUE.has(announced) ? undefined : type;
  if (isIndexType(type)) return decodeImageIndex(bytes, expected).mediaType;
  if (isManifestType(type) || /\.manifest\.v1\+(?:json|prettyjws)$/.test(type)) {
    return decodeManifest(bytes, expected).mediaType;
  }
  throw new OciError(
    'MANIFEST_INVALID',
    `manifest: ${JSON.stringify(type.slice(0, 100))} is not the type of an image or an index`,
  );
}

function typeInside(root: Field): string {
  const own = root.member('mediaType').optional((field) => field.string());
  if (own !== undefined) return own;
  return root.member('manifests').present ? MediaType.ociIndex : MediaType.ociManifest;
}
