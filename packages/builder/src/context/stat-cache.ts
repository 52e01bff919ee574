import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteString } from '@tsbuild/oci';
import { errorCode, replaceFileUnsynced } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';
import { type Fault, namesIn } from '../disk/kept-file.ts';
import {
  type DigestTable,
  decodeTable,
  tableFault,
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
 * read. A file is taken for unchanged while size, mtime, ctime, inode and device are the same. Whether every change must show
 * in them depends on the file system and on how fresh the file was (git's "racy" rule): see {@link Lasting}. A digest
 * that is not lasting serves its own build and is forgotten.
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

  /** The files in the directory of all contexts that are damaged. */
  static verify(directory: string): readonly Fault[] {
    const names = namesIn(directory).filter((name) => /^[0-9a-f]{64}$/.test(name));
    return names.flatMap((name) => {
      const path = join(directory, name);
      const why = faultOf(path);
      return why === undefined ? [] : [{ path, why }];
    });
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

  /** Remembers a digest; for later builds only if it is `lasting`. */
  set(path: ByteString, identity: FileIdentity, sha256: string, lasting: boolean): void {
    const { size, mtimeMs, ctimeMs, ino, dev } = identity;
    this.#learnt.set(path, { path, size, mtimeMs, ctimeMs, ino, dev, sha256, lasting });
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
      return new BuildError('CACHE_INVALID', `cannot save the digests of the build context: ${String(error)}`, {
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

function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  const sameTimes = a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
  return sameTimes && a.size === b.size && a.ino === b.ino && a.dev === b.dev;
}

function faultOf(path: string): string | undefined {
  try {
    return tableFault(readFileSync(path));
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? undefined : `it cannot be read: ${errorCode(error) ?? error}`;
  }
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
