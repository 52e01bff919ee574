import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { temporaryPath } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';

/** May be executed, and read by nobody. */
const MODE = 0o111;

/**
 * A copy of a program of the host at `path`, which its owner may execute and not read. To a process that runs such a file
 * without CAP_DAC_OVERRIDE the kernel gives no dumpable memory (execve(2), prctl(2) PR_SET_DUMPABLE): nobody without CAP_SYS_PTRACE
 * may look at its /proc/PID/root, exe, cwd, fd, environ or mem, also after it has forked, until it executes something else.
 * Made when it is missing or the host's program has changed; safe among processes.
 * @throws BuildError `SANDBOX_UNAVAILABLE` where that does not hold
 */
export function unreadableTool(path: string, program: string): string {
  refuseDumps();
  const source = realpathSync(program);
  if (!isCopy(path, source)) makeCopy(path, source);
  if (!isCopy(path, source)) throw unsafe(`the file system of ${path} keeps no modes of files`);
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw unsafe(`${path} cannot be executed (is it on a mount with noexec?)`);
  }
  return path;
}

function isCopy(path: string, source: string): boolean {
  const copy = lstatSync(path, { throwIfNoEntry: false });
  if (copy === undefined || !copy.isFile() || copy.uid !== process.geteuid?.()) return false;
  const { size, mtime } = statSync(source);
  // The time in whole seconds: not every file system keeps more.
  return (copy.mode & 0o7777) === MODE && copy.size === size && seconds(copy.mtime) === seconds(mtime);
}

function makeCopy(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = temporaryPath(dirname(path), 'tool');
  copyFileSync(source, temporary, constants.COPYFILE_EXCL);
  const time = seconds(statSync(source).mtime);
  utimesSync(temporary, time, time);
  chmodSync(temporary, MODE);
  renameSync(temporary, path);
}

function seconds(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

/** With 1 the kernel makes every process dumpable, whatever it executes (proc(5)). */
function refuseDumps(): void {
  let setting = '';
  try {
    setting = readFileSync('/proc/sys/fs/suid_dumpable', 'latin1').trim();
  } catch {
    // Hidden from us; 0 is what a kernel begins with.
  }
  if (setting === '1') throw unsafe('fs.suid_dumpable is 1', 'Set it to 0 or 2: sysctl fs.suid_dumpable=0.');
}

function unsafe(reason: string, hint?: string): BuildError {
  return new BuildError(
    'SANDBOX_UNAVAILABLE',
    `cannot join a running container safely: ${reason}, so the container could look into the program that joins it`,
    { hint: hint ?? 'Put the store on another file system (--root, TSBUILD_ROOT).' },
  );
}
