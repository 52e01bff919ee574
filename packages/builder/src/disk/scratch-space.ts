import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAbandoned, ownerState, ownerTag, UNSEEN_LIMIT } from '@tsbuild/oci/internal';
import { removeTree } from './remove-tree.ts';

/**
 * Directories for as long as a process needs them. Each is named after its process, so that what a killed one left
 * behind can be told from what is in use: `<owner>-<random>`.
 */
export class ScratchSpace {
  readonly #directory: string;
  #cleared: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A fresh, empty directory. The first one of a process clears away what dead processes left. */
  async create(): Promise<string> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    await (this.#cleared ??= this.#clear());
    const path = join(this.#directory, `${ownerTag()}-${randomBytes(6).toString('hex')}`);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  async #clear(): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      // What has owners of another mapping of ids cannot be removed from here, and is in nobody's way.
      if (isAbandonedScratch(name, path)) await removeTree(path).catch(() => undefined);
    }
  }
}

/** True for a directory of {@link ScratchSpace} whose process is gone. Anything with another name is not ours. */
export function isAbandonedScratch(name: string, path: string): boolean {
  // Eight hexadecimal digits, or the ten decimal ones of earlier versions.
  const tag = /^(\d+-\d+-(?:[0-9a-f]{8}|\d{10,}))-[0-9a-f]+$/.exec(name)?.[1];
  const age = (): number => Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  return tag !== undefined && isAbandoned(ownerState(tag), age, UNSEEN_LIMIT.rootFilesystem);
}

/** An empty directory to try in what this machine can do: in the store, where its filesystem is the one that counts. */
export function trialDirectory(store: string): string {
  try {
    return mkdtempSync(join(store, '.doctor-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'tsbuild-doctor-')); // No store yet, or not ours to write.
  }
}
