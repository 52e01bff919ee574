import { type Descriptor, type Digest, digestHex, OciError, parseReference, type Reference } from '@tsbuild/oci';
import type { RegistryClient } from '@tsbuild/oci/node';
import { cacheFlag, type CacheSpec, specText } from '../../flags/cache-spec.ts';
import type { CacheBackend, FoundHints, ListedRecord, RecordToPut, SharedBlob } from '../cache-backend.ts';
import { foreignContent } from '../foreign-content.ts';
import { blobsOfRecord } from '../../record/record-blobs.ts';
import { once, readBytes } from '../../bytes.ts';
import type { BackendAccess } from '../backend-access.ts';
import {
  type CarrierImage,
  encodeHintsImage,
  encodeRecordImage,
  hintTextsOf,
  hintTextsOfLayer,
  packOf,
  recordTextOf,
} from '../record-image.ts';

/** Tags of records: `k1-` and the key. Another version of the record's format gets another number. */
const TAG = /^k1-([0-9a-f]{64})$/;

/**
 * Records in a repository of an OCI registry: one ordinary image for each key, tagged by the key, so that no registry
 * refuses it, different keys never collide, and one GET answers. The hints lie under the reference's own tag, or beside it
 * where that holds something else.
 */
export function openRegistryBackend(spec: CacheSpec, access: BackendAccess): CacheBackend {
  return new RegistryBackend(spec, access);
}

class RegistryBackend implements CacheBackend {
  readonly name: string;
  readonly spec: string;
  readonly scope: string;
  readonly repository: { readonly registry: string; readonly repository: string };
  readonly #client: RegistryClient;
  readonly #hints: Reference;
  /** Whether somebody else's content is under the reference's tag; undefined before that was looked at. */
  #isForeign: boolean | undefined;

  constructor(spec: CacheSpec, access: BackendAccess) {
    const reference = parseReference(spec.attributes.get('ref') ?? '');
    const { registry, repository } = reference;
    const insecure = cacheFlag(spec, 'registry.insecure', false) ? [registry] : [];
    this.name = `registry ${spec.attributes.get('ref') ?? ''}`;
    this.spec = specText(spec);
    this.scope = spec.attributes.get('scope') ?? repository;
    this.repository = { registry, repository };
    this.#client = access.client({ insecure });
    this.#hints = { ...reference, tag: reference.tag ?? 'latest' };
  }

  async find(key: Digest, signal: AbortSignal): Promise<string | undefined> {
    const manifest = await this.#manifest({ ...this.repository, tag: `k1-${digestHex(key)}` }, signal);
    if (manifest === undefined) return undefined;
    // What somebody put there that is no record of this version: judged as a record that says nothing.
    return recordTextOf(manifest) ?? '';
  }

  async hints(signal: AbortSignal): Promise<FoundHints> {
    const own = await this.#hintsAt(this.#hints, signal);
    this.#isForeign = own.kind === 'foreign';
    if (own.kind !== 'foreign') return own;
    const beside = await this.#hintsAt(this.#place(), signal);
    return beside.kind === 'hints' ? { ...beside, foreign: own.what } : own;
  }

  async #hintsAt(place: Reference, signal: AbortSignal): Promise<FoundHints> {
    const manifest = await this.#manifest(place, signal);
    if (manifest === undefined) return { kind: 'nothing' };
    const found = hintTextsOf(manifest);
    if (found === undefined) return { kind: 'foreign', what: foreignContent(manifest) };
    const indexes = packOf(manifest);
    const pack = indexes === undefined ? {} : { pack: indexes };
    if (!('layer' in found)) return { kind: 'hints', texts: found, ...pack };
    const packed = await readBytes(this.open(found.layer, signal), found.layer.size);
    return { kind: 'hints', texts: hintTextsOfLayer(packed) ?? [], ...pack };
  }

  open(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#client.blob({ ...this.repository, digest: blob.digest }, blob, signal);
  }

  async put(record: RecordToPut, signal: AbortSignal): Promise<void> {
    const image = encodeRecordImage(record);
    const tag = `k1-${digestHex(record.key)}`;
    await this.#storeParts(record.blobs, image, signal);
    await this.#storeManifest({ ...this.repository, tag }, image, signal);
  }

  /** @throws OciError; of one whose layers went meanwhile, `REGISTRY_ERROR` with the code MANIFEST_BLOB_UNKNOWN */
  async putHints(records: readonly RecordToPut[], signal: AbortSignal, pack?: SharedBlob): Promise<void> {
    if (this.#isForeign === undefined) await this.hints(signal);
    const image = encodeHintsImage(records, pack);
    await this.#storeParts(pack === undefined ? [] : [pack], image, signal);
    await this.#client.pushManifest(this.#place(), image.manifest.descriptor, image.manifest.bytes, signal);
  }

  async *list(signal: AbortSignal): AsyncIterable<ListedRecord> {
    for await (const tag of this.#client.tags({ ...this.repository, tag: 'latest' }, signal)) {
      const hex = TAG.exec(tag)?.[1];
      if (hex === undefined) continue;
      const key: Digest = `sha256:${hex}`;
      const text = await this.find(key, signal);
      if (text !== undefined)
        yield { key, text, size: blobsOfRecord(text).reduce((sum, { blob }) => sum + blob.size, 0) };
    }
  }

  async remove(key: Digest, signal: AbortSignal): Promise<void> {
    const tagged = { ...this.repository, tag: `k1-${digestHex(key)}` };
    // By its digest, which every registry that deletes at all can do: each record's manifest names its key, so that no
    // other tag has the same.
    const { digest } = await this.#client.resolve(tagged, signal);
    await this.#client.delete({ ...this.repository, digest }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }

  /** Where our hints lie. */
  #place(): Reference {
    return this.#isForeign === true ? { ...this.#hints, tag: `${this.#hints.tag ?? ''}.tsbuild` } : this.#hints;
  }

  async #manifest(reference: Reference, signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      return (await this.#client.manifest(reference, signal)).bytes;
    } catch (error) {
      if (error instanceof OciError && error.code === 'REGISTRY_NOT_FOUND') return undefined;
      throw error;
    }
  }

  async #storeParts(
    blobs: readonly SharedBlob[],
    { config, ownLayers }: CarrierImage,
    signal: AbortSignal,
  ): Promise<void> {
    const carried = [config, ...ownLayers].map(({ descriptor, bytes }) => ({
      descriptor,
      open: () => once(bytes),
      from: undefined,
    }));
    const parts = [...blobs.map(({ blob, open, origin }) => ({ descriptor: blob, open, from: origin })), ...carried];
    await Promise.all(
      parts.map(({ descriptor, open, from }) => {
        const mountFrom = from?.registry === this.repository.registry ? from.repository : undefined;
        return this.#client.pushBlob({ ...this.repository, digest: descriptor.digest }, descriptor, open, {
          mountFrom,
          signal,
        });
      }),
    );
  }

  async #storeManifest(target: Reference, { manifest }: CarrierImage, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.pushManifest(target, manifest.descriptor, manifest.bytes, signal);
    } catch (error) {
      // A tag that may not change (ECR, Harbor, Artifact Registry) has its record already.
      if (error instanceof OciError && /immutable/i.test(error.message)) return;
      throw error;
    }
  }
}
