import type { ByteString, SparseRegion, TarEntryType, TarMember } from '@tsbuild/oci';
import { CAPABILITY_XATTR, isWhiteoutName } from '@tsbuild/oci/internal';
import type { SourceEntry } from '../../context/source-tree.ts';
import { BuildError } from '../../diagnostics/build-error.ts';
import { imageXattrs } from '../image-xattrs.ts';
import { printablePath } from '../listing.ts';
import { cleanRelative } from '../relative-path.ts';

/** A member of an archive that ADD unpacks: its place below the destination, and where its bytes are. */
export interface ArchiveEntry extends Omit<SourceEntry, 'type'> {
  readonly type: TarEntryType;
  /** Position of the content in the uncompressed archive, bytes. */
  readonly offset: number;
  /** Of a sparse file: where its parts are; the rest is zeros. */
  readonly sparse?: readonly SparseRegion[];
  /** Files: sha256 of the content, hexadecimal. */
  readonly sha256: string;
}

/** The same as an entry to copy; hard links are dealt with before. */
export type ArchivedFile = ArchiveEntry & SourceEntry;

/**
 * Takes a member as ADD means it. Names are cleaned inside the destination: `/x`, `./x` and `../x` are `x`. Undefined for
 * the destination itself, which keeps its own metadata.
 * @throws BuildError `COPY_FAILED` for a name that an image cannot hold
 */
export function archiveEntry(
  { entry: member, offset, sparse }: Pick<TarMember, 'entry' | 'offset' | 'sparse'>,
  sha256: string,
): ArchiveEntry | undefined {
  const path = cleanRelative(member.path);
  if (path === '') return undefined;
  refuseName(path);
  if (member.type === 'symlink' && member.linkPath === '') throw unpackable(path, 'it is a symlink without a target');
  if (member.type === 'char' && member.devMajor === 0 && member.devMinor === 0) {
    throw unpackable(path, 'it is the character device 0:0, which overlayfs treats as a removal');
  }
  const { seconds, nanoseconds } = member.mtime;
  const xattrs = imageXattrs(member.xattrs);
  return {
    path,
    type: member.type,
    mode: member.mode,
    uid: member.uid,
    gid: member.gid,
    size: member.size,
    // Times before 1970 were never meant.
    mtime: seconds < 0 ? { seconds: 0, nanoseconds: 0 } : { seconds, nanoseconds },
    linkPath: member.type === 'hardlink' ? cleanRelative(member.linkPath) : member.linkPath,
    devMajor: member.devMajor,
    devMinor: member.devMinor,
    offset,
    sha256,
    ...(sparse && { sparse }),
    ...(xattrs && { xattrs }),
  };
}

const NAME_MAX = 255;
const PATH_MAX = 4095;

function refuseName(path: ByteString): void {
  for (const name of path.split('/')) {
    if (isWhiteoutName(name)) {
      throw unpackable(path, 'names that begin with .wh. are reserved for removals and cannot be stored in an image');
    }
    if (name.length > NAME_MAX) throw unpackable(path, `a name of more than ${NAME_MAX} bytes`);
  }
  if (path.length > PATH_MAX) throw unpackable(path, `a path of more than ${PATH_MAX} bytes`);
}

/** The error for a member that cannot be unpacked. */
export function unpackable(path: ByteString, problem: string): BuildError {
  return new BuildError('COPY_FAILED', `cannot unpack the archive's ${printablePath(path)}: ${problem}`, {
    hint: 'ADD --unpack=false copies an archive without unpacking it',
  });
}

type Row = [
  path: ByteString,
  type: TarEntryType,
  mode: number,
  uid: number,
  gid: number,
  size: number,
  seconds: number,
  linkPath: ByteString,
  devMajor: number,
  devMinor: number,
  offset: number,
  sha256: string,
  capability: string,
  sparse?: readonly SparseRegion[],
];

/** One line of text for an entry, to be kept. */
export function formatArchiveEntry(entry: ArchiveEntry): string {
  const capability = [...(entry.xattrs?.values() ?? [])][0];
  const row: Row = [
    entry.path,
    entry.type,
    entry.mode,
    entry.uid,
    entry.gid,
    entry.size,
    entry.mtime.seconds,
    entry.linkPath,
    entry.devMajor,
    entry.devMinor,
    entry.offset,
    entry.sha256,
    capability === undefined ? '' : Buffer.from(capability).toString('base64'),
  ];
  return JSON.stringify(entry.sparse === undefined ? row : [...row, entry.sparse]);
}

/** Reads what {@link formatArchiveEntry} wrote. */
export function parseArchiveEntry(line: string): ArchiveEntry {
  const [path, type, mode, uid, gid, size, seconds, linkPath, devMajor, devMinor, offset, sha256, capability, sparse] =
    JSON.parse(line) as Row;
  return {
    path,
    type,
    mode,
    uid,
    gid,
    size,
    mtime: { seconds, nanoseconds: 0 },
    linkPath,
    devMajor,
    devMinor,
    offset,
    sha256,
    ...(sparse && { sparse }),
    ...(capability !== '' && { xattrs: new Map([[CAPABILITY_XATTR, Buffer.from(capability, 'base64')]]) }),
  };
}
