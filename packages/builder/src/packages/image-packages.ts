import { basename, isAbsolute } from 'node:path';
import { type Digest, type Image, type ImageConfig, sha256Digest } from '@tsbuild/oci';
import type { BuildRecord } from '../explain/build-record.ts';
import { type BuildOrigins, layersOfFilesystem } from '../explain/build-origins.ts';
import { attributePackages, originsOfLayers } from './attribute-packages.ts';
import { Inventories, type PackageStore, type ReadPackagesOptions } from './inventories.ts';
import type { AttributedInventory, PackageOrigin } from './package-origin.ts';

/** The packages of an image, and where its layers are from. */
export interface ImagePackages extends AttributedInventory {
  /** The diffIDs of its layers, lowest first. */
  readonly diffIDs: readonly Digest[];
  /** The Dockerfile that lines count in; undefined for an image that was not built here. */
  readonly dockerfile?: string;
}

/** A build whose steps are done. */
export interface SolvedBuild {
  readonly origins: BuildOrigins;
  /** Which of its images: the place of its platform. */
  readonly at: number;
  readonly dockerfile: string;
  /** The config of the image that the target began with. */
  readonly base: ImageConfig | undefined;
  readonly signal?: AbortSignal;
}

/**
 * The packages of an image that a build makes, each with the instruction that brought it. All layers must be in the store.
 * @throws OciError `BLOB_NOT_FOUND` when one is not, `BLOB_CORRUPT`, `TAR_INVALID`, `LAYER_INVALID`
 */
export async function packagesOfBuild(build: SolvedBuild, store: PackageStore): Promise<ImagePackages> {
  const { origins, at, dockerfile, base, signal } = build;
  const image = origins.images[at];
  const filesystem = image === undefined ? undefined : origins.filesystems[image];
  if (image === undefined || filesystem === undefined) throw new RangeError(`the build has no image ${at}`);
  const inventories = new Inventories(store);
  const diffIDs = layersOfFilesystem(filesystem, origins);
  const inventory = await inventories.ofLayers(diffIDs, signal);
  const history = base === undefined ? undefined : historyOf(base);
  const inventoryOf = sourcesOf(origins, inventories, signal);
  const way = { origins, inventoryOf, ...(history !== undefined && { history }) };
  return { ...(await attributePackages(inventory, image, way)), diffIDs, dockerfile: portable(dockerfile) };
}

/**
 * The packages of any image. One that was built with this store tells of each package which instruction brought it; of others
 * the history's row of its layer is told.
 * @throws OciError `BLOB_CORRUPT`, `TAR_INVALID`, `LAYER_INVALID`, `LIMIT_EXCEEDED`, `UNSUPPORTED`, and of the image's place
 */
export async function packagesOfImage(
  image: Image,
  store: PackageStore,
  options: ReadPackagesOptions = {},
): Promise<ImagePackages> {
  const { signal } = options;
  const inventories = new Inventories(store);
  const inventory = await inventories.ofImage(image, options);
  const diffIDs = image.layers.map(({ diffID }) => diffID);
  const known = knownOrigins(image, diffIDs, store);
  const history = historyOf(image.config);
  if (known === undefined) {
    const origins = { steps: [], filesystems: [{ baseLayers: diffIDs, steps: [] }], images: [0] };
    const way = { origins, inventoryOf: async () => undefined, ...(history !== undefined && { history }) };
    return { ...(await attributePackages(inventory, 0, way)), diffIDs };
  }
  const { origins, filesystem, dockerfile } = known;
  const inventoryOf = sourcesOf(origins, inventories, signal);
  const way = { origins, inventoryOf, ...(history !== undefined && { history }) };
  return { ...(await attributePackages(inventory, filesystem, way)), diffIDs, dockerfile: portable(dockerfile) };
}

/** What made the layers of an image. */
export interface LayerOrigins {
  /** Lowest first. */
  readonly layers: readonly PackageOrigin[];
  /** The Dockerfile that lines count in; undefined for an image that was not built here. */
  readonly dockerfile?: string;
}

/** What made each layer of an image: instructions and the base where a build with this store is known, else history's rows. */
export function originsOfImage(image: Image, store: PackageStore): LayerOrigins {
  const diffIDs = image.layers.map(({ diffID }) => diffID);
  const known = knownOrigins(image, diffIDs, store);
  const history = historyOf(image.config);
  const rows = history === undefined ? {} : { history };
  if (known === undefined) {
    const origins = { steps: [], filesystems: [{ baseLayers: diffIDs, steps: [] }], images: [0] };
    return { layers: originsOfLayers(0, { origins, ...rows }) };
  }
  const layers = originsOfLayers(known.filesystem, { origins: known.origins, ...rows });
  return { layers, dockerfile: portable(known.dockerfile) };
}

/** The stages that files were copied from. Their layers may be gone, or never have been here: nothing is fetched. */
function sourcesOf(origins: BuildOrigins, inventories: Inventories, signal: AbortSignal | undefined) {
  return async (filesystem: number) => {
    const made = origins.filesystems[filesystem];
    if (made === undefined) return undefined;
    try {
      return await inventories.ofLayers(layersOfFilesystem(made, origins), signal);
    } catch {
      signal?.throwIfAborted();
      return undefined;
    }
  };
}

/** What the build of an image recorded of its layers. */
function knownOrigins(image: Image, diffIDs: readonly Digest[], { builds }: PackageStore) {
  const id = sha256Digest(image.rawConfig);
  const record = builds.get(id);
  const origins = record?.origins;
  if (record === undefined || origins === undefined) return undefined;
  const filesystem = origins.images[placeIn(record, id)];
  const made = filesystem === undefined ? undefined : origins.filesystems[filesystem];
  if (filesystem === undefined || made === undefined) return undefined;
  const layers = layersOfFilesystem(made, origins);
  const isSame = layers.length === diffIDs.length && layers.every((layer, i) => layer === diffIDs[i]);
  return isSame ? { origins, filesystem, dockerfile: record.dockerfile } : undefined;
}

/** Which of a build's images has this ID. */
function placeIn({ image }: BuildRecord, id: Digest): number {
  return Math.max(0, image?.platforms?.findIndex((of) => of.id === id) ?? 0);
}

/** A Dockerfile's name without what is this machine's: documents that name it are the same wherever it lies. */
function portable(dockerfile: string): string {
  return isAbsolute(dockerfile) ? basename(dockerfile) : dockerfile;
}

/** The rows of a history that have layers; undefined where there is not one for each. */
function historyOf({ history = [], rootfs }: ImageConfig): readonly (string | undefined)[] | undefined {
  const rows = history.filter(({ empty_layer: isEmpty }) => isEmpty !== true);
  return rows.length === rootfs.diff_ids.length ? rows.map((row) => row.created_by) : undefined;
}
