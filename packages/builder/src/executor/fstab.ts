import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { temporaryPath } from '@tsbuild/oci/internal';

/** One mount, as a line of fstab(5) says it. Paths are byte strings or ASCII. */
export interface MountLine {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly options: string;
}

/** Lines for `mount -a -T`. Every byte that is not plain is written in octal, so that any path survives. */
export function formatFstab(lines: readonly MountLine[]): string {
  return lines
    .map(({ source, target, type, options }) => `${[source, target, type, options].map(escape).join(' ')} 0 0\n`)
    .join('');
}

function escape(field: string): string {
  return field.replace(/[^!-[\]-~]|#/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

const O_TMPFILE = 0o20200000;

/**
 * A descriptor on a file without a name that holds `content`: a child gets it and reads `/proc/self/fd/N`, and nothing
 * can be left behind. `directory` says on which filesystem. The caller closes it.
 */
export function openNameless(directory: string, content: string): number {
  const fd = create(directory);
  try {
    writeNameless(fd, content);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Writes `content` to an empty file of {@link openNameless}. */
export function writeNameless(fd: number, content: string): void {
  const bytes = Buffer.from(content, 'utf8');
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function create(directory: string): number {
  try {
    return openSync(directory, O_TMPFILE | constants.O_RDWR, 0o600);
  } catch (error) {
    // Filesystems without O_TMPFILE (NFS, older overlayfs) say so in several ways; a name for an instant does too.
    if (!['EOPNOTSUPP', 'EISDIR', 'ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
    const path = temporaryPath(directory, 'input');
    const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW, 0o600);
    unlinkSync(path);
    return fd;
  }
}
