import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';
import { requireTool } from '../../executor/host-tools.ts';

/*
 * Nothing of a container is part of the script's text. It reads what else to mount, two lines each, and ends, and the
 * mounts with it, when its input does.
 */
const SCRIPT = `
cd "$BASE"
"$MOUNT" -n -c -t overlay -o "$OPTIONS" overlay "$TARGET" </dev/null
cd "$TARGET"
echo ready
while IFS= read -r source && IFS= read -r target; do
  "$MOUNT" -n -c --bind "$source" "$target" </dev/null
  echo ready
done
`;

/** One overlay mount to be held. */
export interface HeldOverlay {
  /** The directory that the paths of `options` start from. */
  readonly base: string;
  readonly options: string;
  /** An empty directory below `base`. */
  readonly target: string;
}

/** A process with a mount namespace of its own, in which a filesystem is mounted; it ends with this process at the latest. */
export class MountHolder implements Disposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #said = '';

  private constructor(child: ChildProcess, reader: Interface) {
    this.#child = child;
    this.#reader = reader;
    this.#lines = reader[Symbol.asyncIterator]();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    child.stdin?.on('error', () => {});
    child.on('error', (error) => (this.#said += error.message));
  }

  /** @throws BuildError `SANDBOX_UNAVAILABLE` when it cannot be mounted */
  static async start(overlay: HeldOverlay): Promise<MountHolder> {
    const child = spawn(
      requireTool('setpriv'),
      [
        '--pdeathsig', 'KILL', requireTool('unshare'), '--mount', '--propagation', 'private', '--',
        '/bin/sh', '-euc', SCRIPT,
      ], // biome-ignore format: one program a line
      {
        stdio: 'pipe',
        cwd: '/',
        env: {
          PATH: SYSTEM_PATH, LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always', MOUNT: requireTool('mount', 'mount'),
          BASE: overlay.base, OPTIONS: overlay.options, TARGET: overlay.target,
        }, // biome-ignore format: a list
      },
    );
    const holder = new MountHolder(child, createInterface({ input: child.stdout }));
    try {
      await holder.#ready("the container's files cannot be mounted");
      return holder;
    } catch (error) {
      holder[Symbol.dispose]();
      throw error;
    }
  }

  /** The root of what is mounted, for this process to open. */
  get directory(): string {
    return `/proc/${this.#child.pid}/cwd`;
  }

  /**
   * Mounts a directory or file of the machine over what an open descriptor names: the container's symlinks have no say.
   * @throws BuildError `SANDBOX_UNAVAILABLE`
   */
  async bind(source: string, target: number): Promise<void> {
    if (source.includes('\n')) throw new BuildError('RUN_FAILED', 'cannot mount a path that contains a newline');
    this.#child.stdin?.write(`${source}\n/proc/${process.pid}/fd/${target}\n`);
    await this.#ready(`cannot mount ${source}`);
  }

  [Symbol.dispose](): void {
    this.#reader.close();
    this.#child.kill('SIGKILL');
  }

  async #ready(what: string): Promise<void> {
    const { done } = await this.#lines.next();
    if (done !== true) return;
    throw new BuildError('SANDBOX_UNAVAILABLE', `${what}: ${this.#said.trim() || 'no reason was given'}`);
  }
}
