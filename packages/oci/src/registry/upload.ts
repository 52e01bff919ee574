import { nodeHasher } from '../blob/directory-writer.ts';
import { verified } from '../blob/verify.ts';
import type { Descriptor } from '../spec/descriptor.ts';
import { digestAlgorithm } from '../spec/digest.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Reference } from '../spec/reference.ts';
import { checkDescriptor, checkReference } from './checked-input.ts';
import { sendChunks } from './chunked-upload.ts';
import type { Endpoint } from './endpoint.ts';
import type { HttpResponse } from './http-response.ts';
import { isTransient, retryDelay } from './retry.ts';
import { pullScope, pushScope } from './scope.ts';
import type { Scope } from './scope.ts';
import type { Session } from './session.ts';
import { uploadLocation, withDigest } from './upload-request.ts';
import type { Upload } from './upload-request.ts';

/** Blobs up to the size of one chunk go in a single request; pieces of this size are held in memory. In bytes. */
const DEFAULT_CHUNK = 8 * 1024 * 1024;

/** A registry may ask for larger chunks (OCI-Chunk-Min-Length), but not for all our memory. In bytes. */
const CHUNK_LIMIT = 256 * 1024 * 1024;

/** How to store a blob. */
export interface PushBlobOptions {
  /** A repository of the same registry that may have the blob; it is then taken from there without sending it. */
  readonly mountFrom?: string | undefined;
  /**
   * Larger blobs are sent in pieces of this many bytes, so that an interruption costs one piece; `Infinity` for one piece
   * always. A registry that refuses a piece gets this blob and all later ones in one. Default 8 MiB.
   */
  readonly chunkBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Whether a repository has a blob. */
export async function hasBlob(
  session: Session,
  reference: Reference,
  digest: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  checkReference({ ...reference, tag: 'latest' });
  checkDescriptor({ digest, size: 0 });
  const endpoint = await session.endpoint(reference.registry, signal);
  return await isThere(session, endpoint, reference.repository, digest, pullScope(reference.repository), signal);
}

async function isThere(
  session: Session,
  endpoint: Endpoint,
  repository: string,
  digest: Digest,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const response = await session.send(endpoint, {
    method: 'HEAD',
    url: new URL(`${repository}/blobs/${digest}`, endpoint.base),
    what: `cannot look for blob ${digest} in ${endpoint.registry}/${repository}`,
    expect: [200, 404],
    scope,
    signal,
  });
  await response.discard();
  return response.status === 200;
}

/** Stores a blob, unless it is there already or can be mounted. `open` is called again when a transfer has to begin anew. */
export async function uploadBlob(
  session: Session,
  reference: Reference,
  descriptor: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  options: PushBlobOptions,
): Promise<'exists' | 'mounted' | 'uploaded'> {
  const { mountFrom, signal } = options;
  checkReference({ ...reference, tag: 'latest' });
  checkDescriptor(descriptor);
  if (mountFrom !== undefined) checkReference({ registry: reference.registry, repository: mountFrom, tag: 'latest' });
  const leave = await session.uploads.enter(signal);
  try {
    const { digest, size } = descriptor;
    const report = (transferred: number, done: boolean, note?: 'exists' | 'mounted'): void => {
      session.uploads.moved();
      const noted = note === undefined ? {} : { note };
      session.onProgress({ kind: 'upload', digest, transferred, total: size, done, ...noted });
    };
    const upload: Upload = {
      session,
      endpoint: await session.endpoint(reference.registry, signal),
      repository: reference.repository,
      descriptor,
      open,
      scope: pushScope(reference.repository),
      what: `cannot store blob ${digest} in ${reference.registry}/${reference.repository}`,
      signal,
      progress: (sent) => report(sent, false),
    };
    const outcome = await store(upload, options);
    report(size, true, outcome === 'uploaded' ? undefined : outcome);
    return outcome;
  } finally {
    leave();
  }
}

async function store(
  upload: Upload,
  { mountFrom, chunkBytes = DEFAULT_CHUNK }: PushBlobOptions,
): Promise<'exists' | 'mounted' | 'uploaded'> {
  const { session, descriptor, endpoint } = upload;
  if (await exists(upload)) return 'exists';
  const mounted = mountFrom === undefined ? undefined : await mount(upload, mountFrom);
  if (mounted === 'mounted') return 'mounted';
  let started = mounted ?? (await begin(upload));
  for (let failures = 1; ; failures++) {
    try {
      const chunk = Math.max(2, Math.trunc(chunkBytes), started.minimum);
      if (descriptor.size > chunk && !session.wantsWhole(endpoint)) {
        if ((await sendChunks(upload, started.location, chunk)) === 'done') return 'uploaded';
        // Nexus refuses the second of two that finish one blob: that says nothing of chunks (sonatype/nexus-public#967).
        if (await exists(upload)) return 'uploaded';
        session.refusedChunks(endpoint);
        started = await begin(upload);
      }
      await sendWhole(upload, started.location);
      return 'uploaded';
    } catch (error) {
      upload.signal?.throwIfAborted();
      if (!(isTransient(error) || isForgotten(error)) || failures >= session.retry.attempts) throw error;
      await session.clock.sleep(retryDelay(error, failures, session.retry, session.clock), upload.signal);
      // Its last answer may have been lost after all was done.
      if (await exists(upload)) return 'uploaded';
      started = await begin(upload);
    }
  }
}

/** The registry no longer knows the upload: it was cleaned up, or another machine answers now. */
function isForgotten(error: unknown): boolean {
  if (!(error instanceof OciError)) return false;
  const { registryCode } = error.fields;
  return (
    registryCode === 'BLOB_UPLOAD_UNKNOWN' || registryCode === 'BLOB_UPLOAD_INVALID' || registryCode === 'RANGE_INVALID'
  );
}

async function exists(upload: Upload): Promise<boolean> {
  const { session, endpoint, repository, descriptor, scope, signal } = upload;
  return await isThere(session, endpoint, repository, descriptor.digest, scope, signal);
}

interface Started {
  readonly location: URL;
  /** The smallest chunk that the registry takes, in bytes; 0 when it does not say. */
  readonly minimum: number;
}

/**
 * Asks the registry to take the blob over from another repository. It is free to start an upload instead, or to refuse for
 * whatever reason (undefined).
 */
async function mount(upload: Upload, from: string): Promise<'mounted' | Started | undefined> {
  const { session, endpoint, repository, descriptor, what, signal } = upload;
  const url = uploadsUrl(upload);
  url.searchParams.set('mount', descriptor.digest);
  url.searchParams.set('from', from);
  const expect = [201, 202, 400, 401, 403, 404, 405];
  const scope = pushScope(repository, from);
  try {
    const response = await session.send(endpoint, { method: 'POST', url, what, expect, scope, signal });
    await response.discard();
    if (response.status === 201) return 'mounted';
    return response.status === 202 ? startedBy(endpoint, response) : undefined;
  } catch (error) {
    // No token for both repositories: then the blob is sent, for which one of them is enough.
    if (error instanceof OciError && error.code === 'REGISTRY_DENIED') return undefined;
    throw error;
  }
}

async function begin(upload: Upload): Promise<Started> {
  const { session, scope, what, signal } = upload;
  const request = { method: 'POST', url: uploadsUrl(upload), what, expect: [202], scope, signal };
  const response = await session.send(upload.endpoint, request);
  await response.discard();
  return startedBy(upload.endpoint, response);
}

function uploadsUrl({ endpoint, repository }: Upload): URL {
  return new URL(`${repository}/blobs/uploads/`, endpoint.base);
}

function startedBy(endpoint: Endpoint, response: HttpResponse): Started {
  const minimum = Number(/^\d{1,12}$/.exec(response.header('oci-chunk-min-length') ?? '')?.[0] ?? 0);
  if (minimum > CHUNK_LIMIT) {
    const { host } = response.url;
    throw new OciError('LIMIT_EXCEEDED', `${host} requires chunks of ${minimum} bytes, the limit is ${CHUNK_LIMIT}`);
  }
  return { location: uploadLocation(endpoint, response), minimum };
}

/** The blob in one request. */
async function sendWhole(upload: Upload, location: URL): Promise<void> {
  const { session, endpoint, descriptor, scope, what, signal } = upload;
  const response = await session.sendOnce(endpoint, {
    method: 'PUT',
    url: withDigest(location, descriptor.digest),
    headers: { 'Content-Type': 'application/octet-stream' },
    body: { length: descriptor.size, open: () => counted(upload) },
    what,
    expect: [200, 201, 204],
    scope,
    signal,
  });
  await response.discard();
}

async function* counted({ descriptor, open, progress }: Upload): AsyncGenerator<Uint8Array, void, undefined> {
  let sent = 0;
  for await (const chunk of verified(open(), descriptor, nodeHasher(digestAlgorithm(descriptor.digest)))) {
    yield chunk;
    sent += chunk.length;
    progress(sent);
  }
}
