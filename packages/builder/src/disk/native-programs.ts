import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, lstatSync, lutimesSync, openSync, renameSync } from 'node:fs';
import { BuildError } from '../diagnostics/build-error.ts';
import type { Native, RawPath } from './native.ts';
import { CAPABILITY_XATTR, OPAQUE_XATTRS, systemError } from './native.ts';

const NODE_TYPES: Readonly<Record<number, string>> = { 0o020000: 'c', 0o060000: 'b', 0o010000: 'p' };
const WANTED = `^(${[CAPABILITY_XATTR, ...Object.values(OPAQUE_XATTRS)].map((name) => name.replaceAll('.', '\\.')).join('|')})$`;

/**
 * The same with programs of the machine. Names need not be UTF-8 and cannot be given as arguments then, so files are
 * handed over as descriptors.
 */
export function programsNative(): Native {
  return {
    kind: 'programs',
    xattrs: (root) => {
      let all: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>> | undefined;
      return (path, name) => (all ??= readAll(root)).get(path.toString('latin1'))?.get(name);
    },
    setXattr: (path, name, value) => {
      onDescriptor(path, (file) =>
        run('setfattr', ['-n', name, '-v', `0x${Buffer.from(value).toString('hex')}`, file.path], file.fd),
      );
    },
    removeOverlayXattrs: () => {
      throw new BuildError('SNAPSHOT_FAILED', 'removing overlayfs marks requires koffi');
    },
    mknod: (path, mode, major, minor) => {
      const type = NODE_TYPES[mode & 0o170000] ?? 'p';
      // A plain name first: the right one may not be UTF-8.
      const directory = path.subarray(0, path.lastIndexOf('/') + 1);
      onDescriptor(directory, ({ path: at, fd }) => {
        const name = `.node-${randomBytes(6).toString('hex')}`;
        run(
          'mknod',
          [
            '-m',
            (mode & 0o7777).toString(8),
            `${at}/${name}`,
            type,
            ...(type === 'p' ? [] : [String(major), String(minor)]),
          ],
          fd,
        );
        renameSync(Buffer.concat([directory, Buffer.from(name)]), path);
      });
    },
    setTimes: (path, seconds, nanoseconds) => {
      // Node cannot open a symlink itself; before 1970 it becomes 1970, which a symlink's time may.
      if (lstatSync(path).isSymbolicLink()) return lutimesSync(path, Math.max(0, seconds), Math.max(0, seconds));
      const time = `@${decimalTime(seconds, nanoseconds)}`;
      onDescriptor(path, (file) => run('touch', ['-d', time, file.path], file.fd));
    },
  };
}

/** As one signed number: touch reads `-5.1` as 5.1 s before 1970, while our nanoseconds always count forward. */
function decimalTime(seconds: number, nanoseconds: number): string {
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const digits = String(total < 0n ? -total : total).padStart(10, '0');
  return `${total < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

/** One getfattr for a whole tree: one process per file would take minutes. */
function readAll(root: RawPath): ReadonlyMap<string, ReadonlyMap<string, Uint8Array>> {
  const found = new Map<string, Map<string, Uint8Array>>();
  const args = ['-R', '-h', '-P', '--absolute-names', '-d', '-m', WANTED, '-e', 'hex', '--', root.toString('utf8')];
  const { stdout } = run('getfattr', args);
  let current = new Map<string, Uint8Array>();
  for (const line of stdout.split('\n')) {
    if (line.startsWith('# file: ')) {
      current = new Map();
      found.set(unescapeOctal(line.slice('# file: '.length)), current);
    } else if (line.includes('=0x')) {
      const equals = line.indexOf('=0x');
      current.set(line.slice(0, equals), Buffer.from(line.slice(equals + 3), 'hex'));
    }
  }
  return found;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

const O_PATH = 0o10000000;

function onDescriptor<T>(path: RawPath, use: (file: { readonly fd: number; readonly path: string }) => T): T {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    return use({ fd, path: '/proc/self/fd/3' });
  } finally {
    closeSync(fd);
  }
}

function run(program: string, args: readonly string[], fd?: number): { readonly stdout: string } {
  const { error, status, stdout, stderr } = spawnSync(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])],
    encoding: 'latin1',
    maxBuffer: 256 * 1024 * 1024,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new BuildError('SNAPSHOT_FAILED', `the program ${program} is needed, and koffi is not installed`, {
      hint: 'Install the optional dependency koffi, or the packages attr and coreutils.',
      cause: error,
    });
  }
  if (error !== undefined) throw error;
  if (status === 0) return { stdout };
  const denied = /Operation not permitted/.test(stderr) ? 'EPERM' : 'EIO';
  throw systemError(denied, `${program}: ${stderr.trim()}`, Buffer.from(args.at(-1) ?? ''));
}
