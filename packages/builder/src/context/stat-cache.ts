import { lstatSync, readFileSync } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';
import { replaceFileUnsynced } from '@tsbuild/oci/node';
import { BuildError } from '../errors.ts';
import { errorCode } from './context-error.ts';
import {
  type DigestTable,
  decodeTable,
  emptyTable,
  encodeTable,
  type FileIdentity,
  type KnownFile,
} from './stat-cache-file.ts';

/** A digest learnt in this build. */
interface Learnt extends KnownFile {
  /** Whether later builds may trust it, too. */
  readonly lasting: boolean;
}

/**
 * The content digests of one context's files, remembered from build to build: an unchanged file costs its lstat and no
 * read. A file is taken for unchanged while size, mtime, ctime and inode are the same. ctime is the one of them that
 * no program can set, so the rule breaks only for two writes within one tick of the file system's clock: a digest whose
 * file was that fresh when it was looked at serves its own build and is forgotten (git's "racy" rule).
 */
export class StatCache {
  readonly #root: string;
  readonly #file: string | undefined;
  /** What earlier builds learnt, read when somebody asks. */
  #kept: DigestTable | undefined;
  /** Which records of it this build asked for: their files exist. */
  #seen = new Uint8Array();
  readonly #learnt = new Map<ByteString, Learnt>();
  #changed = false;

  private constructor(root: string, file: string | undefined) {
    this.#root = root;
    this.#file = file;
  }

  /**
   * The digests of the context `root` (an absolute path) that are kept in `file`, which is read when the first is asked
   * for. Missing, damaged, or written for another root: an empty cache. Without `file` nothing outlives the build.
   */
  static open(root: string, file?: string): StatCache {
    return new StatCache(root, file);
  }

  /** The digest (sha256, hexadecimal) of a file's content, if its identity is the remembered one. */
  get(path: ByteString, identity: FileIdentity): string | undefined {
    const learnt = this.#learnt.get(path);
    if (learnt !== undefined) return sameIdentity(learnt, identity) ? learnt.sha256 : undefined;
    const kept = this.#table();
    const record = kept.find(path);
    if (record < 0) return undefined;
    this.#seen[record] = 1;
    return kept.sha256(record, identity);
  }

  /** Whether an earlier build knew a file of this path, whatever it was. */
  has(path: ByteString): boolean {
    return this.#table().find(path) >= 0;
  }

  /**
   * Remembers a digest. `seenAt` (ms since 1970) is a moment not after the identity was read: any write after the
   * content was read then comes with a later ctime, except within the clock's granularity.
   */
  set(path: ByteString, identity: FileIdentity, sha256: string, seenAt: number): void {
    const { size, mtimeMs, ctimeMs, ino } = identity;
    const lasting = !isRacy(mtimeMs, ctimeMs, seenAt);
    this.#learnt.set(path, { path, size, mtimeMs, ctimeMs, ino, sha256, lasting });
    this.#changed ||= lasting;
  }

  /**
   * Writes the file if this build learnt something, without the files that are gone. Returns what went wrong, for a
   * notice: a build never fails for it.
   */
  save(): BuildError | undefined {
    if (this.#file === undefined || !this.#changed) return undefined;
    try {
      replaceFileUnsynced(this.#file, encodeTable(this.#root, this.#survivors()), 0o600);
      this.#changed = false;
      return undefined;
    } catch (error) {
      return new BuildError('CACHE_INVALID', `the digests of the build context cannot be kept: ${String(error)}`, {
        hint: 'The next build reads every file of the context again.',
        cause: error,
      });
    }
  }

  #table(): DigestTable {
    if (this.#kept !== undefined) return this.#kept;
    this.#kept = this.#file === undefined ? emptyTable() : readTable(this.#file, this.#root);
    this.#seen = new Uint8Array(this.#kept.length);
    return this.#kept;
  }

  #survivors(): KnownFile[] {
    const survivors: KnownFile[] = [...this.#learnt.values()].filter(({ lasting }) => lasting);
    const kept = this.#table();
    for (let record = 0; record < kept.length; record++) {
      const known = kept.at(record);
      if (this.#learnt.has(known.path)) continue;
      if (this.#seen[record] === 1 || exists(this.#root, known.path)) survivors.push(known);
    }
    return survivors;
  }
}

/**
 * How far a file's time may lag behind the real one. Linux stamps files with the time of its last tick, at most 10 ms
 * ago (HZ=100): twice that, for a clock that is read in whole milliseconds.
 */
const TICK_MS = 20;

/** The same on file systems that keep whole seconds (ext3, HFS+, some NFS servers) or two of them (FAT). */
const COARSE_TICK_MS = 2000;

/** Whether a write after `seenAt` could leave the very same times: see {@link StatCache}. */
export function isRacy(mtimeMs: number, ctimeMs: number, seenAt: number): boolean {
  const coarse = ctimeMs % 1000 === 0 && mtimeMs % 1000 === 0;
  const tick = coarse ? COARSE_TICK_MS : TICK_MS;
  // A ctime ahead of us (a server's clock) will be reached yet. An mtime far ahead was set on purpose and moves on a write.
  return ctimeMs > seenAt - tick || Math.abs(seenAt - mtimeMs) < tick;
}

function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino;
}

function readTable(file: string, root: string): DigestTable {
  try {
    return decodeTable(readFileSync(file), root);
  } catch {
    // Nothing is lost but time: whatever is wrong with the file, the digests are in the context itself.
    return emptyTable();
  }
}

/** Whether a file is still there; when in doubt (no permission, …) yes. */
function exists(root: string, path: ByteString): boolean {
  try {
    lstatSync(Buffer.concat([Buffer.from(root), Buffer.from(`/${path}`, 'latin1')]));
    return true;
  } catch (error) {
    return errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR';
  }
}
