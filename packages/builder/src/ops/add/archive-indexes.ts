import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@tsbuild/oci/internal';
import { type ArchiveEntry, formatArchiveEntry, parseArchiveEntry } from './archive-entry.ts';

/** The first line of a kept index; another version is read again from the archive. */
const FORMAT = 'tsbuild.archive.v2';

/**
 * What is in archives that were unpacked before, by the sha256 of the archive's file: the format, the sha256 of all lines
 * below, and a line for each entry. Nothing is lost with them, as they can be made again.
 */
export class ArchiveIndexes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The entries in the archive's order; undefined when they are not kept, or damaged. */
  async get(sha256: string): Promise<readonly ArchiveEntry[] | undefined> {
    try {
      const [format, checksum, ...lines] = (await readFile(this.#path(sha256), 'utf8')).split('\n');
      if (format !== FORMAT || checksum !== hash('sha256', lines.join('\n')) || lines.pop() !== '') return undefined;
      return lines.map(parseArchiveEntry);
    } catch {
      return undefined;
    }
  }

  async put(sha256: string, entries: readonly ArchiveEntry[]): Promise<void> {
    const lines = entries.map((entry) => `${formatArchiveEntry(entry)}\n`).join('');
    await writeFileAtomic(this.#path(sha256), `${FORMAT}\n${hash('sha256', lines)}\n${lines}`);
  }

  #path(sha256: string): string {
    return join(this.#directory, `${sha256}.txt`);
  }
}
