import { canonicalJson } from '../canonical-json.ts';
import type { Descriptor } from '../descriptor.ts';
import type { Digest } from '../digest.ts';
import { decodeImageIndex } from '../image-index.ts';
import { DOCUMENT_SIZE_LIMIT } from '../json-document.ts';
import { decodeManifest } from '../manifest.ts';
import { isManifestType, MediaType } from '../media-type.ts';
import type { Reference } from '../reference.ts';
import { checkReference } from './checked-input.ts';
import { plainType } from './manifest-type.ts';
import { pages } from './pages.ts';
import { pullScope, pushScope } from './scope.ts';
import type { ApiRequest, Session } from './session.ts';

/**
 * What refers to a manifest (signatures, SBOMs): by the referrers API, and where the registry lacks that, by the tag
 * `sha256-<hex>` (distribution-spec, "Referrers Tag Schema").
 */
export async function listReferrers(
  session: Session,
  reference: Reference & { readonly digest: Digest },
  artifactType?: string,
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  checkReference(reference);
  const endpoint = await session.endpoint(reference.registry, signal);
  const query = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType }).toString()}`;
  const request: ApiRequest = {
    method: 'GET',
    url: new URL(`${reference.repository}/referrers/${reference.digest}${query}`, endpoint.base),
    headers: { Accept: MediaType.ociIndex },
    what: `cannot list what refers to ${reference.repository}@${reference.digest}`,
    expect: [200, 400, 404, 405],
    scope: pullScope(reference.repository),
    signal,
  };
  const found: Descriptor[] = [];
  let supported = false;
  for await (const { response, bytes } of pages(session, endpoint, request)) {
    // A server that answers every address with a page of HTML has no such API either.
    if (plainType(response.header('content-type')) !== MediaType.ociIndex) break;
    supported = true;
    found.push(...decodeImageIndex(bytes).manifests);
  }
  const all = supported ? found : await readFallback(session, reference, signal);
  return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType);
}

function fallbackTag(digest: Digest): string {
  return digest.replace(':', '-').slice(0, 128);
}

async function readFallback(
  session: Session,
  reference: Reference & { readonly digest: Digest },
  signal?: AbortSignal,
): Promise<readonly Descriptor[]> {
  const endpoint = await session.endpoint(reference.registry, signal);
  const response = await session.send(endpoint, {
    method: 'GET',
    url: new URL(`${reference.repository}/manifests/${fallbackTag(reference.digest)}`, endpoint.base),
    headers: { Accept: MediaType.ociIndex },
    what: `cannot list what refers to ${reference.repository}@${reference.digest}`,
    expect: [200, 404],
    scope: pullScope(reference.repository),
    signal,
  });
  if (response.status === 404) {
    await response.discard();
    return [];
  }
  const bytes = await response.bytes(DOCUMENT_SIZE_LIMIT);
  return decodeImageIndex(bytes).manifests;
}

/** Puts a manifest that has a subject into the fallback list of that; a manifest without one is nothing to do. */
export async function addReferrer(
  session: Session,
  reference: Reference,
  content: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  signal?: AbortSignal,
): Promise<void> {
  if (!isManifestType(content.descriptor.mediaType)) return;
  const manifest = decodeManifest(content.bytes);
  if (manifest.subject === undefined) return;
  const subject = { registry: reference.registry, repository: reference.repository, digest: manifest.subject.digest };
  const present = await readFallback(session, subject, signal);
  if (present.some((one) => one.digest === content.descriptor.digest)) return;
  const { mediaType, digest, size } = content.descriptor;
  const entry = {
    mediaType,
    digest,
    size,
    artifactType: manifest.artifactType ?? manifest.config.mediaType,
    ...(manifest.annotations !== undefined && { annotations: manifest.annotations }),
  };
  await writeFallback(session, subject, [...present, entry], signal);
}

async function writeFallback(
  session: Session,
  subject: Reference & { readonly digest: Digest },
  manifests: readonly Descriptor[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
  const bytes = Buffer.from(canonicalJson(index));
  const endpoint = await session.endpoint(subject.registry, signal);
  const response = await session.send(endpoint, {
    method: 'PUT',
    url: new URL(`${subject.repository}/manifests/${fallbackTag(subject.digest)}`, endpoint.base),
    headers: { 'Content-Type': MediaType.ociIndex },
    body: {
      length: bytes.length,
      open: async function* open() {
        yield bytes;
      },
    },
    what: `cannot store the list of what refers to ${subject.repository}@${subject.digest}`,
    expect: [200, 201, 202],
    scope: pushScope(subject.repository),
    signal,
  });
  await response.discard();
}
