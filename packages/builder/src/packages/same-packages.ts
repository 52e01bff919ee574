import type { LocatedPackage } from '@tsbuild/oci/node';

/** More than any path has names. */
const SAME_FILE = 1e6;

/** The packages of a filesystem that files were copied out of, to find there what was copied. */
export class SamePackages {
  readonly #packages = new Map<string, LocatedPackage[]>();

  constructor(packages: readonly LocatedPackage[]) {
    for (const one of packages) {
      const key = identityOf(one);
      const known = this.#packages.get(key);
      if (known === undefined) this.#packages.set(key, [one]);
      else known.push(one);
    }
  }

  /**
   * The same package in the same file, wherever that lies; else in one whose path ends alike, as a database does that was
   * rewritten after it was copied. Of several the one with the longest common end.
   */
  find(wanted: LocatedPackage): LocatedPackage | undefined {
    let best: LocatedPackage | undefined;
    let most = 1;
    for (const one of this.#packages.get(identityOf(wanted)) ?? []) {
      const isSameFile = one.sha256 !== undefined && one.sha256 === wanted.sha256;
      const score = commonEnd(one.path, wanted.path) + (isSameFile ? SAME_FILE : 0);
      if (score <= most) continue;
      best = one;
      most = score;
    }
    return best;
  }
}

function identityOf({ type, group, name, version, architecture, within }: LocatedPackage): string {
  return JSON.stringify([type, group, name, version, architecture, within]);
}

/** How many names at the ends of two paths agree. */
function commonEnd(a: string, b: string): number {
  const [left, right] = [a.split('/').toReversed(), b.split('/').toReversed()];
  const differs = left.findIndex((name, i) => name !== right[i]);
  return differs < 0 ? left.length : differs;
}
