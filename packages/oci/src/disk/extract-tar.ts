import { byteStringToUtf8, type ByteString } from '../spec/byte-string.ts';
import { OciError } from '../spec/oci-error.ts';
import { unwritable } from '../processes/store-errors.ts';
import type { TarEntry } from '../tar/entry.ts';
import { readTar, type TarMember } from '../tar/reader.ts';
import { displayName, tarInvalid } from '../tar/tar-error.ts';
import { DirectoryWriter } from './directory-writer.ts';
import { EntryWriter } from './entry-writer.ts';
import { nearTimes } from './file-times.ts';
import { programsNative } from './native-programs.ts';
import type { DiskOwner } from './target.ts';
import { IndexBudget } from '../layer/index-budget.ts';
import { baseName, cleanPath, joinPath, parentPath } from '../layer/layer-path.ts';

/** Choices of {@link extractTar}. */
export interface ExtractTarOptions {
  /** Below `root`: the directory that the names of the archive start from, a clean path; `''` is `root` itself. */
  readonly into?: ByteString;
  /** Whom a file belongs to; undefined leaves it to whoever runs this. */
  readonly owner: (entry: TarEntry) => DiskOwner | undefined;
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
  readonly #target: DirectoryWriter;
  readonly #writer: EntryWriter<TarEntry>;
  readonly #options: ExtractTarOptions;
  readonly #into: ByteString;

  constructor(root: string, options: ExtractTarOptions) {
    this.#target = new DirectoryWriter(root);
    this.#options = options;
    this.#into = options.into ?? '';
    this.#writer = new EntryWriter(this.#target, {
      native: programsNative(),
      setTimes: nearTimes,
      owner: options.owner,
      devices: options.devices === true,
      onSkip: ({ path, what, reason }) =>
        options.onSkip?.({ path, reason: what === 'attributes' ? `its extended attributes: ${reason}` : reason }),
      failure: failureAt,
    });
  }

  async add({ entry, content }: TarMember): Promise<void> {
    const name = this.#clean(entry.path, entry.path);
    if (name === '') return; // The directory itself is there, and stays as it is.
    try {
      const path = this.#place(name);
      this.#refuseReplacing(path, name, entry.type === 'directory');
      if (entry.type === 'file') await this.#file({ ...entry, path }, content);
      else if (entry.type !== 'hardlink') this.#writer.add({ ...entry, path }, noContent);
      else this.#writer.link(path, this.#place(this.#clean(entry.linkPath, entry.path)));
    } catch (error) {
      throw failureAt(joinPath(this.#into, name), error);
    }
  }

  finish(): void {
    this.#writer.finish();
  }

  close(): void {
    this.#target.close();
  }

  /** Where a member goes: below the directory, by way of symlinks where they may be followed. */
  #place(name: ByteString): ByteString {
    const path = joinPath(this.#into, name);
    const parent = parentPath(path);
    if (this.#options.resolve !== undefined && parent !== '' && !this.#target.hasDirectory(parent)) {
      const real = this.#options.resolve(parent);
      if (real !== undefined) return joinPath(real, baseName(path));
    }
    this.#target.makeParents(path);
    return path;
  }

  #refuseReplacing(path: ByteString, name: ByteString, wantsDirectory: boolean): void {
    const type = this.#target.typeAt(path);
    if (type === undefined || (type === 'directory') === wantsDirectory) return;
    const [there, wanted] = wantsDirectory ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
    throw new OciError(
      'STORE_UNWRITABLE',
      `cannot overwrite ${there} ${displayName(`/${path}`)} with ${wanted} ${displayName(name)}`,
    );
  }

  async #file(entry: TarEntry, content: TarMember['content']): Promise<void> {
    using file = this.#writer.begin(entry, true);
    for await (const chunk of content) {
      this.#options.signal?.throwIfAborted();
      file.write(chunk);
    }
    file.finish();
  }

  #clean(name: ByteString, of: ByteString): ByteString {
    const path = cleanPath(name);
    if (path === undefined) throw tarInvalid(`the name ${displayName(name)} points outside`, of);
    return path;
  }
}

function failureAt(path: ByteString, error: unknown): unknown {
  return unwritable(`/${byteStringToUtf8(path)}`, error);
}

function noContent(): never {
  throw new TypeError('a member that is no file has no content');
}
