import { OciError } from '../spec/oci-error.ts';
import { MAX_DATABASE, type PackageFile, tooLarge, unreadable } from './package-file.ts';
import { MAX_PACKAGES, type PackageFindings, type PackageRecord } from './package-record.ts';
import { readRpmHeader } from './rpm-header.ts';
import { SqliteFile } from './sqlite-table.ts';

/** Headers hold the names of all files: databases are larger than others. */
const MAX_RPM_DATABASE = 4 * MAX_DATABASE;

/** `rpmdb.sqlite`, rpm's database since Fedora 33 and RHEL 9: the table Packages has one header a row. */
export function readRpmDatabase(file: PackageFile): PackageFindings {
  if (file.size > MAX_RPM_DATABASE) throw tooLarge(file.size, MAX_RPM_DATABASE);
  const packages: PackageRecord[] = [];
  let damaged = 0;
  try {
    for (const [, blob] of new SqliteFile(file).rows('Packages')) {
      const found = blob instanceof Uint8Array ? recordOf(blob) : undefined;
      if (found === undefined) damaged++;
      else if (packages.push(found) >= MAX_PACKAGES) throw unreadable(`more than ${MAX_PACKAGES} packages`);
    }
  } catch (error) {
    // What was read before the damage counts.
    if (!(error instanceof OciError || error instanceof RangeError)) throw error;
    return { packages, gaps: [error instanceof OciError ? error.message : 'it is damaged'] };
  }
  return { packages, gaps: damaged === 0 ? [] : [`${damaged} headers are damaged`] };
}

function recordOf(blob: Uint8Array): PackageRecord | undefined {
  try {
    return readRpmHeader(blob);
  } catch (error) {
    if (error instanceof OciError || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** rpm's other databases, which are told and not read. */
export function refuseRpmDatabase(reason: string): (file: PackageFile) => PackageFindings {
  return (file) => ({ packages: [], gaps: file.size === 0 ? [] : [reason] });
}
