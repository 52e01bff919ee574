import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { endingWithUs } from '../executor/death-signal.ts';
import { requireTool } from '../executor/host-tools.ts';
import type { ForeignArchitecture } from './architectures.ts';
import type { Qemu } from './find-qemu.ts';
import { magicOf } from './probe-program.ts';
import HOLD from './scripts/hold.sh';

/** An emulator to register, and a directory that holds nothing but a program `probe` for it. */
export interface Registration {
  readonly architecture: ForeignArchitecture;
  readonly qemu: Qemu;
  readonly probe: string;
}

/** A user namespace in which the kernel runs programs of other architectures. */
export interface PrivateBinfmt {
  /** To be entered by who starts such a program; it is there as long as this process lives, or until it is disposed. */
  readonly userNamespace: string;
  /** The architectures whose programs run in it. */
  readonly runs: ReadonlySet<string>;
  readonly dispose: () => void;
}

/** Waits until our ids have been mapped; only the program that is executed after that has the rights of root there. */
const WAIT = 'echo unshared; read -r _ || exit 1; exec /bin/sh "$@"';

/**
 * Registers emulators in a new user namespace below this process's own, with the same ids. Nothing on the machine changes: no entry is
 * seen outside, and the kernel forgets them with this process. A process that has given up making user namespaces (`prepareProcess`)
 * cannot do it.
 * @param place an empty directory: in a mount namespace of its own the instance is mounted here
 * @returns why it cannot be done, in the words of the program that failed
 */
export async function holdPrivateBinfmt(
  registrations: readonly Registration[],
  place: string,
): Promise<PrivateBinfmt | { readonly said: string }> {
  // An ordinary user may map no more than the one id, and `unshare` does that by itself.
  const isOrdinary = process.geteuid?.() !== 0;
  const [command, args] = endingWithUs([
    requireTool('unshare'), '--user', ...(isOrdinary ? ['--map-root-user'] : []), '--mount', '--propagation', 'private', '--',
    '/bin/sh', '-c', WAIT, 'wait', '-euc', HOLD, 'hold', ...registrations.flatMap(wordsOf),
  ]); // biome-ignore format: one program a line
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: SYSTEM_PATH, LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always', PLACE: place,
      MOUNT: requireTool('mount', 'mount'), CP: requireTool('cp', 'coreutils'), MKDIR: requireTool('mkdir', 'coreutils'),
      CHROOT: requireTool('chroot', 'coreutils'),
    }, // biome-ignore format: a list
    // A session of its own: Ctrl-C ends the commands first, which need it.
    detached: true,
    cwd: '/',
  });
  const lines = new LinesOf(child);
  if (!(await lines.until('unshared'))) return { said: lines.complaint };
  if (!isOrdinary && child.pid !== undefined) mapOwnIds(child.pid);
  child.stdin.write('go\n');
  const isHeld = await lines.until('held');
  const tried = registrations.filter(({ architecture: { qemu } }) => lines.has(`tried ${qemu} 0`));
  const runs = new Set(tried.map(({ architecture: { name } }) => name));
  if (!isHeld || runs.size === 0) {
    release(child);
    return { said: lines.complaint };
  }
  unref(child);
  return { userNamespace: `/proc/${child.pid}/ns/user`, runs, dispose: () => release(child) };
}

/** The same ids inside as outside, for as far as there are any outside. */
function mapOwnIds(pid: number): void {
  for (const map of ['uid_map', 'gid_map']) {
    const own = readFileSync(`/proc/self/${map}`, 'latin1').trim().split('\n');
    const same = own
      .map((line) => line.trim().split(/\s+/))
      .map(([inside, , count]) => `${inside} ${inside} ${count}\n`);
    writeFileSync(`/proc/${pid}/${map}`, same.join(''));
  }
}

/*
 * Flags (binfmt_misc.rst): F opens the emulator now, for it is in no image; C runs it with the credentials of the program, or su and sudo
 * would not work; P hands on argv[0].
 */
function wordsOf({ architecture, qemu, probe }: Registration): readonly string[] {
  const { magic, mask } = magicOf(architecture);
  const octets = (bytes: Uint8Array): string =>
    [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  const name = architecture.qemu;
  const flags = `CF${qemu.takesName ? 'P' : ''}`;
  return [qemu.path, name, `:${name}:M::${octets(magic)}:${octets(mask)}:${name}:${flags}`, probe];
}

/** What a holder says, line by line. */
class LinesOf {
  readonly #lines: string[] = [];
  #errors = '';
  #ended = false;
  #changed: () => void = () => {};

  constructor(child: ChildProcess) {
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
      this.#changed();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
    // It has ended before it read our answer.
    child.stdin?.on('error', () => {});
    const end = (): void => {
      this.#ended = true;
      this.#changed();
    };
    child.once('error', end).once('close', end);
  }

  has(line: string): boolean {
    return this.#lines.includes(line);
  }

  /** The first complaint. */
  get complaint(): string {
    return this.#errors.trim().split('\n')[0] ?? '';
  }

  /** Waits for a line; false when the holder has ended without it. */
  async until(line: string): Promise<boolean> {
    while (!this.has(line) && !this.#ended) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.has(line);
  }
}

/** Lets it end: its standard input does. */
function release(child: ChildProcess): void {
  child.stdin?.destroy();
  unref(child);
}

/** It must not keep this process from ending. */
function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
}
