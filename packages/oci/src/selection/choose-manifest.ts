import type { Descriptor } from '../spec/descriptor.ts';
import type { Digest } from '../spec/digest.ts';
import { OciError } from '../spec/oci-error.ts';
import { decodeImageConfig } from '../spec/image-config.ts';
import { decodeImageIndex, isAttestation } from '../spec/image-index.ts';
import type { ImageIndex } from '../spec/image-index.ts';
import { decodeManifest, isImageManifest } from '../spec/manifest.ts';
import { isIndexType, isManifestType } from '../spec/media-type.ts';
import { formatPlatform, PERFECT_FIT, platformFit } from '../spec/platform.ts';
import type { Platform } from '../spec/platform.ts';

/** An index within an index within … : deeper than this is an attack, not an image. */
const INDEX_DEPTH_LIMIT = 4;

/** Where documents are read from: a blob store, an archive, a registry. */
export interface SelectionSource {
  /** Where it can be told: whether a document is there. What is not is passed over. */
  has?(digest: Digest): Promise<boolean>;
  /** The verified bytes of a manifest, index or config. */
  read(descriptor: Descriptor): Promise<Uint8Array>;
}

/** The choice of {@link chooseManifest}. */
export interface ManifestChoice {
  readonly platform: Platform;
  /** An index with one image means that one, whatever its platform; else only when the platform is not told. */
  readonly soleImageIsMeant?: boolean;
}

/**
 * The manifest of an index that runs best on a platform. Entries say what they are for; of those that do not, an index is
 * looked into and an image's config asked, but only while none fits perfectly. Attestations and artifacts are no images.
 * @throws OciError `PLATFORM_INVALID` naming the platforms that there are; `LIMIT_EXCEEDED`, and of the source
 */
export async function chooseManifest(
  source: SelectionSource,
  index: ImageIndex,
  choice: ManifestChoice,
): Promise<Descriptor> {
  const search = new Search(source, choice);
  const found = await search.best(index, 0);
  if (found !== undefined) return found.descriptor;
  throw new OciError(
    'PLATFORM_INVALID',
    `there is no image for ${formatPlatform(choice.platform)}; available: ${search.offered.join(', ') || 'none'}`,
  );
}

interface Candidate {
  readonly descriptor: Descriptor;
  readonly fit: number;
}

class Search {
  /** The platforms that were passed over. */
  readonly offered: string[] = [];
  readonly #source: SelectionSource;
  readonly #choice: ManifestChoice;
  /** A few indexes that name each other many times over hold more ways than anyone can walk. */
  readonly #seen = new Set<Digest>();

  constructor(source: SelectionSource, choice: ManifestChoice) {
    this.#source = source;
    this.#choice = choice;
  }

  async best(index: ImageIndex, depth: number): Promise<Candidate | undefined> {
    const entries = await this.#present(index);
    const [only] = entries;
    if (only !== undefined && entries.length === 1) {
      const isMeant = only.platform === undefined || this.#choice.soleImageIsMeant === true;
      if (isMeant)
        return isIndexType(only.mediaType) ? this.#within(only, depth) : { descriptor: only, fit: PERFECT_FIT };
    }
    let best: Candidate | undefined;
    for (const descriptor of entries) {
      const fit = descriptor.platform === undefined ? 0 : this.#fit(descriptor.platform);
      if (fit > (best?.fit ?? 0)) best = { descriptor, fit };
    }
    if (best !== undefined && isIndexType(best.descriptor.mediaType)) best = await this.#within(best.descriptor, depth);
    for (const descriptor of entries) {
      if (best?.fit === PERFECT_FIT) break;
      if (descriptor.platform !== undefined) continue;
      const found = isIndexType(descriptor.mediaType)
        ? await this.#within(descriptor, depth)
        : await this.#asked(descriptor);
      if (found !== undefined && found.fit > (best?.fit ?? 0)) best = found;
    }
    return best;
  }

  async #present(index: ImageIndex): Promise<readonly Descriptor[]> {
    const present: Descriptor[] = [];
    for (const entry of index.manifests) {
      if (isAttestation(entry)) continue;
      if (this.#source.has === undefined || (await this.#source.has(entry.digest))) present.push(entry);
    }
    return present;
  }

  async #within(descriptor: Descriptor, depth: number): Promise<Candidate | undefined> {
    if (depth === INDEX_DEPTH_LIMIT) {
      throw new OciError('LIMIT_EXCEEDED', `image index ${descriptor.digest} is nested more than ${depth} deep`);
    }
    if (this.#seen.has(descriptor.digest)) return undefined;
    this.#seen.add(descriptor.digest);
    const bytes = await this.#source.read(descriptor);
    return this.best(decodeImageIndex(bytes, descriptor.mediaType), depth + 1);
  }

  /** An entry without a platform: the image's config has it. */
  async #asked(descriptor: Descriptor): Promise<Candidate | undefined> {
    if (!isManifestType(descriptor.mediaType)) return undefined;
    const manifest = decodeManifest(await this.#source.read(descriptor), descriptor.mediaType);
    if (!isImageManifest(manifest)) return undefined;
    const fit = this.#fit(decodeImageConfig(await this.#source.read(manifest.config)));
    return fit === 0 ? undefined : { descriptor, fit };
  }

  #fit(platform: Platform): number {
    const fit = platformFit(this.#choice.platform, platform);
    if (fit === 0) this.offered.push(formatPlatform(platform));
    return fit;
  }
}
