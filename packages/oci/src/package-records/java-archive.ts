import { OciError } from '../spec/oci-error.ts';
import { archiveRecords, parseProperties, type PomProperties } from './java-names.ts';
import { MAX_DESCRIPTION, memoryFile, type PackageFile, tooLarge } from './package-file.ts';
import type { PackageFindings, PackageRecord } from './package-record.ts';
import { zipContent, type ZipMember, zipMembers } from './zip-directory.ts';

/** Files that are Java archives by their names. */
export const JAVA_ARCHIVE = /\.(?:jar|war|ear|hpi|jpi)$/i;
const MANIFEST = 'META-INF/MANIFEST.MF';
const POM_PROPERTIES = /^META-INF\/maven\/[^/]+\/[^/]+\/pom\.properties$/;
/** An archive in an archive in an archive: what servers deploy has two levels. */
const MAX_NESTING = 5;
const MAX_MEMBERS = 500_000;
/** Bytes that all nested archives of one file may unpack to. */
const MAX_UNPACKED = 1024 ** 3;
const MAX_GAPS = 100;

/** Most of one nested archive, which is kept in memory while it is read. */
const MAX_NESTED = 256 * 1024 ** 2;

interface Waiting {
  /** Unpacks it only when its turn comes: of all nested archives one path is in memory. */
  readonly open: () => Promise<PackageFile>;
  readonly within: string | undefined;
  readonly depth: number;
}

interface Budget {
  members: number;
  bytes: number;
}

/**
 * A Java archive and those inside it: what Maven wrote (`pom.properties`, also of libraries that were taken apart into it), else
 * its manifest, else its name.
 */
export async function readJavaArchive(file: PackageFile): Promise<PackageFindings> {
  const packages: PackageRecord[] = [];
  const gaps: string[] = [];
  const budget: Budget = { members: MAX_MEMBERS, bytes: MAX_UNPACKED };
  const waiting: Waiting[] = [{ open: async () => file, within: undefined, depth: 0 }];
  for (let archive = waiting.pop(); archive !== undefined && gaps.length < MAX_GAPS; archive = waiting.pop()) {
    const { within } = archive;
    const tell = (reason: string): number => gaps.push(within === undefined ? reason : `${within}: ${reason}`);
    try {
      const opened = await archive.open();
      const found = await readArchive(opened, archive, budget, tell, waiting);
      packages.push(...found.map((one) => (within === undefined ? one : { ...one, within })));
    } catch (error) {
      if (!(error instanceof OciError || error instanceof RangeError)) throw error;
      tell(error instanceof OciError ? error.message : 'it is damaged');
      if (budget.members < 0 || budget.bytes <= 0) break;
    }
  }
  return { packages, gaps };
}

async function readArchive(
  file: PackageFile,
  { within, depth }: Waiting,
  budget: Budget,
  tell: (reason: string) => void,
  waiting: Waiting[],
): Promise<readonly PackageRecord[]> {
  let manifest = '';
  const poms: PomProperties[] = [];
  for (const member of zipMembers(file)) {
    if (--budget.members < 0) throw tooLarge(MAX_MEMBERS + 1, MAX_MEMBERS);
    if (member.name === MANIFEST) manifest = await memberText(file, member);
    else if (POM_PROPERTIES.test(member.name)) poms.push(parseProperties(await memberText(file, member)));
    else if (JAVA_ARCHIVE.test(member.name)) {
      const path = within === undefined ? member.name : `${within}!${member.name}`;
      if (depth + 1 >= MAX_NESTING) tell(`${member.name} is nested too deeply and is not read`);
      else waiting.push({ open: () => nested(file, member, path, budget), within: path, depth: depth + 1 });
    }
  }
  return archiveRecords(within ?? file.path, manifest, poms);
}

async function nested(file: PackageFile, member: ZipMember, path: string, budget: Budget): Promise<PackageFile> {
  const content = await zipContent(file, member, Math.min(MAX_NESTED, budget.bytes));
  budget.bytes -= content.length;
  return memoryFile(path, content);
}

async function memberText(file: PackageFile, member: ZipMember): Promise<string> {
  return new TextDecoder('utf-8').decode(await zipContent(file, member, MAX_DESCRIPTION));
}
