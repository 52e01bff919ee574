import type { ByteString } from '@tsbuild/oci';
import { isReplaceableDevice, isReplaceableVolume } from './block-device.ts';

/**
 * The file systems, by the type that statfs(2) tells, on which every change of a file's content moves its ctime, at the
 * latest when a dirty page is written back, and on which no program can set a ctime: docs/store.md says why the others
 * are not here.
 */
const KEPT_TYPES: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
]);

/** Whether files on a file system of this type (of statfs) cannot change without a new ctime. */
export function movesCtime(type: number | undefined): boolean {
  return type !== undefined && KEPT_TYPES.has(type);
}

/** What {@link KeptTimes} asks about a path: its file system's type, undefined when nobody can tell. */
type TypeOf = (path: ByteString) => number | undefined;

/** Which devices keep the times of their files so well that an unchanged file need not be read. Asked once per device. */
export class KeptTimes {
  readonly #typeOf: TypeOf;
  readonly #root: number;
  readonly #devices = new Map<number, boolean>();
  #last = -1;
  #lastKeeps = false;

  /** `root` is the device of the path `''`. */
  constructor(typeOf: TypeOf, root: number) {
    this.#typeOf = typeOf;
    this.#root = root;
  }

  /** `path` is any path on the device that lstat told as `device`. */
  keeps(device: number, path: () => ByteString): boolean {
    if (device === this.#last) return this.#lastKeeps;
    let keeps = this.#devices.get(device);
    if (keeps === undefined)
      this.#devices.set(device, (keeps = this.#examine(device, device === this.#root ? '' : path())));
    this.#last = device;
    this.#lastKeeps = keeps;
    return keeps;
  }

  #examine(device: number, path: ByteString): boolean {
    const type = this.#typeOf(path);
    if (!movesCtime(type)) return false;
    const major = majorOf(device);
    // Major 0 is no block device: the file system numbers its volumes itself.
    return major === 0 ? !isReplaceableVolume() : !isReplaceableDevice(major, minorOf(device));
  }
}

/** Device numbers as glibc packs them: 12 + 20 bits of each, interleaved. Plain arithmetic, as they exceed 32 bits. */
export function majorOf(device: number): number {
  return ((device >>> 8) & 0xfff) + (Math.floor(device / 2 ** 32) & 0xfffff000);
}

/** See {@link majorOf}. */
export function minorOf(device: number): number {
  return (device & 0xff) + ((device >>> 12) & 0xfff00);
}
