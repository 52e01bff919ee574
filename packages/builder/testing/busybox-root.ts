import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RootMount } from '../src/disk/root-mount.ts';
import type { RunSpec } from '../src/executor/executor.ts';

/** Where Debian's busybox-static and others put a busybox without shared libraries. */
export const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));

/** Why sandbox tests cannot run here, for the end of a title; empty when they can. */
export const NO_SANDBOX =
  process.getuid?.() !== 0 ? ' (needs root)' : BUSYBOX === undefined ? ' (needs a static busybox)' : '';

/** True when these tests themselves run as uid 0 of a user namespace. */
export const IN_USER_NAMESPACE = !/^\s*0\s+0\s+4294967295/.test(readFileSync('/proc/self/uid_map', 'latin1'));

/** Commands that the tests' scripts use. */
const APPLETS = ('awk cat chmod chown cp cut date dd env false find grep head hostname id ip ln ls md5sum mkdir mkfifo mknod mount ' +
  'mv nc od ping printf ps pwd readlink rm rmdir sed seq setsid sh sleep sort stat stty su tail tee test touch tr true tty umount ' +
  'unshare wc which yes chroot').split(' '); // biome-ignore format: one list

/** Directories of the image beside `bin`, with their modes. */
export const ROOT_DIRECTORIES: readonly (readonly [string, number])[] = [
  ['bin', 0o755],
  ['dev', 0o755],
  ['etc', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['sys', 0o555],
  ['tmp', 0o1777],
];

/** Files of /etc in the image. */
export const ROOT_FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n',
  'etc/group': 'root:x:0:\napp:x:1000:\nextra:x:1001:app\n',
};

/** The links of `bin`. */
export function busyboxLinks(): readonly string[] {
  return APPLETS;
}

/** The bytes of the static busybox. */
export function busyboxBytes(): Buffer {
  if (BUSYBOX === undefined) throw new Error('no busybox');
  return readFileSync(BUSYBOX);
}

/** A directory with a busybox system in it, to be a lower layer, and fresh overlays over it. */
export class BusyboxRoot implements Disposable {
  readonly directory: string;
  readonly lower: string;
  readonly #copies: boolean;
  #count = 0;

  /** @param copies for executors that cannot mount: each specification has a whole copy instead of an overlay */
  constructor(parent: string = tmpdir(), copies = false) {
    this.#copies = copies;
    this.directory = mkdtempSync(join(parent, 'tsbuild-root-'));
    this.lower = join(this.directory, 'lower');
    for (const [name, mode] of ROOT_DIRECTORIES) mkdirSync(join(this.lower, name), { recursive: true, mode });
    if (BUSYBOX !== undefined) copyFileSync(BUSYBOX, join(this.lower, 'bin/busybox'));
    for (const name of APPLETS) symlinkSync('busybox', join(this.lower, 'bin', name));
    for (const [name, text] of Object.entries(ROOT_FILES)) writeFileSync(join(this.lower, name), text);
  }

  /** A specification that runs `argv` as root over a fresh writable layer. */
  spec(argv: readonly string[], more: Partial<RunSpec> = {}): RunSpec {
    return {
      argv,
      env: ['PATH=/bin', 'HOME=/root'],
      cwd: '/',
      user: { uid: 0, gid: 0, groups: [0] },
      root: this.#root(),
      files: [],
      network: 'host',
      hostname: 'buildkitsandbox',
      ...more,
    };
  }

  #root(): RootMount {
    const scratch = join(this.directory, `run-${this.#count++}`);
    if (this.#copies) {
      execFileSync('cp', ['-a', this.lower, scratch]);
      return { kind: 'directory', path: scratch };
    }
    for (const name of ['upper', 'work']) mkdirSync(join(scratch, name), { recursive: true, mode: 0o755 });
    return { kind: 'overlay', lower: [this.lower], upper: join(scratch, 'upper'), work: join(scratch, 'work') };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
