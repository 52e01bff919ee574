import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { processStart } from '@tsbuild/oci/internal';
import { removeTree } from './remove-tree.ts';

/** Leftovers of processes that cannot be seen from here (another pid namespace) are left alone this long. */
const FOREIGN_AGE = 24 * 60 * 60 * 1000;

/**
 * Directories for as long as a process needs them. Each is named after its process, so that what a killed one left
 * behind can be told from what is in use: `<pid>-<start time>-<pid namespace>-<random>`.
 */
export class ScratchSpace {
  readonly #directory: string;
  readonly #owner = ownerOf(process.pid);
  #cleared: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A fresh, empty directory. The first one of a process clears away what dead processes left. */
  async create(): Promise<string> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    await (this.#cleared ??= this.#clear());
    const path = join(this.#directory, `${this.#owner}-${randomBytes(6).toString('hex')}`);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  async #clear(): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      // What has owners of another mapping of ids cannot be removed from here, and is in nobody's way.
      if (isAbandoned(name, path)) await removeTree(path).catch(() => undefined);
    }
  }
}

/** True for a directory of {@link ScratchSpace} whose process is gone. Anything with another name is not ours. */
export function isAbandoned(name: string, path: string): boolean {
  const match = /^(\d+)-(\d+)-(\d+)-[0-9a-f]+$/.exec(name);
  if (match === null) return false;
  if (match[3] !== pidNamespace()) {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats !== undefined && Date.now() - stats.mtimeMs > FOREIGN_AGE;
  }
  return ownerOf(Number(match[1])) !== `${match[1]}-${match[2]}-${match[3]}`;
}

function pidNamespace(): string {
  return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
}

/** Names a process so that no later one is taken for it: its pid may come again, with its start time it does not. */
function ownerOf(pid: number): string | undefined {
  const start = processStart(pid);
  return start === undefined ? undefined : `${pid}-${start}-${pidNamespace()}`;
}
