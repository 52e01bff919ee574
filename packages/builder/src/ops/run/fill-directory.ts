import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import type { SourceEntry, SourceTree } from '../../context/source-tree.ts';

/**
 * Copies what is in a directory of `tree` into an empty directory of the host: files, links and directories with mode,
 * owner and time. Devices and fifos are left out. Only paths that it has made itself are written to.
 */
export function fillDirectory(tree: SourceTree, from: ByteString, directory: string, signal: AbortSignal): void {
  new Filler(tree, signal).fill(from, Buffer.from(directory));
}

class Filler {
  readonly #tree: SourceTree;
  readonly #signal: AbortSignal;
  readonly #firstNames = new Map<string, Buffer>();
  readonly #buffer = Buffer.alloc(256 * 1024);

  constructor(tree: SourceTree, signal: AbortSignal) {
    this.#tree = tree;
    this.#signal = signal;
  }

  fill(from: ByteString, into: Buffer): void {
    for (const entry of this.#tree.list(from)) {
      this.#signal.throwIfAborted();
      const name = entry.path.slice(entry.path.lastIndexOf('/') + 1);
      this.#copy(entry, Buffer.concat([into, Buffer.from(`/${name}`, 'latin1')]));
    }
  }

  #copy(entry: SourceEntry, at: Buffer): void {
    if (entry.type === 'symlink') {
      symlinkSync(Buffer.from(entry.linkPath, 'latin1'), at);
      own(() => lchownSync(at, entry.uid, entry.gid));
    } else if (entry.type === 'directory') {
      mkdirSync(at, { mode: 0o700 });
      this.fill(entry.path, at);
      setLook(entry, at);
    } else if (entry.type === 'file') {
      const first = entry.hardLinkKey === undefined ? undefined : this.#firstNames.get(entry.hardLinkKey);
      if (first !== undefined) return linkSync(first, at);
      if (entry.hardLinkKey !== undefined) this.#firstNames.set(entry.hardLinkKey, at);
      this.#write(entry, at);
      setLook(entry, at);
    } else return;
    lutimesSync(at, entry.mtime.seconds, entry.mtime.seconds);
  }

  #write(entry: SourceEntry, at: Buffer): void {
    const file = this.#tree.open(entry);
    try {
      const fd = openSync(at, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
      try {
        for (let count = file.read(this.#buffer); count > 0; count = file.read(this.#buffer)) {
          for (let done = 0; done < count; ) done += writeSync(fd, this.#buffer, done, count - done);
        }
      } finally {
        closeSync(fd);
      }
    } finally {
      file.close();
    }
  }
}

/** Owner before mode: chown takes setuid bits away. */
function setLook(entry: SourceEntry, at: Buffer): void {
  own(() => chownSync(at, entry.uid, entry.gid));
  chmodSync(at, entry.mode);
}

function own(change: () => void): void {
  try {
    change();
  } catch (error) {
    // A single-id user namespace has no such owner: there everything is root's.
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}
