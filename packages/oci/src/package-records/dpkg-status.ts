import { fileText, MAX_DATABASE, type PackageFile } from './package-file.ts';
import { MAX_PACKAGES, type PackageFindings, type PackageRecord } from './package-record.ts';
import { type Stanza, stanzas } from './stanzas.ts';

const WANTED = new Set(['package', 'status', 'version', 'architecture', 'source']);

/** States (the third word of Status) in which nothing of a package is there but maybe its configuration. */
const ABSENT: ReadonlySet<string> = new Set(['not-installed', 'config-files']);

/** dpkg's database, `var/lib/dpkg/status`: a paragraph for each package (dpkg's deb822(5)). */
export function readDpkgStatus(file: PackageFile): PackageFindings {
  const text = fileText(file, MAX_DATABASE);
  const findings = readStatus(text);
  // dpkg ends each paragraph with an empty line: whatever does not was cut.
  if (text === '' || text.endsWith('\n')) return findings;
  return { ...findings, gaps: [...findings.gaps, 'it ends in the middle of a line'] };
}

/** One package's description in `status.d/`, as distroless images have instead of a database. */
export function readDpkgStatusFile(file: PackageFile): PackageFindings {
  return readStatus(fileText(file, MAX_DATABASE));
}

function readStatus(text: string): PackageFindings {
  const packages: PackageRecord[] = [];
  let incomplete = 0;
  for (const stanza of stanzas(text, WANTED)) {
    const state = stanza.get('status')?.split(/\s+/)[2];
    if (state !== undefined && ABSENT.has(state)) continue;
    const found = recordOf(stanza);
    if (found === undefined) incomplete++;
    else if (packages.push(found) >= MAX_PACKAGES) return { packages, gaps: [`more than ${MAX_PACKAGES} packages`] };
  }
  const gaps = incomplete === 0 ? [] : [`${incomplete} entries have no package or no version`];
  return { packages, gaps };
}

function recordOf(stanza: Stanza): PackageRecord | undefined {
  const name = stanza.get('package');
  const version = stanza.get('version');
  if (!name || !version) return undefined;
  const architecture = stanza.get('architecture');
  return { type: 'deb', name, version, ...(architecture && { architecture }), ...sourceOf(stanza.get('source')) };
}

/** `gcc-12 (12.2.0-14)`: the version only where it is another one than the package's. */
function sourceOf(text: string | undefined): Pick<PackageRecord, 'source' | 'sourceVersion'> {
  const [, source, sourceVersion] = /^(\S+)(?:\s+\(([^)]*)\))?$/.exec(text ?? '') ?? [];
  if (source === undefined) return {};
  return { source, ...(sourceVersion !== undefined && { sourceVersion }) };
}
