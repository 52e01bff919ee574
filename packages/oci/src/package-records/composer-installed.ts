import { licenceOf, membersOf, readJson, jsonText } from './json-file.ts';
import { MAX_DATABASE, type PackageFile, unreadable } from './package-file.ts';
import type { PackageFindings, PackageRecord } from './package-record.ts';

/** Composer's list of what is in `vendor/`: `composer/installed.json`, a list in version 1, an object with one in version 2. */
export function readComposerInstalled(file: PackageFile): PackageFindings {
  const document = readJson(file, MAX_DATABASE);
  const list = Array.isArray(document) ? document : membersOf(document)['packages'];
  if (!Array.isArray(list)) throw unreadable('it has no list of packages');
  const packages = list.map(recordOf).filter((found) => found !== undefined);
  const missing = list.length - packages.length;
  return { packages, gaps: missing === 0 ? [] : [`${missing} entries have no name or no version`] };
}

function recordOf(entry: unknown): PackageRecord | undefined {
  const members = membersOf(entry);
  const name = jsonText(members['name']);
  const version = jsonText(members['version']);
  if (name === undefined || version === undefined) return undefined;
  const licence = licenceOf(members['license']);
  return { type: 'composer', name, version, ...(licence !== undefined && { licence }) };
}
