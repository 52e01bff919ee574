import { OciError } from '../spec/oci-error.ts';
import type { ByteString } from '../spec/byte-string.ts';

/** A file that may tell of packages: read by ranges, wherever it lies. */
export interface PackageFile {
  /** Relative to the root of the image. */
  readonly path: ByteString;
  /** Bytes. */
  readonly size: number;
  /** The bytes from `position` on: `length` of them, fewer only at the end of the file. */
  read(position: number, length: number): Uint8Array;
}

const MIB = 1024 ** 2;

/** Most bytes of a file that describes one package. */
export const MAX_DESCRIPTION = 4 * MIB;

/** Most bytes of a database of packages: ten times what a full desktop has. */
export const MAX_DATABASE = 128 * MIB;

/** A file at hand in memory. */
export function memoryFile(path: ByteString, content: Uint8Array): PackageFile {
  return { path, size: content.length, read: (position, length) => content.subarray(position, position + length) };
}

/** The whole file. @throws OciError `LIMIT_EXCEEDED` when it is larger than `most` bytes */
function wholeFile(file: PackageFile, most: number): Uint8Array {
  if (file.size > most) throw tooLarge(file.size, most);
  return file.read(0, file.size);
}

/** The whole file as UTF-8 text; what is none becomes U+FFFD. @throws OciError `LIMIT_EXCEEDED` */
export function fileText(file: PackageFile, most: number): string {
  return new TextDecoder('utf-8').decode(wholeFile(file, most));
}

/** The range, whole. @throws OciError `UNSUPPORTED` when the file ends before */
export function readExactly(file: PackageFile, position: number, length: number): Uint8Array {
  if (position < 0 || length < 0 || position + length > file.size) throw unreadable('it is truncated');
  const bytes = file.read(position, length);
  if (bytes.length < length) throw unreadable('it is truncated');
  return bytes;
}

/** What cannot be read becomes a gap with this reason. */
export function unreadable(reason: string): OciError {
  return new OciError('UNSUPPORTED', reason);
}

/** As {@link unreadable}, for what is larger than is reasonable. */
export function tooLarge(size: number, most: number): OciError {
  return new OciError('LIMIT_EXCEEDED', `it is too large: ${size} bytes, at most ${most} are read`);
}
