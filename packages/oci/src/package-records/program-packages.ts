import { elfSections } from './elf-sections.ts';
import { readGoBuildinfo } from './go-buildinfo.ts';
import type { PackageFile } from './package-file.ts';
import { NO_FINDINGS, type PackageFindings } from './package-record.ts';
import { readRustAudit } from './rust-audit.ts';

const GO = '.go.buildinfo';
const RUST = '.dep-v0';
const WANTED: ReadonlySet<string> = new Set([GO, RUST]);

/** What a program was made of, where Go or cargo-auditable wrote it into its ELF file. Other files tell nothing. */
export async function readProgram(file: PackageFile): Promise<PackageFindings> {
  const sections = elfSections(file, WANTED);
  if (sections === undefined) return NO_FINDINGS;
  const go = sections.get(GO);
  if (go !== undefined) return readGoBuildinfo(file, go);
  const rust = sections.get(RUST);
  return rust === undefined ? { ...NO_FINDINGS, isSilentProgram: true } : readRustAudit(file, rust);
}
