import type { RawPath } from './raw-path.ts';

/** The attributes that a file is to have. */
export interface FileXattrs {
  /** Where the file is; asked right before the path is used. */
  readonly at: () => RawPath;
  readonly values: ReadonlyMap<string, Uint8Array>;
}

/** An attribute that could not be set. */
export interface XattrFailure {
  /** Which of the files. */
  readonly index: number;
  readonly name: string;
  readonly reason: string;
}

/** What Node cannot do itself. All calls are synchronous, never follow a symlink, and throw errors with a `code`. */
export interface Native {
  /** `library`: system calls; `programs`: getfattr, setfattr, mknod and touch, good for few files only. */
  readonly kind: 'library' | 'programs';
  /** A reader of extended attributes of everything below `root`; undefined when the attribute is not there. */
  xattrs(root: RawPath): (path: RawPath, name: string) => Uint8Array | undefined;
  /** The names of all attributes of a file, a zero byte after each; undefined where asking for one is as good. */
  readonly xattrNames?: (path: RawPath) => string;
  setXattr(path: RawPath, name: string, value: Uint8Array): void;
  /** Sets those of many files; with programs, many at once. */
  setXattrs(files: readonly FileXattrs[]): readonly XattrFailure[];
  /** Removes every attribute that overlayfs marked the file with. */
  removeOverlayXattrs(path: RawPath): void;
  /** `mode` with the file type (S_IFCHR …). */
  mknod(path: RawPath, mode: number, major: number, minor: number): void;
  /** Sets both times, to the nanosecond and before 1970 too (Node's own `utimes` can do neither). */
  setTimes(path: RawPath, seconds: number, nanoseconds: number): void;
}

/** Types of files in `st_mode` (inode(7)). */
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFBLK = 0o060000;

/** Linux: a descriptor that only names a file, so that no permission to read it is needed. */
export const O_PATH = 0o10000000;

/** The attribute by which overlayfs says that a directory hides what is below it, as root and in a user namespace. */
export const OPAQUE_XATTRS = { root: 'trusted.overlay.opaque', nested: 'user.overlay.opaque' } as const;

/** An error as Node's own file functions throw it. */
export function systemError(code: string, call: string, path: RawPath): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${call} '${path.toString('utf8')}'`);
  error.code = code;
  error.path = path.toString('utf8');
  error.syscall = call;
  return error;
}
