import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { OciError } from '../spec/oci-error.ts';
import { SYSTEM_PATH } from './host-programs.ts';

/** The exit code that we let `flock -n` give when somebody else has the lock. */
const BUSY = 75;

/**
 * A lock among processes (flock(2)); it goes when it is disposed of, or when this process dies, however it dies. The kernel
 * knows its holders, so that it is never taken over by time: under it commands write to what must not have two writers.
 * The file stays, as who waits for it must not wait for another one than who comes later.
 */
export class FileLock implements Disposable {
  #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Takes the lock on the file at `path`, which is made when missing; waits for it without limit.
   * @throws the signal's reason when aborted; OciError `UNSUPPORTED` when there is no program `flock`
   */
  static async take(path: string, mode: 'shared' | 'exclusive', signal: AbortSignal): Promise<FileLock> {
    return (await acquire(path, [mode === 'shared' ? '-s' : '-x'], signal)) ?? busy(path);
  }

  /** As {@link take}, exclusive, but undefined at once when somebody else has it. */
  static try(path: string, signal: AbortSignal): Promise<FileLock | undefined> {
    return acquire(path, ['-x', '-n', '-E', String(BUSY)], signal);
  }

  /** @internal */
  static of(fd: number): FileLock {
    return new FileLock(fd);
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

/**
 * Node cannot lock a file. The program `flock` locks a descriptor that it inherits, and such a lock belongs to the open
 * file, not to the program: we have it when that has ended.
 */
async function acquire(path: string, options: readonly string[], signal: AbortSignal): Promise<FileLock | undefined> {
  signal.throwIfAborted();
  const fd = openSync(path, 'a', 0o600);
  try {
    const code = await flock(path, fd, options, signal);
    if (code === 0) return FileLock.of(fd);
    if (code !== BUSY)
      throw new OciError('STORE_UNWRITABLE', `cannot lock ${path}: flock ended with exit code ${code}`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

function flock(path: string, fd: number, options: readonly string[], signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...options, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: { PATH: SYSTEM_PATH },
    });
    const abort = (): void => void child.kill('SIGKILL');
    signal.addEventListener('abort', abort, { once: true });
    child.once('error', (cause) => {
      reject(
        new OciError(
          'UNSUPPORTED',
          `cannot lock ${path}: the program flock is not on this machine; install the package util-linux`,
          { fields: { path }, cause },
        ),
      );
    });
    child.once('exit', (code) => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(code ?? 1);
    });
  });
}

function busy(path: string): never {
  throw new TypeError(`flock did not wait for ${path}`);
}
