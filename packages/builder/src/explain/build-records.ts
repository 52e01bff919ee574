import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, digestHex, isDigest } from '@tsbuild/oci';
import type { BuildRecord } from './build-record.ts';
import { type Fault, keptFaults, readKept, writeKept } from '../disk/kept-file.ts';

/** Of so many images the last build is remembered. */
const MOST_IMAGES = 200;

/** The last build of each image, and the last one at all: small files, `builds/` of the store, replaced whole. */
export class BuildRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The last build that gave this image, or with `last` the last one, failed or not. */
  get(image: Digest | 'last'): BuildRecord | undefined {
    return readKept(this.#path(image), isBuildRecord);
  }

  /** The records that are damaged. */
  verify(): readonly Fault[] {
    return keptFaults(this.#directory, isBuildRecord);
  }

  put(record: BuildRecord): void {
    writeKept(this.#path('last'), record);
    const { id, platforms = [] } = record.image ?? {};
    // An image for several platforms is found by its index and by each of its images.
    for (const each of [id, ...platforms.map((of) => of.id)]) if (isDigest(each)) this.#putOf(each, record);
  }

  #putOf(image: Digest, record: BuildRecord): void {
    const path = this.#path(image);
    const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
    writeKept(path, record);
    if (isNew) this.#forgetOldest();
  }

  #forgetOldest(): void {
    try {
      const names = readdirSync(this.#directory).filter((name) => name !== 'last.json');
      if (names.length <= MOST_IMAGES) return;
      const byAge = names
        .map((name) => join(this.#directory, name))
        .map((path) => ({ path, time: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
        .toSorted((a, b) => b.time - a.time);
      for (const { path } of byAge.slice(MOST_IMAGES)) rmSync(path, { force: true });
    } catch {
      // What is not forgotten now is forgotten by a later build.
    }
  }

  #path(image: Digest | 'last'): string {
    return join(this.#directory, `${image === 'last' ? image : digestHex(image)}.json`);
  }
}

function isBuildRecord({ version, steps }: Partial<BuildRecord>): boolean {
  return version === 1 && Array.isArray(steps);
}
