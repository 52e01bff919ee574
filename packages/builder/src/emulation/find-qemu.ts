import { execFile } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { findTool } from '../executor/host-tools.ts';
import type { ForeignArchitecture } from './architectures.ts';

/** A static qemu of this machine. */
export interface Qemu {
  readonly path: string;
  /** For people: `qemu-aarch64 7.2.22`. */
  readonly shown: string;
  /** It takes the program's own argv[0] from the kernel (flag P of binfmt_misc). */
  readonly takesName: boolean;
}

/**
 * The emulator of an architecture in the PATH: as Debian and Fedora name it, as Alpine and qemu's own makefile do (static there), and
 * as BuildKit's image has it. A dynamic one is none: there are no libraries of this machine in the image.
 * @param registered what the machine has registered, and where it is; it goes first
 * @returns the path of a dynamic one where there is nothing else
 */
export async function findQemu(
  { qemu }: ForeignArchitecture,
  registered?: string,
): Promise<Qemu | { readonly dynamic: string } | undefined> {
  if (registered !== undefined && isStatic(registered)) return await describeQemu(registered);
  let dynamic: string | undefined;
  for (const name of [`${qemu}-static`, qemu, `buildkit-${qemu}`]) {
    const path = findTool(name);
    if (path === undefined) continue;
    if (isStatic(path)) return await describeQemu(path);
    dynamic ??= path;
  }
  return dynamic === undefined ? undefined : { dynamic };
}

/** What a qemu says of itself; nothing of it where it cannot be asked. */
export async function describeQemu(path: string): Promise<Qemu> {
  const said = await promisify(execFile)(path, ['--version'], { encoding: 'utf8', timeout: 5000 }).then(
    ({ stdout }) => stdout,
    () => '',
  );
  const [, version] = /version (\d+(?:\.\d+)*)/.exec(said) ?? [];
  const name = /qemu-[a-z0-9_]+/.exec(basename(path))?.[0] ?? basename(path);
  // The kernel tells it by AT_FLAGS, which qemu reads since 6.0.
  const takesName = Number(version?.split('.')[0] ?? 0) >= 6;
  return { path, shown: version === undefined ? name : `${name} ${version}`, takesName };
}

const PT_INTERP = 3;
/** Program headers stand at the beginning of every program that a linker makes. */
const HEADERS = 4096;

/** Whether an ELF program names no loader; it may be position-independent (static-pie). */
export function isStatic(path: string): boolean {
  const head = Buffer.alloc(HEADERS);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, HEADERS, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
  // A script or a link to another kind of program runs no image.
  if (head.toString('latin1', 0, 4) !== '\x7fELF') return false;
  const [isWide, isBig] = [head[4] === 2, head[5] === 2];
  const half = (at: number): number => (isBig ? head.readUInt16BE(at) : head.readUInt16LE(at));
  const word = (at: number): number => (isBig ? head.readUInt32BE(at) : head.readUInt32LE(at));
  const start = isWide ? word(isBig ? 36 : 32) : word(28);
  const [size, count] = isWide ? [half(54), half(56)] : [half(42), half(44)];
  if (start + size * count > HEADERS) return false;
  return !Array.from({ length: count }, (_, i) => word(start + i * size)).includes(PT_INTERP);
}
