import { nodeHasher } from '../blob/directory-writer.ts';
import { checkBlob, corrupt } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm, isDigest } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { DOCUMENT_SIZE_LIMIT } from '../spec/json-document.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';
import { formatReference } from '../spec/reference.ts';
import type { Reference } from '../spec/reference.ts';
import { checkDescriptor, checkReference, manifestName } from './checked-input.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpResponse } from './http-response.ts';
import { ACCEPTED_MANIFESTS, manifestType, plainType } from './manifest-type.ts';
import { responseError } from './network-error.ts';
import { plainText } from './plain-text.ts';
import { isTransient } from './retry.ts';
import { addReferrer, removeReferrer } from './referrers.ts';
import { deleteScope, pullScope, pushScope } from './scope.ts';
import type { ApiRequest, Session } from './session.ts';

/** A manifest or index as the registry has it: its exact bytes, and what they are. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Finds out what a name stands for, by HEAD where the registry answers that in full, else by reading the manifest. */
export async function resolveManifest(
  session: Session,
  reference: Reference,
  signal?: AbortSignal,
): Promise<Descriptor> {
  checkReference(reference);
  return await session.reading(reference, signal, async (endpoint) => {
    // 405 and the like: not every server knows HEAD.
    const expect = [200, 400, 405, 501];
    const response = await session.send(endpoint, manifestRequest(endpoint, reference, 'HEAD', expect, signal));
    await response.discard();
    const found = response.status === 200 ? describeHead(response, reference) : undefined;
    return found ?? (await getManifest(session, endpoint, reference, signal)).descriptor;
  });
}

/** Undefined when the answer does not say enough. */
function describeHead(response: HttpResponse, reference: Reference): Descriptor | undefined {
  const mediaType = plainType(response.header('content-type'));
  const digest = announcedDigest(response);
  const size = response.length;
  if (digest === undefined || size === undefined || !(isManifestType(mediaType) || isIndexType(mediaType)))
    return undefined;
  if (reference.digest !== undefined && digest !== reference.digest)
    throw corrupt(reference.digest, `the registry returned ${digest} instead`, response.url.host);
  return { mediaType, digest, size };
}

/** Reads a manifest, verified: by its own digest, by that of the reference, and as a document of its type. */
export async function readManifest(
  session: Session,
  reference: Reference,
  signal?: AbortSignal,
): Promise<FetchedManifest> {
  checkReference(reference);
  return await session.reading(reference, signal, (endpoint) => getManifest(session, endpoint, reference, signal));
}

async function getManifest(
  session: Session,
  endpoint: Endpoint,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest> {
  const response = await session.send(endpoint, manifestRequest(endpoint, reference, 'GET', [200], signal));
  const announced = announcedDigest(response);
  const bytes = await response.bytes(DOCUMENT_SIZE_LIMIT);
  for (const expected of [reference.digest, announced]) {
    if (expected !== undefined)
      checkBlob({ digest: digestOf(bytes, expected), size: bytes.length }, { digest: expected }, response.url.host);
  }
  const mediaType = manifestType(bytes, response.header('content-type'));
  const digest = reference.digest ?? announced ?? digestOf(bytes, 'sha256:');
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

function manifestRequest(
  endpoint: Endpoint,
  reference: Reference,
  method: string,
  expect: readonly number[],
  signal: AbortSignal | undefined,
): ApiRequest {
  return {
    method,
    url: manifestUrl(endpoint, reference),
    headers: { Accept: ACCEPTED_MANIFESTS },
    what: `cannot read the manifest of ${formatReference(reference)}`,
    expect,
    scope: pullScope(reference.repository),
    signal,
  };
}

/** The header is optional, but what it says must be a digest. */
function announcedDigest(response: HttpResponse): Digest | undefined {
  const text = response.header('docker-content-digest');
  if (text === undefined || isDigest(text)) return text;
  response.destroy();
  throw responseError(response.url, `"${plainText(text, 100)}" is not a digest (Docker-Content-Digest)`);
}

function digestOf(bytes: Uint8Array, like: Digest): Digest {
  const hasher = nodeHasher(digestAlgorithm(like));
  hasher.update(bytes);
  return hasher.digest();
}

function manifestUrl(endpoint: Endpoint, reference: Reference): URL {
  return new URL(`${reference.repository}/manifests/${manifestName(reference)}`, endpoint.base);
}

/**
 * Stores a manifest or index under the tag of the reference, or by its digest when it has none. Where it has a subject
 * and the registry keeps no list of referrers, the list is kept in a tag, as the spec asks of clients.
 */
export async function writeManifest(
  session: Session,
  reference: Reference,
  content: FetchedManifest,
  signal?: AbortSignal,
): Promise<void> {
  checkReference(reference);
  checkDescriptor(content.descriptor);
  const { descriptor, bytes } = content;
  checkBlob({ digest: digestOf(bytes, descriptor.digest), size: bytes.length }, descriptor);
  if (reference.digest !== undefined && reference.digest !== descriptor.digest) {
    throw corrupt(reference.digest, `the manifest to store is ${descriptor.digest}`);
  }
  const { tag = descriptor.digest } = reference;
  const endpoint = await session.endpoint(reference.registry, signal);
  const response = await session.send(endpoint, {
    method: 'PUT',
    url: new URL(`${reference.repository}/manifests/${tag}`, endpoint.base),
    headers: { 'Content-Type': descriptor.mediaType },
    body: { length: bytes.length, open: () => once(bytes) },
    what: `cannot store the manifest of ${formatReference(reference)}`,
    expect: [200, 201, 202],
    scope: pushScope(reference.repository),
    signal,
    mayPass: (error) => isTransient(error) || isReadWhileWritten(error),
  });
  const stored = announcedDigest(response);
  const knowsSubject = response.header('oci-subject') !== undefined;
  await response.discard();
  if (
    stored !== undefined &&
    digestAlgorithm(stored) === digestAlgorithm(descriptor.digest) &&
    stored !== descriptor.digest
  ) {
    throw responseError(response.url, `it stored ${stored} instead of ${descriptor.digest}`);
  }
  if (!knowsSubject) await addReferrer(session, reference, content, signal);
}

/**
 * Registries that keep links in plain files (distribution with its filesystem driver) answer DIGEST_INVALID when another
 * client sends the same blob just then, and they read a link before it is written. The digest was checked here.
 */
function isReadWhileWritten(error: unknown): boolean {
  return error instanceof OciError && error.fields['registryCode'] === 'DIGEST_INVALID';
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/**
 * Deletes a tag, or with a digest the manifest itself and every tag of it.
 * @throws OciError `UNSUPPORTED` when the registry does not delete (so)
 */
export async function deleteManifest(session: Session, reference: Reference, signal?: AbortSignal): Promise<void> {
  checkReference(reference);
  const endpoint = await session.endpoint(reference.registry, signal);
  const gone = await referringManifest(session, reference, signal);
  const response = await session.send(endpoint, {
    method: 'DELETE',
    url: manifestUrl(endpoint, reference),
    what: `cannot delete ${formatReference(reference)}`,
    expect: [200, 202, 204, 400, 405, 501],
    scope: deleteScope(reference.repository),
    signal,
  });
  await response.discard();
  if (response.status < 300) {
    if (gone !== undefined) await removeReferrer(session, reference, gone, signal);
    return;
  }
  const hint =
    reference.digest === undefined
      ? 'it may support deleting only by digest, which removes every tag of the image'
      : 'deleting may be disabled there';
  throw new OciError(
    'UNSUPPORTED',
    `cannot delete ${formatReference(reference)}: ${endpoint.registry} answered ${response.status}; ${hint}`,
    { fields: { status: response.status, registry: endpoint.registry } },
  );
}

/** What is about to be deleted by its digest: it may stand in a list of referrers that is ours to keep. */
async function referringManifest(
  session: Session,
  reference: Reference,
  signal: AbortSignal | undefined,
): Promise<FetchedManifest | undefined> {
  if (reference.digest === undefined) return undefined;
  try {
    return await readManifest(session, reference, signal);
  } catch (error) {
    signal?.throwIfAborted();
    // What cannot be read, or is of another kind, can be deleted all the same.
    if (error instanceof OciError) return undefined;
    throw error;
  }
}
