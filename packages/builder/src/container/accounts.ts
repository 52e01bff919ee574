import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type Identity, lookupUser } from '../executor/identity.ts';
import type { Container } from '../container-state/container.ts';

/** More than any real file (CVE-2024-9676). */
const LIMIT = 1024 * 1024;

/** Who `user` is in a container: by the files that it changed itself, else by the image's. @throws BuildError `RUN_FAILED` */
export function containerUser(container: Container, user: string): Identity {
  return lookupUser(user, accountFile(container, 'passwd'), accountFile(container, 'group'));
}

function accountFile(container: Container, name: 'passwd' | 'group'): Uint8Array | undefined {
  const etc = lstatSync(join(container.upper, 'etc'), { throwIfNoEntry: false });
  if (etc?.isDirectory() === true) {
    const own = join(container.upper, 'etc', name);
    const stats = lstatSync(own, { throwIfNoEntry: false });
    // Anything but a file hides the image's: a removed one is a device.
    if (stats !== undefined) return stats.isFile() ? read(own) : undefined;
  }
  return read(join(container.directory, name));
}

/** Links are not followed, and nothing blocks. */
function read(path: string): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > LIMIT) return undefined;
    const bytes = Buffer.alloc(stats.size);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
