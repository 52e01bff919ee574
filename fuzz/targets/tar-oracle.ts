import type { TarEntry } from '../../packages/oci/src/tar/entry.ts';
import { BLOCK_SIZE, readString } from '../../packages/oci/src/tar/block.ts';
import { decodeHeader, isZeroBlock } from '../../packages/oci/src/tar/header.ts';
import { decodePaxRecords } from '../../packages/oci/src/tar/pax.ts';
import { readTar } from '../../packages/oci/src/tar/reader.ts';
import { chunked } from '../../packages/oci/testing/make-tar.ts';
import { mutateTar } from '../mutate/tar.ts';
import { tarSeeds } from '../seeds/tars.ts';
import { BrokenPromise } from '../target.ts';
import type { Running, Target } from '../target.ts';
import { gnuNames, PythonJudge, pythonIsMissing } from './tar-judges.ts';
import type { JudgedMember, Judgement } from './tar-judges.ts';

/** What an archive holds that readers take in different ways. */
interface Facts {
  /** Type flags in order, extended headers included. */
  readonly flags: string;
  readonly paxKeys: ReadonlySet<string>;
  readonly emptyPaxValue: boolean;
  /** A prefix in a header whose magic is not that of ustar. */
  readonly strayPrefix: boolean;
  /** A base-256 number with another first byte than 0x80 and 0xff. */
  readonly oddBase256: boolean;
  /** Octal text with anything behind its end, or a field without digits. */
  readonly oddOctal: boolean;
  readonly longNameWithSlash: boolean;
  readonly sizedWithoutContent: boolean;
  readonly unendedLongName: boolean;
  /** The archive ends within the padding of its last content. */
  readonly cutPadding: boolean;
}

interface Exception {
  readonly name: string;
  readonly reason: string;
  readonly judge: 'python' | 'gnu' | 'both';
  readonly applies: (facts: Facts) => boolean;
}

/**
 * Where judges may differ, each with the reason why our reading stands. "Go" is archive/tar, which every container engine
 * reads layers with: where readers disagree, that one decides.
 */
const EXCEPTIONS: readonly Exception[] = [
  {
    name: 'global headers',
    reason: 'Python and GNU tar apply them to all later members; Go hands them out and engines pass them over',
    judge: 'both',
    applies: ({ flags }) => flags.includes('g'),
  },
  {
    name: 'several headers for one member',
    reason: 'of two PAX or two long-name headers Python takes the first; Go, and we, the last',
    judge: 'both',
    applies: ({ flags }) => /x[LK]*x|L[xK]*L|K[xL]*K/.test(flags),
  },
  {
    name: 'PAX and GNU long names together',
    reason:
      'the order of the two headers decides in Python and GNU tar; in Go the long name always wins (CVE-2026-53655)',
    judge: 'both',
    applies: ({ flags }) => /x[LK]|[LK]x/.test(flags),
  },
  {
    name: 'empty PAX values',
    reason: 'an empty value takes a record back (POSIX); Python takes it for an empty name, or 0',
    judge: 'both',
    applies: ({ emptyPaxValue }) => emptyPaxValue,
  },
  {
    name: 'hdrcharset',
    reason: 'PAX values are bytes for us, as file names are; Python recodes them',
    judge: 'both',
    applies: ({ paxKeys }) => paxKeys.has('hdrcharset'),
  },
  {
    name: 'prefix without ustar magic',
    reason: 'Python reads the prefix whatever the magic says; there GNU headers hold times, v7 ones nothing',
    judge: 'both',
    applies: ({ strayPrefix }) => strayPrefix,
  },
  {
    name: 'base-256 with other first bytes',
    reason: 'Python knows the first bytes 0x80 and 0xff only; Go, GNU tar and we use the bits below the mark',
    judge: 'python',
    applies: ({ oddBase256 }) => oddBase256,
  },
  {
    name: 'odd octal numbers',
    reason: 'text behind a NUL, and fields without a digit, are read as what stands before, or 0, as Go does',
    judge: 'both',
    applies: ({ oddOctal }) => oddOctal,
  },
  {
    name: 'slashes at the end of long names',
    reason: 'GNU tar and Python take slashes off names in different ways; the layer reader cleans names later',
    judge: 'both',
    applies: ({ longNameWithSlash }) => longNameWithSlash,
  },
  {
    name: 'directories of old archives under another name',
    reason:
      'a slash at the end makes one where the type is NUL; Python asks the header, Go and we the name that counts',
    judge: 'python',
    applies: ({ flags }) => /[xLK]\0/.test(flags),
  },
  {
    name: 'sizes of what has no content',
    reason:
      'links, devices, folders and fifos have none, whatever their size says (Go); GNU tar passes over so many bytes',
    judge: 'gnu',
    applies: ({ sizedWithoutContent }) => sizedWithoutContent,
  },
  {
    name: 'long names without their end',
    reason: 'a long name ends with its size, as in Go; Python reads on to a NUL in the rest of its last block',
    judge: 'python',
    applies: ({ unendedLongName }) => unendedLongName,
  },
  {
    name: 'padding that is missing',
    reason: 'the last content may lack its padding, as archives of writers that were never closed do; Python wants it',
    judge: 'both',
    applies: ({ cutPadding }) => cutPadding,
  },
  {
    name: 'old sparse and vendor records',
    reason: 'GNU.* and SCHILY.realsize records describe sparse files, which we refuse or take as they are stored',
    judge: 'both',
    applies: ({ paxKeys }) => [...paxKeys].some((key) => /^(?:GNU\.|SCHILY\.(?:realsize|filetype))/.test(key)),
  },
];

const NUMBERS = [
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
  [136, 12],
  [148, 8],
  [329, 8],
  [337, 8],
] as const;

/** Reads all headers of an archive that our reader has accepted. */
function factsOf(bytes: Uint8Array): Facts {
  let flags = '';
  const paxKeys = new Set<string>();
  const odd = {
    emptyPaxValue: false,
    strayPrefix: false,
    oddBase256: false,
    oddOctal: false,
    longNameWithSlash: false,
    sizedWithoutContent: false,
    unendedLongName: false,
  };
  let paxSize: number | undefined;
  let metaName: string | undefined;
  let at = 0;
  while (at + BLOCK_SIZE <= bytes.length && !isZeroBlock(bytes, at)) {
    const header = decodeHeader(bytes, at);
    flags += header.typeFlag;
    odd.strayPrefix ||= readString(bytes, at + 257, 6) !== 'ustar' && bytes[at + 345] !== 0;
    // star's magic at the end of the block shortens the prefix.
    odd.strayPrefix ||= readString(bytes, at + 508, 4) === 'tar';
    for (const [field, length] of NUMBERS) noteNumber(bytes, at + field, length, odd);
    const isMeta = 'xgLK'.includes(header.typeFlag);
    const content = bytes.subarray(at + BLOCK_SIZE, at + BLOCK_SIZE + header.size);
    if (header.typeFlag === 'x') {
      const records = decodePaxRecords(content);
      const text = (key: string): string => Buffer.from(records.get(key) ?? []).toString('latin1');
      for (const [key, value] of records) {
        paxKeys.add(key);
        odd.emptyPaxValue ||= value.length === 0;
      }
      odd.longNameWithSlash ||= text('path').endsWith('/') || text('linkpath').endsWith('/');
      paxSize = text('size') === '' ? undefined : Number(text('size'));
      metaName = text('path') || metaName;
    } else if (header.typeFlag === 'L') {
      metaName = readString(content, 0, content.length);
      odd.longNameWithSlash ||= metaName.endsWith('/');
    }
    odd.unendedLongName ||= 'LK'.includes(header.typeFlag) && !content.includes(0);
    const isOldDirectory = header.typeFlag === '\0' && (metaName ?? header.name).endsWith('/');
    const hasContent = '0\0'.includes(header.typeFlag) && !isOldDirectory;
    odd.sizedWithoutContent ||= !isMeta && !hasContent && (paxSize ?? header.size) > 0;
    const size = isMeta ? header.size : hasContent ? (paxSize ?? header.size) : 0;
    if (!isMeta) {
      paxSize = undefined;
      metaName = undefined;
    }
    at += BLOCK_SIZE + Math.ceil(size / BLOCK_SIZE) * BLOCK_SIZE;
  }
  return { flags, paxKeys, ...odd, cutPadding: at > bytes.length };
}

function noteNumber(
  bytes: Uint8Array,
  at: number,
  length: number,
  odd: { oddBase256: boolean; oddOctal: boolean },
): void {
  const first = bytes[at] ?? 0;
  if (first >= 0x80) odd.oddBase256 ||= first !== 0x80 && first !== 0xff;
  else {
    const text = Buffer.from(bytes.subarray(at, at + length)).toString('latin1');
    odd.oddOctal ||= !/^(?: *[0-7]+[ \0]*|\0+)$/.test(text);
  }
}

/** In what a member differs from ours; undefined when in nothing. */
function difference(ours: TarEntry, theirs: JudgedMember): string | undefined {
  const trimmed = (name: string): string => name.replace(/\/+$/, '');
  const isLink = ours.type === 'symlink' || ours.type === 'hardlink';
  if (!theirs.names.some((name) => trimmed(name) === trimmed(ours.path))) return 'name';
  if (ours.type !== theirs.type) return 'type';
  if (isLink && !theirs.linkNames.some((name) => trimmed(name) === trimmed(ours.linkPath))) return 'link';
  if (ours.type === 'file' && ours.size !== theirs.size) return 'size';
  if (ours.mode !== theirs.mode) return 'mode';
  if (ours.uid !== theirs.uid || ours.gid !== theirs.gid) return 'owner';
  const time = ours.mtime.seconds + ours.mtime.nanoseconds / 1e9;
  if (theirs.mtime === null) return 'mtime';
  return Math.abs(time - theirs.mtime) > 1e-6 * Math.max(1, Math.abs(time)) ? 'mtime' : undefined;
}

function pythonDiffers(entries: readonly TarEntry[], judgement: Judgement): string | undefined {
  if ('refusal' in judgement) return `refuses (${judgement.refusal})`;
  const { members } = judgement;
  if (members.length !== entries.length) return `has ${members.length} members instead of ${entries.length}`;
  for (const [i, entry] of entries.entries()) {
    const theirs = members[i];
    const field = theirs === undefined ? 'count' : difference(entry, theirs);
    if (field !== undefined) return `has another ${field}: ${JSON.stringify(theirs)} for ${JSON.stringify(entry)}`;
  }
  return undefined;
}

function gnuDiffers(entries: readonly TarEntry[], names: readonly string[] | undefined): string | undefined {
  if (names === undefined) return undefined; // It refused or complained; that we are as strict is not claimed.
  const [ours, theirs] = [entries.map(({ path }) => path), names].map((list) =>
    JSON.stringify(list.map((name) => name.replace(/\/+$/, ''))),
  );
  return ours === theirs ? undefined : `lists ${theirs} instead of ${ours}`;
}

function classify(judge: 'python' | 'gnu', problem: string, input: Uint8Array): string {
  const facts = factsOf(input);
  const exception = EXCEPTIONS.find((one) => (one.judge === judge || one.judge === 'both') && one.applies(facts));
  if (exception === undefined) throw new BrokenPromise(`${judge} ${problem}`);
  return `${judge}: ${exception.name}`;
}

function openOracle(): Running {
  const python = new PythonJudge();
  let count = 0;
  const run = async (input: Uint8Array): Promise<string> => {
    const entries: TarEntry[] = [];
    // What we refuse others may take: they pass over damage, or end in silence.
    for await (const { entry } of readTar(chunked(input))) entries.push(entry);
    if (entries.length === 0) return 'empty';
    const problem = pythonDiffers(entries, await python.judge(input));
    if (problem !== undefined) return classify('python', problem, input);
    const gnuProblem = count++ % 10 === 0 ? gnuDiffers(entries, gnuNames(input)) : undefined;
    return gnuProblem === undefined ? `agreed ${entries.length}` : classify('gnu', gnuProblem, input);
  };
  return { run, close: () => python.close() };
}

/** Mutated archives that our reader takes, read by Python's tarfile too, and every tenth by GNU tar: they must agree. */
export const tarOracle: Target = {
  name: 'tar-oracle',
  seeds: tarSeeds,
  mutate: mutateTar,
  open: openOracle,
  missing: pythonIsMissing,
};
