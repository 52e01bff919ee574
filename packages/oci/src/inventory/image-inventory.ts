import type { ByteString } from '../spec/byte-string.ts';
import { utf8ToByteString } from '../spec/byte-string.ts';
import { fileText } from '../package-records/package-file.ts';
import { type Distribution, MAX_OS_RELEASE, OS_RELEASE_PATHS, parseOsRelease } from '../package-records/os-release.ts';
import { layerFile, type PackageSource } from './layer-packages.ts';
import {
  comparePackages,
  compareVersions,
  type LocatedPackage,
  pairChanges,
  type PackageChange,
} from './package-change.ts';
import { type InventoryLayer, PackageHistory } from './package-history.ts';

/** Something that could not be read: packages may be missing. */
export interface InventoryGap {
  readonly path: ByteString;
  /** Counted from the lowest, 0. */
  readonly layer: number;
  /** For people. */
  readonly reason: string;
}

/** The packages of an image. */
export interface PackageInventory {
  readonly distribution?: Distribution;
  /** Those that a container would start with, sorted by type, name, version and place. */
  readonly packages: readonly LocatedPackage[];
  /** What each layer did, lowest layer first. */
  readonly changes: readonly PackageChange[];
  readonly gaps: readonly InventoryGap[];
  /**
   * Programs of which no package is known: neither do they tell what they were made of, nor do they lie where the packages of
   * the distribution put theirs.
   */
  readonly programs: readonly ByteString[];
}

/**
 * The packages of an image, each with the layer that added it in its version. A database that layers rewrite whole is compared
 * version by version, so that a package that nobody touched stays with the layer that installed it.
 * @throws OciError `LAYER_INVALID` when the layers do not fit together
 */
export async function takeInventory(layers: readonly InventoryLayer[]): Promise<PackageInventory> {
  const history = new PackageHistory(layers);
  const packages: LocatedPackage[] = [];
  const changes: PackageChange[] = [];
  const gaps: InventoryGap[] = [];
  const silent: ByteString[] = [];
  for (const path of layers.length === 0 ? [] : history.paths()) {
    let current: readonly LocatedPackage[] = [];
    let last: PackageSource | undefined;
    const unread: InventoryGap[] = [];
    for (const { layer, source } of await history.versions(path)) {
      const compared = compareVersions(current, located(source, layer));
      current = compared.packages;
      last = source;
      changes.push(...compared.changes.map((change) => ({ ...change, layer })));
      unread.push(...(source?.gaps ?? []).map((reason) => ({ path, layer, reason })));
    }
    packages.push(...current.map((one) => (last?.sha256 === undefined ? one : { ...one, sha256: last.sha256 })));
    if (last !== undefined) gaps.push(...unread);
    if (last?.isSilentProgram === true) silent.push(path);
  }
  const distribution = layers.length === 0 ? undefined : distributionOf(history, layers);
  return {
    ...(distribution !== undefined && { distribution }),
    packages: packages.toSorted(comparePackages),
    changes: acrossFiles(changes, layers.length),
    gaps,
    programs: packages.some(({ type }) => OF_SYSTEMS.has(type))
      ? silent.filter((path) => !OF_SYSTEM.test(path))
      : silent,
  };
}

/** What a distribution installs by. */
const OF_SYSTEMS: ReadonlySet<string> = new Set(['deb', 'apk', 'rpm']);
/** Where its packages put programs, and nobody else should. */
const OF_SYSTEM = /^(?:usr\/)?(?:s?bin|lib[^/]*)\//;

function located(source: PackageSource | undefined, layer: number): readonly LocatedPackage[] {
  return (source?.packages ?? []).map((one) => ({ ...one, path: source?.path ?? '', layer }));
}

/** A package whose new version has a file of another name was removed in one file and added in another: an upgrade, too. */
function acrossFiles(changes: readonly PackageChange[], layers: number): readonly PackageChange[] {
  const byLayer = Array.from({ length: layers }, (): PackageChange[] => []);
  for (const change of changes) byLayer[change.layer]?.push(change);
  return byLayer.flatMap((list, layer) => {
    const of = (kind: PackageChange['kind']) => list.filter((change) => change.kind === kind);
    const added = of('added').map((change) => change.package);
    const removed = of('removed').map((change) => change.package);
    const all = [...of('upgraded'), ...pairChanges(added, removed, layer)];
    return all.toSorted((a, b) => comparePackages(a.package, b.package));
  });
}

function distributionOf(history: PackageHistory, layers: readonly InventoryLayer[]): Distribution | undefined {
  for (const name of OS_RELEASE_PATHS) {
    const path = history.files.resolve(utf8ToByteString(name));
    const entry = path === undefined ? undefined : history.files.lookup(path);
    const layer = layers.findLast(({ info }) => info.digest === entry?.layer);
    if (entry?.type !== 'file' || layer === undefined || entry.size > MAX_OS_RELEASE) continue;
    const found = parseOsRelease(fileText(layerFile(entry.path, entry, layer.open), MAX_OS_RELEASE));
    if (found !== undefined) return found;
  }
  return undefined;
}
