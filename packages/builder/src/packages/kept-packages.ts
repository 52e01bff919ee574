import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, type Digest, digestHex, isDigest, PACKAGE_READERS_VERSION, sha256Digest } from '@tsbuild/oci';
import { isLayerPackages, type LayerPackages, type PackageInventory } from '@tsbuild/oci/node';
import { type Fault, keptFaults, namesIn, readKept, writeKept } from '../disk/kept-file.ts';

/** A file of `packages/layers/`: what one layer tells of packages. */
interface KeptLayer extends LayerPackages {
  readonly readers: number;
}

/** A file of `packages/images/`: the packages of layers upon each other. */
interface KeptInventory {
  readonly readers: number;
  readonly layers: readonly Digest[];
  readonly inventory: PackageInventory;
}

/**
 * What was found out of the packages of layers, and of whole images by their layers: `packages/` of the store. It depends on the
 * content of the layers alone, so it holds for ever, whoever asks; what is lost or damaged is found out again.
 */
export class KeptPackages {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  layer(layer: Digest): LayerPackages | undefined {
    const kept = readKept(this.#layerPath(layer), isKeptLayer);
    return kept?.readers === PACKAGE_READERS_VERSION ? { sources: kept.sources } : undefined;
  }

  keepLayer(layer: Digest, { sources }: LayerPackages): void {
    writeKept(this.#layerPath(layer), { readers: PACKAGE_READERS_VERSION, sources } satisfies KeptLayer);
  }

  inventory(layers: readonly Digest[]): PackageInventory | undefined {
    const kept = readKept(this.#imagePath(layers), isKeptInventory);
    return kept?.readers === PACKAGE_READERS_VERSION ? kept.inventory : undefined;
  }

  keepInventory(layers: readonly Digest[], inventory: PackageInventory): void {
    const kept: KeptInventory = { readers: PACKAGE_READERS_VERSION, layers, inventory };
    writeKept(this.#imagePath(layers), kept);
  }

  /** The files that are damaged. */
  verify(): readonly Fault[] {
    return [
      ...keptFaults(join(this.#directory, 'layers'), isKeptLayer),
      ...keptFaults(join(this.#directory, 'images'), isKeptInventory),
    ];
  }

  /** Removes what is about layers that are not here. */
  async sweep(isHere: (layer: Digest) => Promise<boolean>): Promise<void> {
    const [layers, images] = [join(this.#directory, 'layers'), join(this.#directory, 'images')];
    for (const name of namesIn(layers)) {
      const digest = `sha256:${name.replace(/\.json$/, '')}`;
      if (isDigest(digest) && !(await isHere(digest))) rmSync(join(layers, name), { force: true });
    }
    for (const name of namesIn(images)) {
      const kept = readKept(join(images, name), isKeptInventory);
      const here = await Promise.all((kept?.layers ?? []).map((layer) => isHere(layer)));
      if (kept === undefined || here.includes(false)) rmSync(join(images, name), { force: true });
    }
  }

  #layerPath(layer: Digest): string {
    return join(this.#directory, 'layers', `${digestHex(layer)}.json`);
  }

  #imagePath(layers: readonly Digest[]): string {
    return join(this.#directory, 'images', `${digestHex(sha256Digest(canonicalJson([...layers])))}.json`);
  }
}

function isKeptLayer(value: Partial<KeptLayer>): boolean {
  return Number.isSafeInteger(value.readers) && isLayerPackages(value);
}

function isKeptInventory({ readers, layers, inventory }: Partial<KeptInventory>): boolean {
  const { packages, changes, gaps, programs } = (inventory ?? {}) as Partial<PackageInventory>;
  return (
    Number.isSafeInteger(readers) && [layers, packages, changes, gaps, programs].every((list) => Array.isArray(list))
  );
}
