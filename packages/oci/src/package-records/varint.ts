import { unreadable } from './package-file.ts';

/** An unsigned LEB128 number, as Go's encoding/binary writes it: seven bits a byte, the lowest first. */
export function readVarint7(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < 7; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  throw unreadable('its Go build information is damaged');
}
