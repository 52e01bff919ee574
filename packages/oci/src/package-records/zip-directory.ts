import { inflate } from './inflate.ts';
import { type PackageFile, readExactly, tooLarge, unreadable } from './package-file.ts';

const END_SIGNATURE = 0x06054b50;
const END_SIZE = 22;
const MAX_COMMENT = 65_535;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_SIZE = 46;
const LOCAL_SIZE = 30;
const ZIP64 = 0xffffffff;
const MAX_DIRECTORY = 64 * 1024 ** 2;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

/** A member of a zip archive, by its central directory. */
export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly packedSize: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

/** The central directory of a zip archive (APPNOTE.TXT 4.3). @throws OciError `UNSUPPORTED`, `LIMIT_EXCEEDED` */
export function* zipMembers(file: PackageFile): Generator<ZipMember, void, undefined> {
  const tailSize = Math.min(file.size, END_SIZE + MAX_COMMENT);
  const tail = viewOf(readExactly(file, file.size - tailSize, tailSize));
  let end = tailSize - END_SIZE;
  while (end >= 0 && tail.getUint32(end, true) !== END_SIGNATURE) end--;
  if (end < 0) throw unreadable('it is no zip archive, or truncated');
  const size = tail.getUint32(end + 12, true);
  const offset = tail.getUint32(end + 16, true);
  if (size === ZIP64 || offset === ZIP64) throw unreadable('its directory is in the form Zip64, which is not read');
  if (size > MAX_DIRECTORY) throw tooLarge(size, MAX_DIRECTORY);
  // Where something precedes the archive (a script that starts it), offsets count from the archive's own beginning.
  const start = file.size - tailSize + end - size;
  const shift = start - offset;
  if (shift < 0) throw unreadable('its zip directory is damaged');
  yield* members(viewOf(readExactly(file, start, size)), shift);
}

function* members(directory: DataView, shift: number): Generator<ZipMember, void, undefined> {
  for (let at = 0; at + ENTRY_SIZE <= directory.byteLength; ) {
    if (directory.getUint32(at, true) !== ENTRY_SIGNATURE) throw unreadable('its zip directory is damaged');
    const nameSize = directory.getUint16(at + 28, true);
    const others = directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true);
    if (at + ENTRY_SIZE + nameSize > directory.byteLength) throw unreadable('its zip directory is damaged');
    const name = new Uint8Array(directory.buffer, directory.byteOffset + at + ENTRY_SIZE, nameSize);
    yield {
      name: new TextDecoder('utf-8').decode(name),
      flags: directory.getUint16(at + 8, true),
      method: directory.getUint16(at + 10, true),
      packedSize: directory.getUint32(at + 20, true),
      size: directory.getUint32(at + 24, true),
      offset: directory.getUint32(at + 42, true) + shift,
    };
    at += ENTRY_SIZE + nameSize + others;
  }
}

/** The content of a member. @throws OciError `UNSUPPORTED`, `LIMIT_EXCEEDED` beyond `most` bytes */
export async function zipContent(file: PackageFile, member: ZipMember, most: number): Promise<Uint8Array> {
  const { method, flags, packedSize, size, offset } = member;
  if (size > most || packedSize > most) throw tooLarge(Math.max(size, packedSize), most);
  if ((flags & ENCRYPTED) !== 0) throw unreadable(`${member.name} is encrypted`);
  const local = viewOf(readExactly(file, offset, LOCAL_SIZE));
  const start = offset + LOCAL_SIZE + local.getUint16(26, true) + local.getUint16(28, true);
  const packed = readExactly(file, start, packedSize);
  if (method === STORED) return packed;
  if (method === DEFLATED) return inflate(packed, 'deflate-raw', most);
  throw unreadable(`${member.name} is compressed in a way that is not read (${method})`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
