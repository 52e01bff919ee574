import type { PackageRecord } from '../package-records/package-record.ts';
import type { ByteString } from '../spec/byte-string.ts';

/** A package of an image, with its place. */
export interface LocatedPackage extends PackageRecord {
  /** The file that tells of it. */
  readonly path: ByteString;
  /** The layer that added it in this version, counted from the lowest, 0. */
  readonly layer: number;
  /** Of that file as the image has it, hexadecimal. */
  readonly sha256?: string;
}

/** What a layer did to a package. */
export interface PackageChange {
  readonly kind: 'added' | 'upgraded' | 'removed';
  /** Counted from the lowest, 0. */
  readonly layer: number;
  /** As the layer leaves it; of a removed one, as it was. */
  readonly package: LocatedPackage;
  /** Of an upgraded package (or one that was replaced by an older): the version before. */
  readonly before?: string;
}

/** The same package in another version has the same identity. */
function packageIdentity({ type, group, name, architecture }: PackageRecord): string {
  return JSON.stringify([type, group ?? '', name, architecture ?? '']);
}

/** By type, name, version and place, in the order of their bytes. */
export function comparePackages(a: LocatedPackage, b: LocatedPackage): number {
  const [left, right] = [sortKey(a), sortKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortKey({ type, group = '', name, version, architecture = '', path, within = '' }: LocatedPackage): string {
  return [type, group, name, version, architecture, path, within].join('\0');
}

/** What changed from one version of a file to the next, and the packages of the next with the layers that they are from. */
export function compareVersions(
  before: readonly LocatedPackage[],
  after: readonly LocatedPackage[],
): { readonly packages: readonly LocatedPackage[]; readonly changes: readonly PackageChange[] } {
  const known = new Map<string, LocatedPackage[]>();
  for (const one of before) append(known, exactIdentity(one), one);
  const fresh: LocatedPackage[] = [];
  const packages = after.map((one) => {
    const kept = known.get(exactIdentity(one))?.pop();
    if (kept !== undefined) return { ...one, layer: kept.layer };
    fresh.push(one);
    return one;
  });
  const layer = after[0]?.layer ?? -1;
  return { packages, changes: pairChanges(fresh, [...known.values()].flat(), layer) };
}

/** Additions and removals of one layer; those of one package in two versions are an upgrade. */
export function pairChanges(
  added: readonly LocatedPackage[],
  removed: readonly LocatedPackage[],
  layer: number,
): readonly PackageChange[] {
  const gone = new Map<string, LocatedPackage[]>();
  for (const one of removed.toReversed()) append(gone, packageIdentity(one), one);
  const changes: PackageChange[] = [];
  for (const one of added) {
    const before = gone.get(packageIdentity(one))?.pop()?.version;
    if (before === undefined) changes.push({ kind: 'added', layer, package: one });
    // The same version in another place is no change.
    else if (before !== one.version) changes.push({ kind: 'upgraded', layer, package: one, before });
  }
  for (const one of [...gone.values()].flat()) changes.push({ kind: 'removed', layer, package: one });
  return changes;
}

function exactIdentity(one: LocatedPackage): string {
  return JSON.stringify([packageIdentity(one), one.version, one.within ?? '']);
}

function append<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
