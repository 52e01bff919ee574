import {
  type Descriptor,
  type Digest,
  decodeImageIndex,
  isIndexType,
  OciError,
  parseReference,
  type Reference,
  selectManifest,
} from '@tsbuild/oci';
import { hostPlatform, type RegistryClient } from '@tsbuild/oci/node';
import { BuildError } from '../../../diagnostics/build-error.ts';
import { type CacheSpec, specText } from '../../flags/cache-spec.ts';
import { decodeSharedRecord } from '../../record/shared-record.ts';
import { readBytes } from '../../bytes.ts';
import type { BackendAccess } from '../backend-access.ts';
import type { CacheBackend, FoundHints, ListedRecord } from '../cache-backend.ts';
import { foreignContent, hasBuildKitInlineCache } from '../foreign-content.ts';
import { hintTextsOf } from '../record-image.ts';

/** Bytes of an image's config that is looked at. */
const CONFIG_LIMIT = 4 * 1024 * 1024;

/**
 * `type=inline`: the records of an image's own steps in the annotations of its manifest, and its layers as their blobs. It is
 * only read here; whoever pushes the image writes them.
 */
export class InlineBackend implements CacheBackend {
  readonly name: string;
  readonly spec: string;
  readonly scope: string;
  readonly repository: { readonly registry: string; readonly repository: string };
  readonly #reference: Reference;
  readonly #client: RegistryClient;

  /** @throws BuildError `OPTION_INVALID` without `ref`, OciError `REFERENCE_INVALID` */
  constructor(spec: CacheSpec, access: BackendAccess) {
    const ref = spec.attributes.get('ref');
    if (!ref) throw new BuildError('OPTION_INVALID', 'type=inline needs ref=REGISTRY/REPOSITORY:TAG to be read from');
    const reference = parseReference(ref);
    const { registry, repository } = reference;
    this.name = `image ${ref}`;
    this.spec = specText(spec);
    this.scope = spec.attributes.get('scope') ?? repository;
    this.repository = { registry, repository };
    const isNamed = reference.tag !== undefined || reference.digest !== undefined;
    this.#reference = isNamed ? reference : { ...reference, tag: 'latest' };
    this.#client = access.client({ insecure: [] });
  }

  /** There are no records but the hints, and who wants one has read those. */
  async find(key: Digest, signal: AbortSignal): Promise<string | undefined> {
    for await (const record of this.list(signal)) if (record.key === key) return record.text;
    return undefined;
  }

  async hints(signal: AbortSignal): Promise<FoundHints> {
    signal.throwIfAborted();
    const manifest = await this.#manifest(signal);
    if (manifest === undefined) return { kind: 'nothing' };
    const found = hintTextsOf(manifest);
    if (found !== undefined && !('layer' in found)) return { kind: 'hints', texts: found };
    const what = foreignContent(manifest);
    if (what !== 'an image') return { kind: 'foreign', what };
    return (await this.#isOfBuildKit(manifest, signal))
      ? { kind: 'foreign', what: "BuildKit's inline cache" }
      : { kind: 'nothing' };
  }

  open(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#client.blob({ ...this.repository, digest: blob.digest }, blob, signal);
  }

  async put(): Promise<void> {
    throw readOnly();
  }

  async putHints(): Promise<void> {
    throw readOnly();
  }

  async *list(signal: AbortSignal): AsyncIterable<ListedRecord> {
    const hints = await this.hints(signal);
    for (const text of hints.kind === 'hints' ? hints.texts : []) {
      const record = decodeSharedRecord(text);
      if (typeof record !== 'string') yield { key: record.key, text, size: record.blob?.size ?? 0 };
    }
  }

  async remove(): Promise<void> {
    throw readOnly();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  /** Of an image for several platforms, this machine's. */
  async #manifest(signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const { bytes, descriptor } = await this.#client.manifest(this.#reference, signal);
      if (!isIndexType(descriptor.mediaType)) return bytes;
      const chosen = selectManifest(decodeImageIndex(bytes), hostPlatform());
      if (chosen === undefined) return bytes;
      return (await this.#client.manifest({ ...this.repository, digest: chosen.digest }, signal)).bytes;
    } catch (error) {
      if (error instanceof OciError && error.code === 'REGISTRY_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async #isOfBuildKit(manifest: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const { config } = JSON.parse(new TextDecoder().decode(manifest)) as { readonly config: Descriptor };
    if (config.size > CONFIG_LIMIT) return false;
    return hasBuildKitInlineCache(await readBytes(this.open(config, signal), config.size));
  }
}

function readOnly(): OciError {
  return new OciError('REGISTRY_DENIED', 'an inline cache is written with its image, by pushing that');
}
