import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * Has a new directory in `parent` filled for `path`. `fill` ends by giving it its place; when it fails, nothing of it stays.
 * @throws what `fill` throws, and the file system's errors
 */
export async function withStagedDirectory(
  path: string,
  parent: string,
  fill: (staged: string) => Promise<void>,
): Promise<void> {
  const staged = join(parent, `.${basename(path)}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(staged);
    await fill(staged);
  } catch (error) {
    // Its own failure would hide the reason.
    await rm(staged, { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}
