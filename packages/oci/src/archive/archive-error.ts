import { OciError } from '../spec/oci-error.ts';
import type { OciErrorCode } from '../spec/oci-error.ts';

/** What is wrong with the place that an archive is loaded into, or with what we can do, is not the archive's fault. */
const NOT_THE_ARCHIVE: ReadonlySet<OciErrorCode> = new Set<OciErrorCode>([
  'ARCHIVE_INVALID',
  'LIMIT_EXCEEDED',
  'LOCK_TIMEOUT',
  'STORE_UNWRITABLE',
  'UNSUPPORTED',
]);

/** The error for a damaged archive: which entry, and what is wrong with it. */
export function archiveInvalid(entry: string, reason: string, cause?: unknown): OciError {
  return new OciError('ARCHIVE_INVALID', `cannot load the archive: ${entry}: ${reason}`, { fields: { entry }, cause });
}

/** Runs `action`; an error that stems from the archive's content comes out as `ARCHIVE_INVALID` naming `entry`. */
export async function withinEntry<T>(entry: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    if (!NOT_THE_ARCHIVE.has(error.code)) throw archiveInvalid(entry, error.message, error);
    if (error.code !== 'UNSUPPORTED' && error.code !== 'LIMIT_EXCEEDED') throw error;
    throw new OciError(error.code, `cannot load the archive: ${entry}: ${error.message}`, { cause: error });
  }
}
