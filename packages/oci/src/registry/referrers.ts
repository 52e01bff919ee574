import { decodeDescriptor } from '../spec/descriptor.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { decodeImageIndex } from '../spec/image-index.ts';
import { DOCUMENT_SIZE_LIMIT, Field } from '../spec/json-document.ts';
import { editObject, joinArray, splitArray, splitObject } from '../spec/json-edit.ts';
import { decodeManifest } from '../spec/manifest.ts';
import { isIndexType, isManifestType, MediaType } from '../spec/media-type.ts';
import type { Reference } from '../spec/reference.ts';
import { checkReference } from './checked-input.ts';
import type { Endpoint } from './endpoint.ts';
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
  const list = supported ? undefined : await readFallback(session, reference, signal);
  const all = list === undefined ? found : decodeImageIndex(list).manifests;
  return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType);
}

function fallbackTag(digest: Digest): string {
  return digest.replace(':', '-').slice(0, 128);
}

/** The list in the tag as it is; undefined when there is none. */
async function readFallback(
  session: Session,
  reference: Reference & { readonly digest: Digest },
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const endpoint = await session.endpoint(reference.registry, signal);
  const response = await session.send(endpoint, {
    method: 'GET',
    url: fallbackUrl(endpoint, reference),
    headers: { Accept: MediaType.ociIndex },
    what: `cannot list what refers to ${reference.repository}@${reference.digest}`,
    expect: [200, 404],
    scope: pullScope(reference.repository),
    signal,
  });
  if (response.status === 200) return await response.bytes(DOCUMENT_SIZE_LIMIT);
  await response.discard();
  return undefined;
}

/**
 * Puts a manifest or index that has a subject into the fallback list of that; one without is nothing to do. What others wrote
 * into the list stays as it is, to the character.
 */
export async function addReferrer(
  session: Session,
  reference: Reference,
  content: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  signal?: AbortSignal,
): Promise<void> {
  const document = referringDocument(content);
  if (document === undefined) return;
  const subject = { registry: reference.registry, repository: reference.repository, digest: document.subject };
  const list = await readFallback(session, subject, signal);
  const present = list === undefined ? [] : decodeImageIndex(list).manifests;
  if (present.some((one) => one.digest === content.descriptor.digest)) return;
  const { mediaType, digest, size } = content.descriptor;
  const { artifactType, annotations } = document;
  const entry = JSON.stringify({ mediaType, digest, size, artifactType, annotations });
  const texts = list === undefined ? [] : entryTexts(list);
  await writeFallback(session, subject, withEntries(list, [...texts, entry]), signal);
}

/**
 * Takes a manifest that was deleted out of the fallback list of its subject, as the spec asks of clients.
 * @param bytes the manifest, read before it was deleted
 */
export async function removeReferrer(
  session: Session,
  reference: Reference,
  content: { readonly descriptor: Descriptor; readonly bytes: Uint8Array },
  signal?: AbortSignal,
): Promise<void> {
  const document = referringDocument(content);
  if (document === undefined) return;
  const subject = { registry: reference.registry, repository: reference.repository, digest: document.subject };
  const list = await readFallback(session, subject, signal);
  if (list === undefined) return;
  const { manifests } = decodeImageIndex(list);
  const kept = entryTexts(list).filter((_, i) => manifests[i]?.digest !== content.descriptor.digest);
  if (kept.length === manifests.length) return;
  await writeFallback(session, subject, withEntries(list, kept), signal);
}

/** What a list says of a manifest or index that has a subject. */
function referringDocument({ descriptor, bytes }: { readonly descriptor: Descriptor; readonly bytes: Uint8Array }):
  | {
      readonly subject: Digest;
      readonly artifactType: string | undefined;
      readonly annotations: Readonly<Record<string, string>> | undefined;
    }
  | undefined {
  if (isIndexType(descriptor.mediaType)) {
    const { annotations } = decodeImageIndex(bytes, descriptor.mediaType);
    const root = Field.parse(bytes, { name: 'image index', code: 'INDEX_INVALID' });
    const subject = root.member('subject').optional(decodeDescriptor);
    const artifactType = root.member('artifactType').optional((field) => field.string());
    return subject && { subject: subject.digest, artifactType, annotations };
  }
  if (!isManifestType(descriptor.mediaType)) return undefined;
  const { subject, artifactType, config, annotations } = decodeManifest(bytes);
  return subject && { subject: subject.digest, artifactType: artifactType ?? config.mediaType, annotations };
}

function entryTexts(list: Uint8Array): readonly string[] {
  const manifests = splitObject(new TextDecoder().decode(list)).get('manifests');
  return manifests === undefined || manifests === 'null' ? [] : splitArray(manifests);
}

function withEntries(list: Uint8Array | undefined, entries: readonly string[]): Uint8Array {
  const text = list === undefined ? undefined : new TextDecoder().decode(list);
  const empty = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex });
  return Buffer.from(editObject(text ?? empty, { manifests: joinArray(entries) }));
}

function fallbackUrl(endpoint: Endpoint, { repository, digest }: Reference & { readonly digest: Digest }): URL {
  return new URL(`${repository}/manifests/${fallbackTag(digest)}`, endpoint.base);
}

async function writeFallback(
  session: Session,
  subject: Reference & { readonly digest: Digest },
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const endpoint = await session.endpoint(subject.registry, signal);
  const response = await session.send(endpoint, {
    method: 'PUT',
    url: fallbackUrl(endpoint, subject),
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
