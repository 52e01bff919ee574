/** The kinds of packages that are found, by their names in package URLs. */
export type PackageType =
  | 'deb'
  | 'apk'
  | 'rpm'
  | 'npm'
  | 'pypi'
  | 'gem'
  | 'golang'
  | 'cargo'
  | 'maven'
  | 'composer'
  | 'nuget';

/** A package as a file of an image tells of it. All texts are as the file has them, and may be anything. */
export interface PackageRecord {
  readonly type: PackageType;
  /** With the scope of npm (`@scope/name`), the vendor of composer, the whole path of a Go module. */
  readonly name: string;
  readonly version: string;
  /** Maven's groupId. */
  readonly group?: string;
  readonly architecture?: string;
  /** The source package, where it has another name or version: dpkg's Source, apk's origin, rpm's source package. */
  readonly source?: string;
  readonly sourceVersion?: string;
  /** rpm's epoch. */
  readonly epoch?: number;
  /** As the package tells it; often an SPDX expression, never checked. */
  readonly licence?: string;
  /** Of what lies inside an archive: the way there, `WEB-INF/lib/a.jar!b.jar`. */
  readonly within?: string;
}

/** What one file told, and what of it could not be read. */
export interface PackageFindings {
  readonly packages: readonly PackageRecord[];
  /** For people, one reason each. Something may be missing from `packages` whenever there is one. */
  readonly gaps: readonly string[];
  /** It is a program that does not tell what it was made of. */
  readonly isSilentProgram?: true;
}

/** What a file that tells of no package gives. */
export const NO_FINDINGS: PackageFindings = { packages: [], gaps: [] };

/** More packages than any image has: a file that tells of more is cut there, with a gap. */
export const MAX_PACKAGES = 200_000;
