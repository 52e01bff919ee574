import { createHash, hash, type Hash } from 'node:crypto';
import { OciError } from '../spec/oci-error.ts';
import type { Digest } from '../spec/digest.ts';
import type { TarEntry } from '../tar/entry.ts';
import { readTar, type TarMember } from '../tar/reader.ts';
import type { SparseRegion } from '../tar/sparse.ts';
import { ForeignLayer } from './foreign-layer.ts';
import { IndexBudget } from './index-budget.ts';
import type { LayerIndex } from './layer-index.ts';

/** What one pass over a layer's tar bytes tells. `size` is in bytes, uncompressed. */
export interface IndexedLayer {
  readonly index: LayerIndex;
  readonly diffID: Digest;
  readonly size: number;
}

/** Bounds on what is read; beyond them `LIMIT_EXCEEDED`. */
export interface IndexLayerOptions {
  /** Archive members; 1,000,000 unless told. */
  readonly maxEntries?: number;
  /** Bytes of the names, link targets and attributes of all entries; 256 MiB unless told. An attribute counts 256 more. */
  readonly maxIndexBytes?: number;
  /** Nothing lies below: a hard link to no earlier file of the layer is refused. */
  readonly lowest?: boolean;
  /** Bytes of the archive, the holes of its sparse files included; 256 GiB unless told. */
  readonly maxBytes?: number;
}

const MAX_ENTRIES = 1_000_000;
const MAX_BYTES = 256 * 1024 ** 3;
const EMPTY_SHA256 = hash('sha256', '');

/**
 * Reads any layer (uncompressed tar), ours or not, in one pass: diffID, size, and the index with the sha256 of every
 * file. What it accepts and refuses: {@link ForeignLayer}.
 * @throws OciError `TAR_INVALID`, `LAYER_INVALID`, `UNSUPPORTED`, `LIMIT_EXCEEDED`; each names entry and reason
 */
export async function indexLayer(
  source: AsyncIterable<Uint8Array>,
  options: IndexLayerOptions = {},
): Promise<IndexedLayer> {
  const maxEntries = options.maxEntries ?? MAX_ENTRIES;
  const meter = new Meter(options.maxBytes ?? MAX_BYTES);
  const layer = new ForeignLayer(new IndexBudget(options.maxIndexBytes), options.lowest);
  let entries = 0;
  for await (const member of readTar(meter.through(source))) {
    entries++;
    if (entries > maxEntries) throw new OciError('LIMIT_EXCEEDED', `the layer has more than ${maxEntries} entries`);
    if (member.sparse !== undefined) meter.countHoles(member.entry, member.sparse);
    const contentSha256 = member.entry.type === 'file' ? await contentDigest(member) : undefined;
    layer.add(member, contentSha256);
  }
  return { index: layer.index(), diffID: meter.digest(), size: meter.size };
}

/** Counts and hashes what passes through. */
class Meter {
  readonly #sha256: Hash = createHash('sha256');
  readonly #max: number;
  #holes = 0;
  size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      this.size += chunk.length;
      this.#check();
      this.#sha256.update(chunk);
      yield chunk;
    }
  }

  /** A few bytes can tell of a file of any size: holes are read as zeros, too. */
  countHoles({ size }: TarEntry, parts: readonly SparseRegion[]): void {
    this.#holes += parts.reduce((left, part) => left - part.size, size);
    this.#check();
  }

  #check(): void {
    if (this.size + this.#holes > this.#max) {
      throw new OciError('LIMIT_EXCEEDED', `the layer has more than ${this.#max} bytes`);
    }
  }

  digest(): Digest {
    return `sha256:${this.#sha256.digest('hex')}`;
  }
}

/** Most files lie whole in one chunk of the source: hashing those in one call is several times faster. */
async function contentDigest({ entry, content }: TarMember): Promise<string> {
  if (entry.size === 0) return EMPTY_SHA256;
  let sha256: Hash | undefined;
  for await (const piece of content) {
    if (piece.length === entry.size) return hash('sha256', piece);
    sha256 ??= createHash('sha256');
    sha256.update(piece);
  }
  return sha256?.digest('hex') ?? EMPTY_SHA256;
}
