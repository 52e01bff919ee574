import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OciError } from '../spec/oci-error.ts';
import { errnoOf } from '../processes/store-errors.ts';

/** Files and their size: what the lock, the index and other small files need while room is made. */
const FILES = 4;
const SIZE = 64 * 1024;

/**
 * Room that a store keeps for the day when the disk is full: what frees space must itself write a lock and an index then.
 * In files, as inodes may be used up too.
 */
export class Reserve {
  readonly #directory: string;

  /** @param directory where it is, `reserve` in the store */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Lays it by, if it is not there. Never throws: without it everything works that has room. */
  keep(): void {
    const last = join(this.#directory, String(FILES - 1));
    try {
      if (statSync(last, { throwIfNoEntry: false })?.size === SIZE) return;
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      for (let i = 0; i < FILES; i++) {
        // No zeros: some file systems give them no room.
        writeFileSync(join(this.#directory, String(i)), randomBytes(SIZE), { mode: 0o600 });
      }
    } catch {
      this.#spend();
    }
  }

  /** Runs an action that frees space; when the disk is full, once more with the reserve's room. */
  async lend<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!isDiskFull(error) || !this.#spend()) throw error;
      try {
        return await action();
      } finally {
        this.keep();
      }
    }
  }

  /** True when there was something to give away. */
  #spend(): boolean {
    try {
      rmSync(this.#directory, { recursive: true });
      return true;
    } catch {
      return false;
    }
  }
}

function isDiskFull(error: unknown): boolean {
  const code = error instanceof OciError ? error.fields['errno'] : errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}
