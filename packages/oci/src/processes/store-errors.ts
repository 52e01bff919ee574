import { OciError } from '../spec/oci-error.ts';

/** What errno codes of a failed write mean to the person whose store it is, and what to do about them. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device; free some, or choose another place',
  EDQUOT: 'the disk quota is used up; free some space, or choose another place',
  EROFS: 'the file system is read-only; choose another place',
  EACCES: 'permission denied; check who owns it, or choose another place',
  EPERM: 'the operation is not permitted; check who owns it, or choose another place',
  EMFILE: 'too many open files; raise the limit (ulimit -n)',
  ENFILE: 'too many open files on this machine',
  EIO: 'the device reports an input/output error',
};

/** The errno code of a file system error (`ENOENT` …); undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && 'syscall' in error ? error.code : undefined;
}

/** The error of a write, which knows a descriptor and no path (`ENOSPC: no space left on device, write`), with its path. */
export function namingPath(error: unknown, path: string): unknown {
  if (error instanceof Error && errnoOf(error) !== undefined && !('path' in error)) Object.assign(error, { path });
  return error;
}

/**
 * Turns a file system error into `STORE_UNWRITABLE`, naming `path`. Other errors (a failing source, a corrupt blob) come
 * back as they are.
 */
export function unwritable(path: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : code);
  return new OciError('STORE_UNWRITABLE', `cannot write ${path}: ${reason}`, {
    fields: { path, errno: code },
    cause: error,
  });
}
