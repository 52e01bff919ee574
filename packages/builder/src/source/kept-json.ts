import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { sealJson, writeFileAtomic } from '@tsbuild/oci/internal';
import { type Fault, type IsDocument, keptFaults, readKept } from '../disk/kept-file.ts';

/** Small JSON documents in a directory, by name. The name is hashed: it may hold anything, and is not kept itself. */
export class KeptJson<T extends object> {
  readonly #directory: string;
  readonly #isValid: IsDocument<T>;

  /** A document that is not `isValid`, damaged, or without a checksum counts as missing. */
  constructor(directory: string, isValid: IsDocument<T>) {
    this.#directory = directory;
    this.#isValid = isValid;
  }

  get(name: string): T | undefined {
    return readKept(this.#path(name), this.#isValid);
  }

  async put(name: string, value: T): Promise<void> {
    await writeFileAtomic(this.#path(name), sealJson(value));
  }

  /** The documents that are damaged. */
  verify(): readonly Fault[] {
    return keptFaults(this.#directory, this.#isValid);
  }

  #path(name: string): string {
    return join(this.#directory, `${createHash('sha256').update(name).digest('hex')}.json`);
  }
}
