import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, lstatSync, lutimesSync, openSync, renameSync } from 'node:fs';
import { OciError } from '../spec/oci-error.ts';
import { PROGRAM_ENVIRONMENT } from '../processes/host-programs.ts';
import { CAPABILITY_XATTR } from '../layer/kept-xattrs.ts';
import { type FileXattrs, type Native, O_PATH, OPAQUE_XATTRS, systemError, type XattrFailure } from './native.ts';
import { errorCode, type RawPath } from './raw-path.ts';
import { escapeOctal, readXattrs } from './getfattr.ts';

const NODE_TYPES: Readonly<Record<number, string>> = { 0o020000: 'c', 0o060000: 'b', 0o010000: 'p' };
const WANTED = `^(${[CAPABILITY_XATTR, ...Object.values(OPAQUE_XATTRS)].map((name) => name.replaceAll('.', '\\.')).join('|')})$`;

/** Files whose attributes one process sets. */
const BATCH = 64;

/**
 * {@link Native} by programs of the machine. Names need not be UTF-8 and cannot be given as arguments then, so files are
 * handed over as descriptors, which no path can be made to lead elsewhere either.
 */
export function programsNative(): Native {
  return {
    kind: 'programs',
    xattrs: (root) => {
      let all: ReturnType<typeof readXattrs> | undefined;
      return (path, name) => (all ??= readXattrs(root, WANTED)).get(relativeTo(root, path))?.get(name);
    },
    setXattr: (path, name, value) => {
      const [failure] = setBatch([{ at: () => path, values: new Map([[name, value]]) }]);
      if (failure !== undefined) throw systemError(codeFor(failure), 'setxattr', path);
    },
    setXattrs,
    removeOverlayXattrs: (path) => {
      throw systemError('ENOSYS', 'removexattr', path);
    },
    mknod: (path, mode, major, minor) => {
      // A plain name first: the right one may not be UTF-8.
      const directory = path.subarray(0, path.lastIndexOf('/') + 1);
      onDescriptor(directory, (at) => {
        const type = NODE_TYPES[mode & 0o170000] ?? 'p';
        const name = `.node-${randomBytes(6).toString('hex')}`;
        const numbers = type === 'p' ? [] : [String(major), String(minor)];
        run('mknod', ['-m', (mode & 0o7777).toString(8), `${at.path}/${name}`, type, ...numbers], at.fd);
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

function setXattrs(files: readonly FileXattrs[]): readonly XattrFailure[] {
  const failures: XattrFailure[] = [];
  for (let from = 0; from < files.length; from += BATCH) {
    const batch = files.slice(from, from + BATCH);
    // The program does not say in a form for programs which of several failed.
    if (setBatch(batch).length === 0) continue;
    for (const [i, { at, values }] of batch.entries()) {
      for (const [name, value] of values) {
        const [reason] = setBatch([{ at, values: new Map([[name, value]]) }]);
        if (reason !== undefined) failures.push({ index: from + i, name, reason });
      }
    }
  }
  return failures;
}

/** @returns why it failed, if it did */
function setBatch(files: readonly FileXattrs[]): readonly string[] {
  const opened: number[] = [];
  try {
    let dump = '';
    for (const { at, values } of files) {
      opened.push(openSync(at(), O_PATH | constants.O_NOFOLLOW));
      dump += `# file: /proc/self/fd/${2 + opened.length}\n`;
      for (const [name, value] of values) dump += `${escapeOctal(name)}=0x${Buffer.from(value).toString('hex')}\n`;
      dump += '\n';
    }
    const { error, status, stderr } = spawnSync('setfattr', ['--restore=-'], {
      input: Buffer.from(dump, 'latin1'),
      stdio: ['pipe', 'ignore', 'pipe', ...opened],
      env: PROGRAM_ENVIRONMENT,
      encoding: 'latin1',
    });
    if (errorCode(error) === 'ENOENT') return ['the program setfattr is missing'];
    if (error !== undefined) return [error.message];
    return status === 0 ? [] : [stderr.trim().split(': ').at(-1) ?? 'setfattr failed'];
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** What `readXattrs` calls a path: relative to its root, `.` for that itself. */
function relativeTo(root: RawPath, path: RawPath): string {
  return path.length === root.length ? '' : path.toString('latin1', root.length + 1);
}

/** As one signed number: touch reads `-5.1` as 5.1 s before 1970, while our nanoseconds always count forward. */
function decimalTime(seconds: number, nanoseconds: number): string {
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const digits = String(total < 0n ? -total : total).padStart(10, '0');
  return `${total < 0n ? '-' : ''}${digits.slice(0, -9)}.${digits.slice(-9)}`;
}

function onDescriptor<T>(path: RawPath, use: (file: { readonly fd: number; readonly path: string }) => T): T {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    return use({ fd, path: '/proc/self/fd/3' });
  } finally {
    closeSync(fd);
  }
}

function run(program: string, args: readonly string[], fd: number): void {
  const { error, status, stderr } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', fd],
    encoding: 'latin1',
    env: PROGRAM_ENVIRONMENT,
  });
  if (errorCode(error) === 'ENOENT') throw missingProgram(program, error);
  if (error !== undefined) throw error;
  if (status !== 0) throw systemError(codeFor(stderr), `${program}: ${stderr.trim()}`, Buffer.from(args.at(-1) ?? ''));
}

/** The code of what a program says in English. */
function codeFor(message: string): string {
  return /Operation not permitted/.test(message) ? 'EPERM' : 'EIO';
}

function missingProgram(program: string, cause: unknown): OciError {
  return new OciError(
    'UNSUPPORTED',
    `the program ${program} is missing; install the optional dependency koffi of @tsbuild/builder, or the packages attr and coreutils`,
    { fields: { program }, cause },
  );
}
