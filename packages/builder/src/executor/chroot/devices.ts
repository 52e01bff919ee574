import { chmodSync, closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { errorCode, type Native, type RawPath, rawPath, S_IFCHR } from '@tsbuild/oci/internal';
import { DEV_LINKS } from '../sandbox-scratch.ts';

/** Character devices by name (Linux, Documentation/admin-guide/devices.txt): major and minor number. */
const NODES: readonly (readonly [string, number, number])[] = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
];

/** Makes a /dev of the usual nodes at `at`. Where none can be made, /dev/null is a file: commands write to it all the time. */
export function placeDevices(at: RawPath, native: Native, notice: (text: string) => void): void {
  mkdirSync(at, { mode: 0o755 });
  for (const [name, target] of Object.entries(DEV_LINKS)) symlinkSync(target, rawPath(at, name));
  for (const name of ['pts', 'shm', 'mqueue']) mkdirSync(rawPath(at, name), { mode: 0o755 });
  chmodSync(rawPath(at, 'shm'), 0o1777);
  for (const [name, major, minor] of NODES) {
    const path = rawPath(at, name);
    try {
      native.mknod(path, S_IFCHR | 0o666, major, minor);
      chmodSync(path, 0o666);
    } catch (error) {
      if (errorCode(error) !== 'EPERM') throw error;
      return withoutNodes(at, notice);
    }
  }
  try {
    closeSync(openSync(rawPath(at, 'null'), 'w'));
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error;
    notice('the store is mounted with nodev, so RUN cannot use /dev/null and the other devices');
  }
}

function withoutNodes(at: RawPath, notice: (text: string) => void): void {
  writeFileSync(rawPath(at, 'null'), '', { flag: 'wx' });
  chmodSync(rawPath(at, 'null'), 0o666);
  notice(
    'no devices can be made (CAP_MKNOD is missing): in RUN /dev/null is a file, and there is no /dev/zero or /dev/urandom',
  );
}
