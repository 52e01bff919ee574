import { closeSync, renameSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { byteStringToUtf8, type ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import { unwritable } from '../processes/store-errors.ts';
import type { TarEntry } from '../tar/entry.ts';
import { readTar, type TarMember } from '../tar/reader.ts';
import { displayName, tarInvalid } from '../tar/tar-error.ts';
import { DirectoryWriter, type Owner, setFileAttributes } from './directory-writer.ts';
import { isKeptXattr, makeNode, writeXattrs } from './disk-programs.ts';
import { IndexBudget } from '../layer/index-budget.ts';
import { baseName, cleanPath, joinPath, parentPath } from '../layer/layer-path.ts';

/** Choices of {@link extractTar}. */
export interface ExtractTarOptions {
  /** Below `root`: the directory that the names of the archive start from, a clean path; `''` is `root` itself. */
  readonly into?: ByteString;
  /** Whom a file belongs to; undefined leaves it to whoever runs this. */
  readonly owner: (entry: TarEntry) => Owner | undefined;
  /** Make devices and fifos; they are left out otherwise. */
  readonly devices?: boolean;
  /**
   * Where a directory (a clean path below `root`) really is, when symlinks lead there; undefined when there is none. Without
   * it nothing is written below a symlink.
   */
  readonly resolve?: (directory: ByteString) => ByteString | undefined;
  /** Is told what was left out, and why. */
  readonly onSkip?: (skipped: { readonly path: ByteString; readonly reason: string }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Puts the members of a tar archive into a directory as they stream in, as `docker cp` does: plain files (`.wh.` means
 * nothing here), directories are joined, other things replaced; no path leads out of `root`. A file takes its name when it
 * is complete. A directory never takes the place of something else, nor the other way round.
 * @throws OciError `TAR_INVALID` for a broken archive or a name that leads out, `LAYER_INVALID` for names below what is no
 * directory, `STORE_UNWRITABLE` for what is in the way or the file system refuses; what was written before stays
 */
export async function extractTar(
  source: AsyncIterable<Uint8Array>,
  root: string,
  options: ExtractTarOptions,
): Promise<void> {
  const extraction = new Extraction(root, options);
  try {
    const budget = new IndexBudget();
    for await (const member of readTar(source, { allowNameless: true })) {
      options.signal?.throwIfAborted();
      // What is kept until the end: directories, for their times, and attributes.
      if (member.entry.type === 'directory' || member.entry.xattrs !== undefined) budget.spend(member.entry);
      await extraction.add(member);
    }
    extraction.finish();
  } finally {
    extraction.close();
  }
}

class Extraction {
  readonly #writer: DirectoryWriter;
  readonly #options: ExtractTarOptions;
  readonly #into: ByteString;
  readonly #directories: { readonly path: ByteString; readonly entry: TarEntry }[] = [];
  readonly #xattrs = new Map<ByteString, ReadonlyMap<string, Uint8Array>>();

  constructor(root: string, options: ExtractTarOptions) {
    this.#writer = new DirectoryWriter(root);
    this.#options = options;
    this.#into = options.into ?? '';
  }

  async add(member: TarMember): Promise<void> {
    const { entry } = member;
    const name = this.#clean(entry.path, entry.path);
    if (name === '') return; // The directory itself is there, and stays as it is.
    try {
      const path = this.#place(name);
      this.#refuseReplacing(path, name, entry.type === 'directory');
      if (entry.type === 'file') await this.#file(path, member);
      else this.#make(path, entry);
      this.#noteXattrs(path, entry);
    } catch (error) {
      throw unwritable(`/${byteStringToUtf8(joinPath(this.#into, name))}`, error);
    }
  }

  /** Sets what everything put into the directories had changed, and attributes last: a change of owner takes them away. */
  finish(): void {
    for (const { path, entry } of this.#directories.toReversed()) {
      this.#writer.setAttributes(path, this.#options.owner(entry), entry.mode, entry.mtime);
    }
    for (const [path, reason] of writeXattrs(this.#writer, this.#xattrs)) {
      this.#options.onSkip?.({ path, reason: `its extended attributes: ${reason}` });
    }
  }

  close(): void {
    this.#writer.close();
  }

  /** Where a member goes: below the directory, by way of symlinks where they may be followed. */
  #place(name: ByteString): ByteString {
    const path = joinPath(this.#into, name);
    const parent = parentPath(path);
    if (this.#options.resolve !== undefined && parent !== '' && !this.#writer.hasDirectory(parent)) {
      const real = this.#options.resolve(parent);
      if (real !== undefined) return joinPath(real, baseName(path));
    }
    this.#writer.makeParents(path);
    return path;
  }

  #refuseReplacing(path: ByteString, name: ByteString, wantsDirectory: boolean): void {
    const type = this.#writer.typeAt(path);
    if (type === undefined || (type === 'directory') === wantsDirectory) return;
    const [there, wanted] = wantsDirectory ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
    throw new OciError(
      'STORE_UNWRITABLE',
      `cannot overwrite ${there} ${displayName(`/${path}`)} with ${wanted} ${displayName(name)}`,
    );
  }

  #make(path: ByteString, entry: TarEntry): void {
    const writer = this.#writer;
    const owner = this.#options.owner(entry);
    if (entry.type === 'directory') {
      writer.makeDirectory(path);
      this.#directories.push({ path, entry });
    } else if (entry.type === 'hardlink') {
      writer.makeLink(path, this.#place(this.#clean(entry.linkPath, entry.path)));
    } else if (entry.type === 'symlink') {
      writer.makeSymlink(path, entry.linkPath);
      writer.setAttributes(path, owner, undefined, entry.mtime);
    } else if (entry.type !== 'file') {
      const wanted = entry.type === 'fifo' || this.#options.devices === true;
      const failure = wanted ? makeNode(writer, path, { ...entry, type: entry.type }) : 'devices are not created';
      if (failure === undefined) writer.setAttributes(path, owner, entry.mode, entry.mtime);
      else this.#options.onSkip?.({ path, reason: failure });
    }
  }

  /** Under another name first: whoever reads the old file meanwhile reads all of it, and nothing half written stays. */
  async #file(path: ByteString, { entry, content }: TarMember): Promise<void> {
    const temporary = joinPath(parentPath(path), `.tsbuild-${randomBytes(6).toString('hex')}`);
    const fd = this.#writer.makeFile(temporary);
    try {
      for await (const chunk of content) {
        this.#options.signal?.throwIfAborted();
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      }
      setFileAttributes(fd, this.#options.owner(entry), entry.mode, entry.mtime);
      renameSync(this.#writer.at(temporary), this.#writer.at(path));
    } catch (error) {
      this.#writer.remove(temporary);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  #noteXattrs(path: ByteString, { type, xattrs }: TarEntry): void {
    if (type === 'hardlink' || xattrs === undefined) return;
    const kept = new Map([...xattrs].filter(([name]) => isKeptXattr(name)));
    if (kept.size > 0) this.#xattrs.set(path, kept);
  }

  #clean(name: ByteString, of: ByteString): ByteString {
    const path = cleanPath(name);
    if (path === undefined) throw tarInvalid(`the name ${displayName(name)} points outside`, of);
    return path;
  }
}
