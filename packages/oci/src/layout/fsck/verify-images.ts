import type { BlobStore } from '../../blob/blob-store.ts';
import { readBlob } from '../../blob/read-blob.ts';
import { chainIDs } from '../../spec/chain-id.ts';
import type { Descriptor } from '../../spec/descriptor.ts';
import type { Digest } from '../../spec/digest.ts';
import { OciError } from '../../spec/oci-error.ts';
import { decodeImageConfig } from '../../spec/image-config.ts';
import { decodeImageIndex } from '../../spec/image-index.ts';
import { decodeManifest } from '../../spec/manifest.ts';
import { isIndexType, isManifestType } from '../../spec/media-type.ts';
import { familiarName } from '../../spec/reference.ts';
import { entryName } from '../index-entries.ts';
import type { IndexEntries } from '../index-entries.ts';
import type { VerifiedBlobs } from './verify-blobs.ts';

/** An entry of `index.json` whose image is not whole. */
export interface BrokenImage {
  readonly entry: Descriptor;
  /** How people call it. */
  readonly name: string;
  readonly why: string;
}

/** Which layer each stack of layers of the store's images ends with, by its chainID. */
export type KnownChains = Map<Digest, Digest>;

/** Follows every entry to its manifests, configs and layers. An index may lack images of other platforms, but not all. */
export async function checkImages(
  blobs: BlobStore,
  entries: IndexEntries,
  checked: VerifiedBlobs,
  chains: KnownChains,
): Promise<readonly BrokenImage[]> {
  const broken: BrokenImage[] = [];
  const walk = new Walk(blobs, checked, chains);
  for (const entry of entries) {
    const why = await walk.fault(entry, 0);
    if (why === undefined) continue;
    const name = entryName(entry);
    broken.push({ entry, name: name === undefined ? entry.digest.slice(0, 19) : familiarName(name), why });
  }
  return broken;
}

const DEPTH_LIMIT = 4;

class Walk {
  readonly #blobs: BlobStore;
  readonly #checked: VerifiedBlobs;
  readonly #chains: KnownChains;
  readonly #known = new Map<Digest, string | undefined>();

  constructor(blobs: BlobStore, checked: VerifiedBlobs, chains: KnownChains) {
    this.#blobs = blobs;
    this.#checked = checked;
    this.#chains = chains;
  }

  async fault(entry: Descriptor, depth: number): Promise<string | undefined> {
    if (this.#known.has(entry.digest)) return this.#known.get(entry.digest);
    const fault = await this.#find(entry, depth);
    this.#known.set(entry.digest, fault);
    return fault;
  }

  async #find(entry: Descriptor, depth: number): Promise<string | undefined> {
    const own = await this.#part(isIndexType(entry.mediaType) ? 'index' : 'manifest', entry);
    if (own !== undefined) return own;
    try {
      if (isIndexType(entry.mediaType)) return await this.#index(entry, depth);
      return isManifestType(entry.mediaType) ? await this.#manifest(entry) : undefined;
    } catch (error) {
      if (error instanceof OciError) return error.message;
      throw error;
    }
  }

  async #index(entry: Descriptor, depth: number): Promise<string | undefined> {
    if (depth >= DEPTH_LIMIT) return `index ${entry.digest} is nested too deep`;
    let present = 0;
    for (const member of decodeImageIndex(await readBlob(this.#blobs, entry), entry.mediaType).manifests) {
      if ((await this.#checked.fault(member.digest)) === 'missing') continue;
      present++;
      const fault = await this.fault(member, depth + 1);
      if (fault !== undefined) return fault;
    }
    return present === 0 ? `no image of index ${entry.digest} is there` : undefined;
  }

  async #manifest(entry: Descriptor): Promise<string | undefined> {
    const { config, layers } = decodeManifest(await readBlob(this.#blobs, entry), entry.mediaType);
    for (const [what, part] of [['config', config] as const, ...layers.map((layer) => ['layer', layer] as const)]) {
      const fault = await this.#part(what, part);
      if (fault !== undefined) return fault;
    }
    if (config.mediaType.endsWith('config.v1+json') || config.mediaType.endsWith('container.image.v1+json')) {
      const { diff_ids } = decodeImageConfig(await readBlob(this.#blobs, config)).rootfs;
      if (diff_ids.length !== layers.length) return `its config names ${diff_ids.length} layers of ${layers.length}`;
      chainIDs(diff_ids).forEach((chain, i) => this.#chains.set(chain, diff_ids[i] ?? chain));
    }
    return undefined;
  }

  async #part(what: string, { digest, size }: Descriptor): Promise<string | undefined> {
    const fault = await this.#checked.fault(digest, size);
    return fault === undefined ? undefined : `its ${what} ${digest} is ${fault}`;
  }
}
