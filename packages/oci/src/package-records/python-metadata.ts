import { fileText, MAX_DESCRIPTION, type PackageFile } from './package-file.ts';
import type { PackageFindings } from './package-record.ts';
import { stanzas } from './stanzas.ts';

const WANTED = new Set(['name', 'version', 'license', 'license-expression']);

/** Core metadata of Python: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and `*.egg-info`: headers, then a description. */
export function readPythonMetadata(file: PackageFile): PackageFindings {
  const [headers] = stanzas(fileText(file, MAX_DESCRIPTION), WANTED);
  const name = headers?.get('name');
  const version = headers?.get('version');
  if (!name || !version) return { packages: [], gaps: ['it has no Name or no Version'] };
  const licence = headers?.get('license-expression') || headers?.get('license');
  const told = licence && licence !== 'UNKNOWN' ? { licence } : {};
  return { packages: [{ type: 'pypi', name, version, ...told }], gaps: [] };
}
