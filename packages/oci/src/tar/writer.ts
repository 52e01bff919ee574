import type { TarEntry } from './entry.ts';

/** The header blocks of one entry: one ustar block, with a PAX header before it when ustar cannot hold it. */
export function encodeTarHeader(entry: TarEntry): Uint8Array {
  throw new Error(`not there yet: ${entry.path}`);
}
