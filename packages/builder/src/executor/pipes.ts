import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryOwner, temporaryPath } from '@tsbuild/oci/internal';
import { requireTool } from './host-tools.ts';

const O_PATH = 0o10000000;
const PIPE = 'pipe';

/** A pipe: give `write` to a child, then close it here. */
export interface Pipe {
  readonly read: Socket;
  readonly write: number;
}

/** A pipe the other way round: give `read` to a child, then close it here. */
export interface InputPipe {
  readonly read: number;
  readonly write: Socket;
}

/**
 * Real pipes for a command's output. Node's own `stdio: 'pipe'` is a pair of sockets, on which `echo >/dev/stderr`
 * fails (open of a socket is ENXIO); and Node cannot make a pipe. So: named pipes, unlinked at once, kept by descriptors
 * that open neither end, and opened anew for each run.
 */
export class PipePool {
  readonly #directory: string;
  readonly #free: number[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Lends `use` two pipes. They must have been closed at both ends when it settles. */
  async lend<T>(use: (first: Pipe, second: Pipe) => Promise<T>): Promise<T> {
    if (this.#free.length < 2) await this.#make();
    const lent = this.#free.splice(0, 2);
    try {
      const [first, second] = lent.map(openPipe);
      if (first === undefined || second === undefined) throw new Error('no pipes were made');
      return await use(first, second);
    } finally {
      this.#free.push(...lent);
    }
  }

  /** A pipe for a command's input, with nobody but the caller at its ends. */
  async input(): Promise<InputPipe> {
    if (this.#free.length < 1) await this.#make();
    const fd = this.#free.pop();
    if (fd === undefined) throw new Error('no pipes were made');
    try {
      return openInput(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** Lets go of all pipes that are not lent. */
  close(): void {
    for (const fd of this.#free.splice(0)) closeSync(fd);
  }

  async #make(): Promise<void> {
    this.#clear();
    const paths = [temporaryPath(this.#directory, PIPE), temporaryPath(this.#directory, PIPE)];
    // Anyone with the descriptor may open it again: a command as an ordinary user writes to /dev/stderr too.
    await promisify(execFile)(requireTool('mkfifo', 'coreutils'), ['-m', '0666', ...paths]);
    for (const path of paths) {
      this.#free.push(openSync(path, O_PATH | constants.O_NOFOLLOW));
      unlinkSync(path);
    }
  }

  /** What a killed process left; its pipes had names for milliseconds only. */
  #clear(): void {
    for (const name of readdirSync(this.#directory)) {
      if (temporaryOwner(name) === 'gone') rmSync(join(this.#directory, name), { force: true });
    }
  }
}

function openPipe(fd: number): Pipe {
  const path = `/proc/self/fd/${fd}`;
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const write = openSync(path, constants.O_WRONLY);
  return { read: new Socket({ fd: read, readable: true, writable: false }), write };
}

/** Neither end of a named pipe opens without the other: a descriptor for both stands in until they are there. */
function openInput(fd: number): InputPipe {
  const path = `/proc/self/fd/${fd}`;
  const both = openSync(path, constants.O_RDWR);
  try {
    const read = openSync(path, constants.O_RDONLY);
    const write = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    return { read, write: new Socket({ fd: write, readable: false, writable: true }) };
  } finally {
    closeSync(both);
  }
}
