import { type ByteString, byteStringToUtf8, utf8ToByteString } from '@tsbuild/oci';

/**
 * A path as listings (and error messages) write it: text where the bytes are UTF-8, and `\xNN` for control characters,
 * backslashes and bytes that are none. Two different names never print alike.
 */
export function printablePath(path: ByteString): string {
  const text = byteStringToUtf8(path);
  return utf8ToByteString(text) === path
    ? text.replace(/[\x00-\x1f\x7f\\]/g, escape)
    : path.replace(/[\x00-\x1f\x7f-\xff\\]/g, escape);
}

function escape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
