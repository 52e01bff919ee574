import { comparePackages, pairChanges } from '@tsbuild/oci/internal';
import type { LocatedPackage } from '@tsbuild/oci/node';
import type { ImagePackages } from './image-packages.ts';
import type { AttributedPackage, PackageOrigin } from './package-origin.ts';

/** In what the packages of two images differ. */
export interface PackageDifference {
  readonly kind: 'added' | 'upgraded' | 'removed';
  /** As the second image has it; of a removed one, as the first had it. */
  readonly package: LocatedPackage;
  /** Of an upgraded package, or one that was replaced by an older: its version in the first image. */
  readonly before?: string;
  /**
   * The instruction of the second image that brought or removed it. Of a removed package that the second image never had: what
   * had brought it into the first one.
   */
  readonly origin: PackageOrigin;
  readonly of: 'first' | 'second';
}

/** What the second of two images has, has not, or has in another version. Where in the image a package lies does not matter. */
export function diffPackages(first: ImagePackages, second: ImagePackages): readonly PackageDifference[] {
  const left = new Map<string, AttributedPackage[]>();
  for (const one of first.packages) {
    const known = left.get(versionOf(one));
    if (known === undefined) left.set(versionOf(one), [one]);
    else known.push(one);
  }
  const added = second.packages.filter((one) => left.get(versionOf(one))?.pop() === undefined);
  const removed = [...left.values()].flat();
  const origins = new Map<LocatedPackage, PackageOrigin>([...added, ...removed].map((one) => [one, one.origin]));
  return pairChanges(added, removed, 0)
    .map(({ kind, package: one, before }): PackageDifference => {
      const remover = kind === 'removed' ? removerOf(one, second) : undefined;
      const origin = remover ?? origins.get(one) ?? { kind: 'layer' };
      const of = kind === 'removed' && remover === undefined ? 'first' : 'second';
      return { kind, package: one, ...(before !== undefined && { before }), origin, of };
    })
    .toSorted((a, b) => comparePackages(a.package, b.package));
}

/** The instruction that removed a package which a layer below it had brought. */
function removerOf(wanted: LocatedPackage, { changes }: ImagePackages): PackageOrigin | undefined {
  const name = nameOf(wanted);
  return changes.findLast(({ kind, package: one }) => kind === 'removed' && nameOf(one) === name)?.origin;
}

function nameOf({ type, group, name, architecture }: LocatedPackage): string {
  return JSON.stringify([type, group, name, architecture]);
}

function versionOf(one: LocatedPackage): string {
  return JSON.stringify([nameOf(one), one.version]);
}
