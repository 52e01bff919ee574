import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ByteString, type Digest, isDigest } from '@tsbuild/oci';
import { replaceFileUnsynced } from '@tsbuild/oci/internal';

/** So many copies of one place are remembered, the latest first. */
const MOST = 64;

/** Copies between stages have one file for all: a few kilobytes, which no list of the cache needs to name. */
const STAGES = 'stages';

/** Stands for everything that decides a copy's listing: see `copy-question.ts`. */
export interface CopyQuestion {
  readonly digest: Digest;
  /** Where the files are; `''` for those of stages. */
  readonly place: ByteString;
  /** Whether the answer may be kept for later builds; asked when it is known. */
  isLasting(): boolean;
}

/**
 * Which listing a copy had, by all that decides it, from build to build: an unchanged copy of ten thousands of files need
 * not be planned to know its key. Losing it costs time and nothing else.
 */
export class CopyMemory {
  readonly #directory: string;

  /** `directory` keeps a file for each place, beside that of its stat cache. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The digest of the listing. */
  recall({ place, digest }: CopyQuestion): Digest | undefined {
    const line = this.#lines(this.#file(place)).find((text) => text.startsWith(digest));
    const listing = line?.slice(digest.length + 1);
    return listing !== undefined && isDigest(listing) ? listing : undefined;
  }

  /** Remembers it, if it can be relied on later. What goes wrong costs later builds time and nothing else. */
  keep(question: CopyQuestion, listing: Digest): void {
    if (!question.isLasting()) return;
    const { place, digest } = question;
    const file = this.#file(place);
    const others = this.#lines(file).filter((text) => text !== '' && !text.startsWith(digest));
    try {
      replaceFileUnsynced(file, [`${digest} ${listing}`, ...others.slice(0, MOST - 1), ''].join('\n'));
    } catch {
      // As said.
    }
  }

  #file(place: ByteString): string {
    const name = place === '' ? STAGES : hash('sha256', Buffer.from(place, 'latin1'));
    return join(this.#directory, `${name}.copies`);
  }

  #lines(file: string): readonly string[] {
    try {
      return readFileSync(file, 'latin1').split('\n');
    } catch {
      return [];
    }
  }
}
