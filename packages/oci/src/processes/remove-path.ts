import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { PROGRAM_ENVIRONMENT } from './host-programs.ts';

/**
 * Removes a file, or a folder with all that is in it; what is not there is no error. Node's own `rm` stops at names that
 * are not UTF-8 and at trees deeper than a path can be long: there the system's program goes on.
 * @throws the file system's error
 */
export async function removePath(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    await promisify(execFile)('rm', ['-rf', '--one-file-system', '--', path], {
      env: PROGRAM_ENVIRONMENT,
    }).catch(() => {
      throw error;
    });
  }
}
