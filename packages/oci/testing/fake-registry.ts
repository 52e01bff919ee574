import type { Descriptor } from '../src/spec/descriptor.ts';
import { sha256Digest } from '../src/spec/digest.ts';
import type { Digest } from '../src/spec/digest.ts';
import { OciError } from '../src/spec/oci-error.ts';
import { MediaType } from '../src/spec/media-type.ts';
import type { Reference } from '../src/spec/reference.ts';
import type { RegistryReader, RegistryWriter } from '../src/registry/remote-image.ts';

/** Registries in memory behind the client's interface: what images need of it, and a record of what was asked. */
export class FakeRegistry implements RegistryReader, RegistryWriter {
  readonly log: string[] = [];
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #manifests = new Map<string, { readonly descriptor: Descriptor; readonly bytes: Uint8Array }>();

  async manifest(reference: Reference): Promise<{ descriptor: Descriptor; bytes: Uint8Array }> {
    const key = `${repositoryOf(reference)}:${reference.digest ?? reference.tag}`;
    this.log.push(`manifest ${reference.digest === undefined ? reference.tag : 'by digest'}`);
    const found = this.#manifests.get(key);
    if (found === undefined) throw new OciError('IMAGE_NOT_FOUND', `no manifest ${key}`);
    return found;
  }

  async *blob(reference: Reference, descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    this.log.push(`blob ${descriptor.mediaType}`);
    const bytes = this.#blobs.get(`${repositoryOf(reference)}@${descriptor.digest}`);
    if (bytes === undefined) throw new OciError('BLOB_NOT_FOUND', `no blob ${descriptor.digest}`);
    yield bytes;
  }

  async pushBlob(
    reference: Reference,
    descriptor: Descriptor,
    open: () => AsyncIterable<Uint8Array>,
    options: { readonly mountFrom?: string } = {},
  ): Promise<'exists' | 'mounted' | 'uploaded'> {
    const key = `${repositoryOf(reference)}@${descriptor.digest}`;
    if (this.#blobs.has(key)) return this.#did('exists');
    const there =
      options.mountFrom && this.#blobs.get(`${reference.registry}/${options.mountFrom}@${descriptor.digest}`);
    if (there) {
      this.#blobs.set(key, there);
      return this.#did('mounted');
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of open()) chunks.push(chunk);
    this.#blobs.set(key, Buffer.concat(chunks));
    return this.#did('uploaded');
  }

  async pushManifest(reference: Reference, descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    this.log.push(`push ${reference.digest === undefined ? reference.tag : 'by digest'}`);
    const text = new TextDecoder().decode(bytes);
    for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) this.#require(reference, digest as Digest);
    const entry = { descriptor, bytes };
    for (const key of [reference.tag, sha256Digest(bytes)]) {
      if (key !== undefined) this.#manifests.set(`${repositoryOf(reference)}:${key}`, entry);
    }
  }

  #did<T extends string>(what: T): T {
    this.log.push(what);
    return what;
  }

  /** A registry refuses a manifest whose blobs it has not. */
  #require(reference: Reference, digest: Digest): void {
    const repository = repositoryOf(reference);
    if (this.#blobs.has(`${repository}@${digest}`) || this.#manifests.has(`${repository}:${digest}`)) return;
    throw new OciError('MANIFEST_INVALID', `${MediaType.ociManifest}: ${digest} is unknown`);
  }
}

function repositoryOf({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}
