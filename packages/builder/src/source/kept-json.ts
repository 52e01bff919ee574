import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@tsbuild/oci/node';

/** Small JSON documents in a directory, by name. The name is hashed: it may hold anything, and is not kept itself. */
export class KeptJson<T> {
  readonly #directory: string;
  readonly #isValid: (value: Partial<T>) => boolean;

  /** A document that is not `isValid` counts as missing. */
  constructor(directory: string, isValid: (value: Partial<T>) => boolean) {
    this.#directory = directory;
    this.#isValid = isValid;
  }

  async get(name: string): Promise<T | undefined> {
    try {
      const file = await open(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const value = JSON.parse(await file.readFile('utf8')) as Partial<T>;
        return this.#isValid(value) ? (value as T) : undefined;
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  async put(name: string, value: T): Promise<void> {
    await writeFileAtomic(this.#path(name), JSON.stringify(value));
  }

  #path(name: string): string {
    return join(this.#directory, `${createHash('sha256').update(name).digest('hex')}.json`);
  }
}
