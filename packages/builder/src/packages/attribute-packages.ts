import type { LocatedPackage, PackageInventory } from '@tsbuild/oci/node';
import type { BuildOrigins, MadeFilesystem } from '../explain/build-origins.ts';
import type { AttributedInventory, PackageOrigin, StepPlace } from './package-origin.ts';
import { SamePackages } from './same-packages.ts';

/** What {@link attributePackages} knows of a build. */
export interface AttributionWay {
  readonly origins: BuildOrigins;
  /** The packages of another filesystem of the build; undefined when its layers are not here any more. */
  readonly inventoryOf: (filesystem: number) => Promise<PackageInventory | undefined>;
  /** The rows of the image's history that have layers, lowest first. */
  readonly history?: readonly (string | undefined)[];
}

/**
 * Says of each package which instruction brought it: that of the layer that it came with, and where that copied it out of
 * another stage, the one that made it there.
 * @param image which of the filesystems `inventory` is of
 */
export async function attributePackages(
  inventory: PackageInventory,
  image: number,
  way: AttributionWay,
): Promise<AttributedInventory> {
  const finder = new OriginFinder(image, way);
  const layers = finder.layers();
  const packages = [];
  for (const one of inventory.packages) packages.push({ ...one, origin: await finder.of(one) });
  const changes = inventory.changes.map((change) => ({
    ...change,
    origin: layers[change.layer] ?? { kind: 'layer' as const },
  }));
  return { ...inventory, packages, changes, layers };
}

/** What made each layer of a filesystem, lowest first. */
export function originsOfLayers(
  filesystem: number,
  way: Pick<AttributionWay, 'origins' | 'history'>,
): readonly PackageOrigin[] {
  return new OriginFinder(filesystem, { ...way, inventoryOf: async () => undefined }).layers();
}

class OriginFinder {
  readonly #image: MadeFilesystem;
  readonly #way: AttributionWay;
  readonly #sources = new Map<number, Promise<SamePackages>>();

  constructor(image: number, way: AttributionWay) {
    const filesystem = way.origins.filesystems[image];
    if (filesystem === undefined) throw new RangeError(`no filesystem ${image}`);
    this.#image = filesystem;
    this.#way = way;
  }

  /** Where each layer of the image itself is from. */
  layers(): readonly PackageOrigin[] {
    const { baseLayers, steps } = this.#image;
    return Array.from({ length: baseLayers.length + steps.length }, (_, layer) => {
      const step = this.#step(this.#image, layer);
      if (step === undefined) return this.#below(this.#image, layer, []);
      return { kind: 'step', step: placeOf(step), copiedBy: [] };
    });
  }

  /** What brought a package of the image. */
  async of(wanted: LocatedPackage): Promise<PackageOrigin> {
    const { filesystems } = this.#way.origins;
    const copiedBy: StepPlace[] = [];
    let filesystem = this.#image;
    let found = wanted;
    for (;;) {
      const step = this.#step(filesystem, found.layer);
      if (step === undefined) return this.#below(filesystem, found.layer, copiedBy);
      const source = step.from === undefined ? undefined : filesystems[step.from];
      if (step.from === undefined || source === undefined) return { kind: 'step', step: placeOf(step), copiedBy };
      const match = (await this.#packagesOf(step.from)).find(found);
      // Wherever it is in an image, it is that image's.
      if (match === undefined && source.base !== undefined && source.steps.length === 0) {
        return { kind: 'base', ...source.base, copiedBy: [...copiedBy, placeOf(step)] };
      }
      if (match === undefined) return { kind: 'step', step: placeOf(step), copiedBy };
      copiedBy.push(placeOf(step));
      filesystem = source;
      found = match;
    }
  }

  #step({ baseLayers, steps }: MadeFilesystem, layer: number) {
    const step = steps[layer - baseLayers.length];
    return step === undefined ? undefined : this.#way.origins.steps[step];
  }

  /** Of a layer that no step made. */
  #below(filesystem: MadeFilesystem, layer: number, copiedBy: readonly StepPlace[]): PackageOrigin {
    const createdBy = filesystem === this.#image ? this.#way.history?.[layer] : undefined;
    const row = createdBy === undefined ? {} : { createdBy };
    const { base } = filesystem;
    return base === undefined ? { kind: 'layer', ...row } : { kind: 'base', ...base, ...row, copiedBy };
  }

  #packagesOf(filesystem: number): Promise<SamePackages> {
    let packages = this.#sources.get(filesystem);
    packages ??= this.#way.inventoryOf(filesystem).then((found) => new SamePackages(found?.packages ?? []));
    this.#sources.set(filesystem, packages);
    return packages;
  }
}

function placeOf({ stage, line, endLine, source, platform }: StepPlace): StepPlace {
  return { stage, line, endLine, source, ...(platform !== undefined && { platform }) };
}
