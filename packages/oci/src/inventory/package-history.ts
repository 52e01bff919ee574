import { RootfsTree, type RootfsEntry, type RootfsLayer } from '../layer/rootfs-tree.ts';
import type { ByteString } from '../spec/byte-string.ts';
import { type LayerPackages, type OpenPlace, type PackageSource, readEntry } from './layer-packages.ts';

/** A layer with what it tells of packages. */
export interface InventoryLayer extends RootfsLayer {
  readonly packages: LayerPackages;
  readonly open: OpenPlace;
}

/** A path from a layer on: what the merged view has there, undefined for nothing that tells of packages. */
export interface SourceVersion {
  readonly layer: number;
  readonly source: PackageSource | undefined;
}

/** What stands at the paths that tell of packages, layer by layer. */
export class PackageHistory {
  readonly #layers: readonly InventoryLayer[];
  readonly #sources: readonly ReadonlyMap<ByteString, PackageSource>[];
  /** The merged views of the lowest layers, made when they are asked for. */
  readonly #views: RootfsTree[] = [];

  constructor(layers: readonly InventoryLayer[]) {
    this.#layers = layers;
    this.#sources = layers.map(({ packages }) => new Map(packages.sources.map((source) => [source.path, source])));
  }

  /** The merged view of the whole image. */
  get files(): RootfsTree {
    return this.#view(this.#layers.length - 1);
  }

  /** Every path where any layer has something that tells of packages, in byte order. */
  paths(): readonly ByteString[] {
    return [...new Set(this.#sources.flatMap((sources) => [...sources.keys()]))].toSorted();
  }

  /** What stood at a path from which layer on, lowest first. @throws OciError `LAYER_INVALID` */
  async versions(path: ByteString): Promise<readonly SourceVersion[]> {
    const telling = this.#sources.flatMap((sources, layer) => (sources.has(path) ? [layer] : []));
    const [first = 0] = telling;
    // Nearly always one layer has it, and it is seen to the end.
    if (telling.length === 1 && this.#seen(this.files.lookup(path), first)) {
      return [{ layer: first, source: await this.#sourceIn(first, path) }];
    }
    const versions: SourceVersion[] = [];
    let last: RootfsEntry['layer'] | undefined;
    for (let layer = first; layer < this.#layers.length; layer++) {
      const entry = this.#view(layer).lookup(path);
      const from = entry?.type === 'file' ? entry.layer : undefined;
      if (from === last && !this.#sources[layer]?.has(path)) continue;
      last = from;
      versions.push({ layer, source: from === undefined ? undefined : await this.#sourceIn(layer, path) });
    }
    return versions;
  }

  #seen(entry: RootfsEntry | undefined, layer: number): boolean {
    return entry?.type === 'file' && entry.layer === this.#layers[layer]?.info.digest;
  }

  /** What the merged view of the layers up to `layer` tells at `path`. */
  async #sourceIn(layer: number, path: ByteString): Promise<PackageSource | undefined> {
    const source = this.#sources[layer]?.get(path);
    if (source !== undefined && source.linksBelow !== true) return source;
    const entry = this.#view(layer).lookup(path);
    const holder = this.#layers.findLast(({ info }) => info.digest === entry?.layer);
    if (entry?.type !== 'file' || holder === undefined) return undefined;
    return (
      holder.packages.sources.find((known) => known.path === path && known.linksBelow !== true) ??
      (await readEntry(path, entry, holder.open))
    );
  }

  #view(layer: number): RootfsTree {
    this.#views[layer] ??= new RootfsTree(this.#layers.slice(0, layer + 1));
    return this.#views[layer];
  }
}
