/** One path as bytes, absolute, without a NUL at the end. */
export type RawPath = Buffer;

/** What Node cannot do itself. All calls are synchronous, never follow a symlink, and throw errors with a `code`. */
export interface Native {
  /** `library`: system calls; `programs`: getfattr, setfattr, mknod and touch, good for few files only. */
  readonly kind: 'library' | 'programs';
  /** A reader of extended attributes of everything below `root`; undefined when the attribute is not there. */
  xattrs(root: RawPath): (path: RawPath, name: string) => Uint8Array | undefined;
  /** The names of all attributes of a file, a zero byte after each; undefined where asking for one is as good. */
  readonly xattrNames?: (path: RawPath) => string;
  setXattr(path: RawPath, name: string, value: Uint8Array): void;
  /** Removes every attribute that overlayfs marked the file with. */
  removeOverlayXattrs(path: RawPath): void;
  /** `mode` with the file type (S_IFCHR …). */
  mknod(path: RawPath, mode: number, major: number, minor: number): void;
  /** Sets both times, to the nanosecond and before 1970 too (Node's own `utimes` can do neither). */
  setTimes(path: RawPath, seconds: number, nanoseconds: number): void;
}

/** The attribute by which overlayfs says that a directory hides what is below it, as root and in a user namespace. */
export const OPAQUE_XATTRS = { root: 'trusted.overlay.opaque', nested: 'user.overlay.opaque' } as const;
/** File capabilities, the one attribute that layers keep. */
export const CAPABILITY_XATTR = 'security.capability';

/** Whether an attribute is one of overlayfs's own marks. */
export function isOverlayXattr(name: string): boolean {
  return /^(?:trusted|user)\.overlay\./.test(name);
}

/** An error as Node's own file functions throw it. */
export function systemError(code: string, call: string, path: RawPath): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: ${call} '${path.toString('utf8')}'`);
  error.code = code;
  error.path = path.toString('utf8');
  return error;
}
