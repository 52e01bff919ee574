import { licenceOf, membersOf, readJson, jsonText } from './json-file.ts';
import { MAX_DESCRIPTION, type PackageFile } from './package-file.ts';
import type { PackageFindings } from './package-record.ts';

/**
 * The package.json of a package that is installed in a node_modules directory: npm's, pnpm's in its virtual store
 * (`node_modules/.pnpm/NAME@VERSION/node_modules/NAME`; the links that lead there are not read), and copies that packages bundle.
 */
export function readNpmManifest(file: PackageFile): PackageFindings {
  const manifest = membersOf(readJson(file, MAX_DESCRIPTION));
  const name = jsonText(manifest['name']);
  const version = jsonText(manifest['version']);
  if (name === undefined || version === undefined) return { packages: [], gaps: ['it has no name or no version'] };
  const licence = licenceOf(manifest['license']) ?? licenceOf(manifest['licenses']);
  return { packages: [{ type: 'npm', name, version, ...(licence !== undefined && { licence }) }], gaps: [] };
}
