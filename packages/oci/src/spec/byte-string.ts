/**
 * A string whose every character is one byte (latin1-decoded), as file names on Linux are bytes and need not be
 * UTF-8. `<` on two of them is byte order, so sorting needs no locale and no Buffer.
 */
export type ByteString = string;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: false });

/** The bytes of `text` in UTF-8, as a byte string. ASCII text is returned as it is. */
export function utf8ToByteString(text: string): ByteString {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is the point.
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  let out = '';
  for (const byte of encoder.encode(text)) out += String.fromCharCode(byte);
  return out;
}

/** A byte string as text for people: decoded as UTF-8, with U+FFFD where it is none. */
export function byteStringToUtf8(bytes: ByteString): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is the point.
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes;
  const array = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) array[i] = bytes.charCodeAt(i);
  return decoder.decode(array);
}

/** Compares by bytes: negative, zero or positive, for `Array.prototype.sort`. */
export function compareByteStrings(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
