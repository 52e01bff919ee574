import { linesOf } from './stanzas.ts';
import type { PackageRecord } from './package-record.ts';

/** What Maven tells of an artifact in pom.properties. */
export interface PomProperties {
  readonly groupId?: string;
  readonly artifactId?: string;
  readonly version?: string;
}

/** Java's properties, as far as Maven writes them: `key=value` lines and comments. */
export function parseProperties(text: string): PomProperties {
  const values = new Map<string, string>();
  for (const line of linesOf(text)) {
    const [, key, value] = /^\s*([^#!\s=:]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value) values.set(key, value);
  }
  const [groupId, artifactId, version] = ['groupId', 'artifactId', 'version'].map((key) => values.get(key));
  return { ...(groupId && { groupId }), ...(artifactId && { artifactId }), ...(version && { version }) };
}

/** The main attributes of a manifest, by name in lower case; lines go on in the next when that begins with a space (JAR spec). */
function manifestOf(text: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  let last: string | undefined;
  for (const line of linesOf(text)) {
    if (line === '') break;
    if (line.startsWith(' ') && last !== undefined) {
      attributes.set(last, (attributes.get(last) ?? '') + line.slice(1));
      continue;
    }
    const colon = line.indexOf(': ');
    last = colon > 0 ? line.slice(0, colon).toLowerCase() : undefined;
    if (last !== undefined) attributes.set(last, line.slice(colon + 2));
  }
  return attributes;
}

/** The packages of one archive: each that Maven names; where it names none, the archive itself by its manifest and name. */
export function archiveRecords(
  path: string,
  manifest: string,
  poms: readonly PomProperties[],
): readonly PackageRecord[] {
  const named = poms.flatMap(({ groupId, artifactId, version }): readonly PackageRecord[] => {
    if (artifactId === undefined || version === undefined) return [];
    return [{ type: 'maven', name: artifactId, version, ...(groupId !== undefined && { group: groupId }) }];
  });
  if (named.length > 0) return named;
  const own = byManifest(path, manifestOf(manifest));
  return own === undefined ? [] : [own];
}

function byManifest(path: string, attributes: ReadonlyMap<string, string>): PackageRecord | undefined {
  const file = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('!')) + 1).replace(/\.\w+$/, '');
  // `guava-33.0.0-jre`: the version begins at the first number behind a dash.
  const [, base = file, fileVersion] = /^(.+?)-(\d.*)$/.exec(file) ?? [];
  const version =
    fileVersion ??
    ['implementation-version', 'bundle-version', 'specification-version']
      .map((key) => attributes.get(key)?.trim())
      .find((value) => value);
  if (version === undefined) return undefined;
  const symbolic = attributes.get('bundle-symbolicname')?.split(';')[0]?.trim();
  const vendor = attributes.get('implementation-vendor-id')?.trim();
  const licence = attributes.get('bundle-license')?.trim();
  const group = vendor || groupOf(symbolic) || base;
  return { type: 'maven', name: base, version, group, ...(licence && { licence }) };
}

/** `org.apache.commons.lang3` of a bundle: all but its last word. */
function groupOf(symbolic: string | undefined): string | undefined {
  const dot = symbolic?.lastIndexOf('.') ?? -1;
  return dot > 0 ? symbolic?.slice(0, dot) : undefined;
}
