import type { ElfSection } from './elf-sections.ts';
import { inflate } from './inflate.ts';
import { membersOf, parseJson, jsonText } from './json-file.ts';
import { MAX_DESCRIPTION, type PackageFile, readExactly, tooLarge, unreadable } from './package-file.ts';
import type { PackageFindings, PackageRecord } from './package-record.ts';

/** The crates that cargo-auditable wrote into a program: JSON, packed by zlib; those that only built it are left out. */
export async function readRustAudit(file: PackageFile, { offset, size }: ElfSection): Promise<PackageFindings> {
  if (size > MAX_DESCRIPTION) throw tooLarge(size, MAX_DESCRIPTION);
  const json = await inflate(readExactly(file, offset, size), 'deflate', 4 * MAX_DESCRIPTION);
  const { packages: list } = membersOf(parseJson(new TextDecoder('utf-8').decode(json)));
  if (!Array.isArray(list)) throw unreadable('its list of crates is damaged');
  const packages = list.flatMap((entry): readonly PackageRecord[] => {
    const members = membersOf(entry);
    const [name, version] = [jsonText(members['name']), jsonText(members['version'])];
    if (name === undefined || version === undefined || members['kind'] === 'build') return [];
    return [{ type: 'cargo', name, version }];
  });
  return { packages, gaps: [] };
}
