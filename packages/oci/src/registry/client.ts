import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import type { Reference } from '../spec/reference.ts';
import { downloadBlob } from './download.ts';
import { deleteManifest, readManifest, resolveManifest, writeManifest } from './manifests.ts';
import type { FetchedManifest } from './manifests.ts';
import type { RegistryOptions } from './options.ts';
import { listReferrers } from './referrers.ts';
import { Session } from './session.ts';
import { listRepositories, listTags } from './tags.ts';
import { hasBlob, uploadBlob } from './upload.ts';
import type { PushBlobOptions } from './upload.ts';

/**
 * A client of registries (OCI distribution-spec 1.1, and Docker's before it). One client keeps its connections and tokens
 * for all that it does; close it when done. Every method takes a signal, and rejects with the signal's reason.
 *
 * Errors are {@link OciError}s with these codes: `REGISTRY_NOT_FOUND`, `REGISTRY_DENIED` (401, 403), `REGISTRY_ERROR` (other
 * statuses; the field `status` tells which, `registryCode` why), `REGISTRY_UNREACHABLE`, `REGISTRY_TIMEOUT`,
 * `REGISTRY_INTERRUPTED`, `REGISTRY_RESPONSE` (an answer against the specification), `REGISTRY_UNSAFE` (what would have sent
 * secrets or trust astray), `REGISTRY_CREDENTIALS`, `BLOB_CORRUPT`, `MANIFEST_INVALID`, `INDEX_INVALID`, `LIMIT_EXCEEDED`,
 * `REFERENCE_INVALID`, `DIGEST_INVALID`.
 */
export class RegistryClient implements Disposable, AsyncDisposable {
  readonly #session: Session;

  constructor(options: RegistryOptions = {}) {
    this.#session = new Session(options);
  }

  /** What a name stands for now, without reading it where the registry can tell. */
  async resolve(reference: Reference, signal?: AbortSignal): Promise<Descriptor> {
    return await resolveManifest(this.#session, reference, signal);
  }

  /** A manifest or index: its exact bytes, at most 8 MiB, verified against the digests that are known, and its type. */
  async manifest(reference: Reference, signal?: AbortSignal): Promise<FetchedManifest> {
    return await readManifest(this.#session, reference, signal);
  }

  /**
   * The bytes of a blob, from the repository of `reference`. Nothing is asked for before the first `next()`. Verified when
   * it ends: act on no byte before that.
   */
  blob(reference: Reference, descriptor: Descriptor, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return downloadBlob(this.#session, reference, descriptor, signal);
  }

  /** Whether the repository of `reference` has a blob. */
  async hasBlob(reference: Reference, digest: Digest, signal?: AbortSignal): Promise<boolean> {
    return await hasBlob(this.#session, reference, digest, signal);
  }

  /**
   * Stores a blob in the repository of `reference`, unless it is there or can be mounted from another one. `open` is
   * called again when a transfer has to begin anew; its chunks must not be reused by the source while they are sent.
   */
  async pushBlob(
    reference: Reference,
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    options: PushBlobOptions = {},
  ): Promise<'exists' | 'mounted' | 'uploaded'> {
    return await uploadBlob(this.#session, reference, descriptor, open, options);
  }

  /**
   * Stores a manifest or index, after everything that it refers to, under the tag of `reference` or, without one, by its
   * digest. A manifest with a `subject` is entered into the list of referrers.
   */
  async pushManifest(
    reference: Reference,
    descriptor: Descriptor,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<void> {
    await writeManifest(this.#session, reference, { descriptor, bytes }, signal);
  }

  /** The tags of a repository. */
  tags(reference: Reference, signal?: AbortSignal): AsyncIterable<string> {
    return listTags(this.#session, reference, signal);
  }

  /** The repositories of a registry, where it tells. @throws OciError `UNSUPPORTED` where it does not */
  catalog(registry: string, signal?: AbortSignal): AsyncIterable<string> {
    return listRepositories(this.#session, registry, signal);
  }

  /** The manifests that refer to this one as their subject (signatures, SBOMs), perhaps of one type only. */
  async referrers(reference: Reference, artifactType?: string, signal?: AbortSignal): Promise<readonly Descriptor[]> {
    const digest = reference.digest ?? (await this.resolve(reference, signal)).digest;
    return await listReferrers(this.#session, { ...reference, digest }, artifactType, signal);
  }

  /**
   * Deletes a tag, or with a digest the manifest and all its tags. A manifest with a subject goes out of the list of
   * referrers, too.
   */
  async delete(reference: Reference, signal?: AbortSignal): Promise<void> {
    await deleteManifest(this.#session, reference, signal);
  }

  /** Whether a registry takes our credential for it: what a login asks before it keeps one. @throws OciError `REGISTRY_DENIED` */
  async checkAccess(registry: string, signal?: AbortSignal): Promise<void> {
    const endpoint = await this.#session.endpoint(registry, signal);
    const what = `cannot log in to ${registry}`;
    const response = await this.#session.send(endpoint, {
      method: 'GET',
      url: endpoint.base,
      what,
      expect: [200, 404],
      scope: [],
      signal,
    });
    await response.discard();
    if (response.status === 404)
      throw new OciError('REGISTRY_RESPONSE', `${registry} is not a registry: it has no /v2/`);
  }

  /** Ends whatever is under way, and the connections that are kept. */
  close(): void {
    this.#session.close();
  }

  /** The same as {@link close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The same as {@link close}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
