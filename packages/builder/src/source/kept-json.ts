import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { sealJson, unsealJson, writeFileAtomic } from '@tsbuild/oci/internal';

/** Small JSON documents in a directory, by name. The name is hashed: it may hold anything, and is not kept itself. */
export class KeptJson<T extends object> {
  readonly #directory: string;
  readonly #isValid: (value: Partial<T>) => boolean;

  /** A document that is not `isValid`, damaged, or without a checksum counts as missing. */
  constructor(directory: string, isValid: (value: Partial<T>) => boolean) {
    this.#directory = directory;
    this.#isValid = isValid;
  }

  async get(name: string): Promise<T | undefined> {
    try {
      const file = await open(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const document = unsealJson(await file.readFile('utf8'));
        if (document?.isSealed !== true) return undefined;
        return this.#isValid(document.value as Partial<T>) ? (document.value as T) : undefined;
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  async put(name: string, value: T): Promise<void> {
    await writeFileAtomic(this.#path(name), sealJson(value));
  }

  #path(name: string): string {
    return join(this.#directory, `${createHash('sha256').update(name).digest('hex')}.json`);
  }
}
