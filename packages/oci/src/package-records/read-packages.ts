import { OciError } from '../spec/oci-error.ts';
import type { ByteString } from '../spec/byte-string.ts';
import { readApkInstalled } from './apk-installed.ts';
import { readComposerInstalled } from './composer-installed.ts';
import { readDotnetDependencies } from './dotnet-dependencies.ts';
import { readDpkgStatus, readDpkgStatusFile } from './dpkg-status.ts';
import { readGemSpecification } from './gem-specification.ts';
import { JAVA_ARCHIVE, readJavaArchive } from './java-archive.ts';
import { readNpmManifest } from './npm-manifest.ts';
import type { PackageFile } from './package-file.ts';
import type { PackageFindings } from './package-record.ts';
import { readProgram } from './program-packages.ts';
import { readPythonMetadata } from './python-metadata.ts';
import { readRpmDatabase, refuseRpmDatabase } from './rpm-database.ts';

/** Raise it when the same file would have to give other findings: what is kept of layers is read again then. */
export const PACKAGE_READERS_VERSION = 1;

/** How a kind of file is read. */
export type PackageReader = (file: PackageFile) => PackageFindings | Promise<PackageFindings>;

const RPM = String.raw`^(?:.*/)?(?:var/lib|usr/share|usr/lib/sysimage)/rpm/`;

/** By path, relative to the root of the image; the first that matches counts. */
const READERS: readonly (readonly [RegExp, PackageReader])[] = [
  [/(?:^|\/)lib\/dpkg\/status$/, readDpkgStatus],
  [/(?:^|\/)lib\/dpkg\/status\.d\/[^/]+(?<!\.md5sums)$/, readDpkgStatusFile],
  [/(?:^|\/)lib\/apk\/db\/installed$/, readApkInstalled],
  [new RegExp(`${RPM}rpmdb\\.sqlite$`), readRpmDatabase],
  [new RegExp(`${RPM}rpmdb\\.sqlite-wal$`), refuseRpmDatabase('changes in the write-ahead log are not read')],
  [new RegExp(`${RPM}Packages\\.db$`), refuseRpmDatabase("rpm's database ndb is not read")],
  [new RegExp(`${RPM}Packages$`), refuseRpmDatabase("rpm's database of Berkeley DB is not read")],
  [/(?:^|\/)node_modules\/(?:@[^/]+\/)?[^/@.][^/]*\/package\.json$/, readNpmManifest],
  [/\.dist-info\/METADATA$|\.egg-info\/PKG-INFO$|\.egg-info$/, readPythonMetadata],
  [/(?:^|\/)specifications\/(?:[^/]+\/)*[^/]+\.gemspec$/, readGemSpecification],
  [/(?:^|\/)composer\/installed\.json$/, readComposerInstalled],
  [/\.deps\.json$/, readDotnetDependencies],
  [JAVA_ARCHIVE, readJavaArchive],
];

const EXECUTABLE = 0o111;

/** The reader of a file by its path and mode, undefined for one that tells of no package. */
export function packageReader(path: ByteString, mode: number): PackageReader | undefined {
  const found = READERS.find(([pattern]) => pattern.test(path));
  if (found !== undefined) return found[1];
  return (mode & EXECUTABLE) === 0 ? undefined : readProgram;
}

/**
 * Reads a file with its reader. Whatever is wrong with the file is a gap of the findings, never an error: files of images are
 * made by anyone.
 */
export async function readPackages(reader: PackageReader, file: PackageFile): Promise<PackageFindings> {
  try {
    return await reader(file);
  } catch (error) {
    if (error instanceof OciError) return { packages: [], gaps: [error.message] };
    // A number of the file leads outside of it.
    if (error instanceof RangeError) return { packages: [], gaps: ['it is damaged'] };
    throw error;
  }
}
