import { constants } from 'node:os';
import {
  type FileXattrs, isOverlayXattr, type Native, type RawPath, systemError, type XattrFailure,
} from '@tsbuild/oci/internal'; // biome-ignore format: one list

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const MAX_VALUE = 64 * 1024;

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));

/**
 * System calls through koffi.
 * @throws when koffi is not installed or has no binary for this machine
 */
export async function libraryNative(): Promise<Native> {
  const { default: koffi } = await import('koffi');
  const libc = koffi.load(null);
  const get = libc.func('long lgetxattr(const uint8_t *path, const char *name, uint8_t *value, size_t size)');
  const list = libc.func('long llistxattr(const uint8_t *path, uint8_t *list, size_t size)');
  const set = libc.func(
    'int lsetxattr(const uint8_t *path, const char *name, const uint8_t *value, size_t size, int flags)',
  );
  const remove = libc.func('int lremovexattr(const uint8_t *path, const char *name)');
  const mknod = libc.func('int mknod(const uint8_t *path, uint32_t mode, uint64_t device)');
  const utimensat = libc.func('int utimensat(int directory, const uint8_t *path, const int64_t *times, int flags)');
  const value = Buffer.alloc(MAX_VALUE);
  const check = (result: number, call: string, path: RawPath): number => {
    if (result >= 0) return result;
    throw systemError(ERRNO_NAMES.get(koffi.errno()) ?? `errno ${koffi.errno()}`, call, path);
  };
  const read = (path: RawPath, name: string): Uint8Array | undefined => {
    const length: number = get(terminated(path), name, value, MAX_VALUE);
    if (length >= 0) return Uint8Array.prototype.slice.call(value, 0, length);
    if ([constants.errno.ENODATA, constants.errno.EOPNOTSUPP].includes(koffi.errno())) return undefined;
    return void check(length, 'lgetxattr', path);
  };
  const names = (path: RawPath): string => {
    const length: number = list(terminated(path), value, MAX_VALUE);
    if (length === 0 || (length < 0 && koffi.errno() === constants.errno.EOPNOTSUPP)) return '';
    return value.toString('latin1', 0, check(length, 'llistxattr', path));
  };
  const setXattr: Native['setXattr'] = (path, name, bytes) => {
    check(set(terminated(path), name, bytes, bytes.length, 0), 'lsetxattr', path);
  };
  const times = new BigInt64Array(4);
  return {
    kind: 'library',
    xattrs: () => read,
    xattrNames: names,
    setXattr,
    setXattrs: (files) => setEach(files, setXattr),
    removeOverlayXattrs: (path) => {
      for (const name of names(path).split('\0').filter(isOverlayXattr)) {
        check(remove(terminated(path), name), 'lremovexattr', path);
      }
    },
    mknod: (path, mode, major, minor) => {
      check(mknod(terminated(path), mode, deviceNumber(major, minor)), 'mknod', path);
    },
    setTimes: (path, seconds, nanoseconds) => {
      const time = [BigInt(seconds), BigInt(nanoseconds)];
      times.set([...time, ...time]);
      check(utimensat(AT_FDCWD, terminated(path), times, AT_SYMLINK_NOFOLLOW), 'utimensat', path);
    },
  };
}

function setEach(files: readonly FileXattrs[], set: Native['setXattr']): readonly XattrFailure[] {
  const failures: XattrFailure[] = [];
  for (const [index, { at, values }] of files.entries()) {
    for (const [name, value] of values) {
      try {
        set(at(), name, value);
      } catch (error) {
        failures.push({ index, name, reason: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return failures;
}

function terminated(path: RawPath): Buffer {
  const bytes = Buffer.allocUnsafe(path.length + 1);
  path.copy(bytes);
  bytes[path.length] = 0;
  return bytes;
}

/** makedev(3) of Linux. */
function deviceNumber(major: number, minor: number): bigint {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn);
}
