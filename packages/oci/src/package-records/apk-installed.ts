import { fileText, MAX_DATABASE, type PackageFile } from './package-file.ts';
import { MAX_PACKAGES, type PackageFindings, type PackageRecord } from './package-record.ts';
import { linesOf } from './stanzas.ts';

/** The fields that are kept: package, version, architecture, licence, origin. */
const WANTED: ReadonlySet<string> = new Set(['P', 'V', 'A', 'L', 'o']);

/**
 * apk's database, `lib/apk/db/installed`: paragraphs of lines `X:value`, where the case of the letter matters (`o` is the
 * origin, `O` nothing).
 */
export function readApkInstalled(file: PackageFile): PackageFindings {
  const text = fileText(file, MAX_DATABASE);
  const packages: PackageRecord[] = [];
  let incomplete = 0;
  let fields = new Map<string, string>();
  const take = (): void => {
    if (fields.size === 0) return;
    const found = recordOf(fields);
    if (found === undefined) incomplete++;
    else packages.push(found);
    fields = new Map();
  };
  for (const line of linesOf(text)) {
    if (packages.length >= MAX_PACKAGES) return { packages, gaps: [`more than ${MAX_PACKAGES} packages`] };
    if (line === '') take();
    else if (line[1] === ':' && WANTED.has(line.charAt(0))) fields.set(line.charAt(0), line.slice(2).trim());
  }
  take();
  const gaps = incomplete === 0 ? [] : [`${incomplete} entries have no package or no version`];
  if (text !== '' && !text.endsWith('\n')) gaps.push('it ends in the middle of a line');
  return { packages, gaps };
}

function recordOf(fields: ReadonlyMap<string, string>): PackageRecord | undefined {
  const name = fields.get('P');
  const version = fields.get('V');
  if (!name || !version) return undefined;
  const [architecture, licence, origin] = [fields.get('A'), fields.get('L'), fields.get('o')];
  return {
    type: 'apk',
    name,
    version,
    ...(architecture && { architecture }),
    ...(origin && origin !== name && { source: origin }),
    ...(licence && { licence }),
  };
}
