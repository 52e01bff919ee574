import { encodeTarHeader, END_OF_ARCHIVE, type TarEntry } from '@tsbuild/oci';

/** A member of an archive written down in a test. */
export type Member = Partial<TarEntry> & { readonly path: string; readonly content?: string };

/** An archive with these members, whatever they say. */
export function tarOf(members: readonly Member[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { content = '', ...given } of members) {
    const type = given.type ?? (given.path.endsWith('/') ? 'directory' : 'file');
    const bytes = Buffer.from(type === 'file' ? content : '');
    const entry: TarEntry = {
      type,
      mode: type === 'directory' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 1_600_000_000, nanoseconds: 0 },
      linkPath: '',
      devMajor: 0,
      devMinor: 0,
      ...given,
      size: bytes.length,
    };
    parts.push(encodeTarHeader(entry), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...parts, END_OF_ARCHIVE]);
}

/** Bytes as a stream, in pieces of odd size. */
export async function* streamOf(bytes: Uint8Array, piece = 1000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}
