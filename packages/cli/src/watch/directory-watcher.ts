import { type FSWatcher, readFileSync, statSync, watch } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { CommandError } from '../host/usage-error.ts';

interface Watched {
  readonly watcher: FSWatcher;
  /** Which directory it is: the path may come to mean another one. */
  readonly identity: string;
}

/**
 * Watches directories, each by itself: a recursive watch of Node lists whole trees, ignored ones too. Safe to be told of the same
 * one again, which is how a directory that was replaced is watched anew.
 */
export class DirectoryWatcher implements Disposable {
  readonly #onChange: (path: ByteString) => void;
  readonly #watched = new Map<ByteString, Watched>();
  #failed = false;

  /** `onChange` gets the absolute path of whatever was made, changed, moved or removed in a directory. */
  constructor(onChange: (path: ByteString) => void) {
    this.#onChange = onChange;
  }

  /** How many directories are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** Whether some directory could not be watched: then changes go unseen. */
  get failed(): boolean {
    return this.#failed;
  }

  /**
   * Watches a directory (absolute) from now on. One that is not there is not watched: its parent is.
   * @throws CommandError when the kernel has no more room for watches
   */
  readonly add = (directory: ByteString): void => {
    const identity = identityOf(directory);
    if (this.#watched.get(directory)?.identity === identity) return;
    this.#drop(directory);
    if (identity === undefined) return;
    const name = directory.slice(directory.lastIndexOf('/') + 1);
    const prefix = directory === '/' ? directory : `${directory}/`;
    try {
      const watcher = watch(Buffer.from(directory, 'latin1'), { encoding: 'buffer' }, (_, changed) => {
        const child = changed?.toString('latin1') ?? '';
        // The kernel says under its own name that the directory itself went away.
        if (child === name && identityOf(directory) !== identity) this.#drop(directory);
        this.#onChange(prefix + child);
      });
      watcher.on('error', () => this.#drop(directory));
      this.#watched.set(directory, { watcher, identity });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      this.#failed = true;
      throw tooMany(error, this.size);
    }
  };

  [Symbol.dispose](): void {
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  #drop(directory: ByteString): void {
    this.#watched.get(directory)?.watcher.close();
    this.#watched.delete(directory);
  }
}

/**
 * From so many events on some may have been lost: the kernel keeps no more than this for a program that is busy, and Node tells
 * nobody.
 */
export function floodLimit(): number {
  try {
    return Math.max(1, Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1')) / 2);
  } catch {
    return 8192;
  }
}

function identityOf(directory: ByteString): string | undefined {
  const stats = statSync(Buffer.from(directory, 'latin1'), { throwIfNoEntry: false });
  return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}` : undefined;
}

function tooMany(error: unknown, count: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EMFILE') return error;
  return new CommandError(`cannot watch more than ${count} directories: the kernel allows this user no more watches`, {
    hint: 'exclude unneeded files with .dockerignore, or: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024',
    cause: error,
  });
}
