import type { ByteString } from '../spec/byte-string.ts';

/** Archives are made of blocks of this many bytes. */
export const BLOCK_SIZE = 512;

/** The bytes at `at` up to the first NUL, at most `length` of them. */
export function readString(bytes: Uint8Array, at: number, length: number): ByteString {
  let end = at;
  while (end < at + length && bytes[end] !== 0) end++;
  return bytesToByteString(bytes, at, end);
}

/** The bytes `from` … `to` as a byte string. */
export function bytesToByteString(bytes: Uint8Array, from: number, to: number): ByteString {
  // Spreading arguments has a limit, so long names (PAX, up to 1 MiB) go piecewise.
  if (to - from <= 4096) return String.fromCharCode.apply(null, bytes.subarray(from, to) as unknown as number[]);
  let text = '';
  for (let i = from; i < to; i += 4096) text += bytesToByteString(bytes, i, Math.min(i + 4096, to));
  return text;
}

/** Writes the bytes of `text` at `at`. */
export function writeString(target: Uint8Array, at: number, text: ByteString): void {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
}
