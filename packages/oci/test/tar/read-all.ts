import type { TarEntry } from '../../src/tar/entry.ts';
import { readTar } from '../../src/tar/reader.ts';
import { chunked } from '../../testing/make-tar.ts';

export interface ReadMember extends TarEntry {
  readonly offset: number;
  readonly text: string;
}

/** Everything in an archive, contents as byte strings. */
export async function readAll(archive: Uint8Array, chunkSize?: number): Promise<ReadMember[]> {
  const members: ReadMember[] = [];
  for await (const { entry, offset, content } of readTar(chunked(archive, chunkSize))) {
    let text = '';
    for await (const piece of content) text += Buffer.from(piece).toString('latin1');
    members.push({ ...entry, offset, text });
  }
  return members;
}

/** The names in an archive, contents left unread. */
export async function namesOf(archive: Uint8Array, chunkSize?: number): Promise<string[]> {
  const names: string[] = [];
  for await (const { entry } of readTar(chunked(archive, chunkSize))) names.push(entry.path);
  return names;
}
