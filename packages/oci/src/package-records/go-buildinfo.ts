import type { ElfSection } from './elf-sections.ts';
import { type PackageFile, readExactly, tooLarge, unreadable } from './package-file.ts';
import type { PackageFindings, PackageRecord } from './package-record.ts';
import { readVarint7 } from './varint.ts';

const MAGIC = '\xff Go buildinf:';
const FLAGS_AT = 15;
const INLINE = 2;
/** Where the two texts begin: version of Go, modules. */
const TEXTS_AT = 32;
const MAX_BUILDINFO = 16 * 1024 ** 2;
/** The modules' text is framed by 16 bytes at either end. */
const FRAME = 16;

/** The modules that a Go program was built from, and Go itself (`stdlib`), as `go version -m` lists them (debug/buildinfo). */
export function readGoBuildinfo(file: PackageFile, section: ElfSection): PackageFindings {
  if (section.size > MAX_BUILDINFO) throw tooLarge(section.size, MAX_BUILDINFO);
  const bytes = readExactly(file, section.offset, section.size);
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length));
  // latin1 in TextDecoder is windows-1252, which agrees on these bytes.
  if (magic !== MAGIC || bytes.length < TEXTS_AT) throw unreadable('its Go build information is damaged');
  if (((bytes[FLAGS_AT] ?? 0) & INLINE) === 0) {
    throw unreadable('its Go build information has the form of Go before 1.18, which is not read');
  }
  const version = textAt(bytes, TEXTS_AT);
  const modules = textAt(bytes, version.end);
  const go = /^go(\d\S*)/.exec(version.text)?.[1];
  const stdlib: readonly PackageRecord[] = go === undefined ? [] : [{ type: 'golang', name: 'stdlib', version: go }];
  const text = modules.text.slice(FRAME, -FRAME);
  const gaps = isWithoutModules(text) ? ['it was built without Go modules: what it is made of is not recorded'] : [];
  return { packages: [...stdlib, ...modulesOf(text)], gaps };
}

/** As Debian builds: then only Go's own programs are made of nothing else. */
function isWithoutModules(text: string): boolean {
  const path = /^path\t(.*)$/m.exec(text)?.[1];
  return path !== undefined && !path.startsWith('cmd/') && !/^mod\t/m.test(text);
}

/** Lines `mod|dep<TAB>path<TAB>version<TAB>sum`; `=>` replaces the module of the line before. */
function modulesOf(text: string): readonly PackageRecord[] {
  const packages: PackageRecord[] = [];
  for (const line of text.split('\n')) {
    const [kind, name, version] = line.split('\t');
    if (!name || !version || (kind !== 'mod' && kind !== 'dep' && kind !== '=>')) continue;
    if (kind === '=>') packages.pop();
    packages.push({ type: 'golang', name, version });
  }
  return packages;
}

function textAt(bytes: Uint8Array, at: number): { readonly text: string; readonly end: number } {
  const length = readVarint7(bytes, at);
  const end = length.end + length.value;
  if (end > bytes.length) throw unreadable('its Go build information is truncated');
  return { text: new TextDecoder('utf-8').decode(bytes.subarray(length.end, end)), end };
}
