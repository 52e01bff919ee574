import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { RunControl, RunOutput, TerminalSize } from './executor.ts';
import { openNameless } from './fstab.ts';
import type { InputPipe, Pipe, PipePool } from './pipes.ts';
import { findInit } from './process-tree.ts';
import { feed, FIRST_DESCRIPTOR, killSandbox, launchSandbox } from './sandbox-launch.ts';
import { supervise } from './supervise.ts';
import { resizeTerminal, SIZE_TERMINAL, sizeVariables, type TerminalPlace } from './terminal.ts';

/** What comes before a {@link SandboxProgram} and is the same for many: it may have been done before the program is known. */
export interface SandboxPrelude {
  /** Options of `unshare` for the namespaces that the script runs in; a pid namespace is added. */
  readonly namespaces: readonly string[];
  /** For `sh -euc`, before the program's own. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Texts that the script reads at `/proc/self/fd/4` … and must close. */
  readonly files: readonly string[];
}

/** A script that sets a sandbox up and ends in the command. */
export interface SandboxProgram {
  readonly prelude: SandboxPrelude;
  /**
   * For `sh -euc`, after the prelude's. Its stderr is for its own complaints; the command's stderr is descriptor 3. It must write the line
   * {@link READY} to its stderr when all is set up, as the last thing before the command.
   */
  readonly script: string;
  readonly args: readonly string[];
  /** What the script finds as variables, beside those of the prelude, `PATH` and a plain locale. */
  readonly env: Readonly<Record<string, string>>;
  /** Texts that the script reads at the descriptors after those of the prelude, and must close. */
  readonly files: readonly string[];
  /**
   * What must not be on a disk even without a name: the script reads it from the descriptor after those of `files`, to
   * its end, and must close that.
   */
  readonly input?: Uint8Array | undefined;
  /** A directory for nameless files. */
  readonly scratch: string;
  /** Gives the script a terminal. */
  readonly terminal?: { readonly place: TerminalPlace; readonly size: TerminalSize } | undefined;
  /** Makes a network namespace around all the others, for {@link RunControl.connect}. */
  readonly privateNetwork?: boolean;
  /** It mounts directories of the machine, and must see what is mounted there now, not a second ago. */
  readonly needsMountsOfNow?: boolean;
  /** Files that a process writes 0 to, to enter cgroups of its own; nothing that waits has any. */
  readonly cgroups?: readonly string[] | undefined;
  /** How many pid namespaces are between this process and the command. */
  readonly depth: number;
}

/** The processes of a sandbox whose command runs. */
export interface SandboxProcesses {
  /** The command's own. */
  readonly command: number;
  /** What started the innermost namespaces: it sees their mounts, but as the host has its root. */
  readonly parent: number;
}

/** {@link RunControl} for a program of which we know the processes. */
export interface SandboxControl extends Pick<RunControl, 'input' | 'connect' | 'resizable'> {
  readonly started?: ((processes: SandboxProcesses) => void) | undefined;
}

/** How a {@link SandboxProgram} ended. */
export interface SandboxEnd {
  readonly exitCode: number;
  /** False when the script failed before the command was reached. */
  readonly ready: boolean;
  /** What the set-up said on its stderr. */
  readonly complaints: readonly string[];
  /** What the script said on its stderr after it was ready. */
  readonly afterwards: readonly string[];
}

/** The line by which a script says that the sandbox is set up. */
export const READY = 'tsbuild-sandbox-ready';

/**
 * Runs a program in namespaces that cannot outlive this process: `setpriv --pdeathsig` kills `unshare` when we die,
 * `--kill-child` kills the init of its pid namespace, and the kernel kills the rest. A script
 * whose builder was killed before `setpriv` had asked for that ends when it writes {@link READY}: nobody reads it any more. Call it on the main thread only: the
 * death signal comes when the spawning *thread* ends.
 */
export async function runSandbox(
  program: SandboxProgram,
  pipes: PipePool,
  output: RunOutput,
  signal: AbortSignal,
  control: SandboxControl = {},
): Promise<SandboxEnd> {
  signal.throwIfAborted();
  // A terminal whose input ends tells its programs to end: it stays open even when nobody types.
  const input = control.input === undefined && program.terminal === undefined ? undefined : await pipes.input();
  try {
    return await pipes.lend((stdout, stderr) => {
      const child = start(program, { stdout, stderr, input }, control.connect);
      if (input !== undefined) control.input?.on('error', () => {}).pipe(input.write.on('error', () => {}));
      const { pid } = child;
      if (pid !== undefined) control.resizable?.((to) => resizeTerminal(pid, to));
      return followSandbox(program, child, { stdout, stderr, output, signal }, control);
    });
  } finally {
    if (input !== undefined) control.input?.unpipe(input.write);
    input?.write.destroy();
  }
}

interface Streams {
  readonly stdout: Pipe;
  readonly stderr: Pipe;
  readonly input: InputPipe | undefined;
}

/** Follows a started program to its end. */
export async function followSandbox(
  program: Pick<SandboxProgram, 'depth'>,
  child: ChildProcess,
  { stdout, stderr, output, signal }: Omit<Streams, 'input'> & { output: RunOutput; signal: AbortSignal },
  control: SandboxControl,
): Promise<SandboxEnd> {
  let over = false;
  const { exitCode, complaints } = await supervise(
    {
      child,
      streams: { stdout: stdout.read, stderr: stderr.read },
      kill: (said) => killSandbox(child, said),
      onComplaint: (line) => {
        if (line !== READY || control.started === undefined || child.pid === undefined) return;
        void findInit(child.pid, program.depth, () => over).then((found) => {
          if (found !== undefined && !over) control.started?.(found);
        });
      },
    },
    output,
    signal,
  ).finally(() => (over = true));
  const lines = complaints.filter((line) => !/^init \d+$/.test(line));
  const ready = lines.indexOf(READY);
  const cut = ready < 0 ? lines.length : ready;
  // `unshare` ends by the signal that ended its child, which for SIGKILL it cannot (util-linux 2.38): it complains instead.
  const killed = exitCode === 1 && lines.some((line) => /sigprocmask/.test(line));
  return {
    exitCode: killed ? 128 + constants.signals.SIGKILL : exitCode,
    ready: ready >= 0,
    complaints: lines.slice(0, cut),
    afterwards: lines.slice(cut + 1),
  };
}

function start(
  program: SandboxProgram,
  { stdout, stderr, input }: Streams,
  connect: RunControl['connect'],
): ChildProcess {
  const { prelude, terminal } = program;
  const opened = [stdout.write, stderr.write, ...(input === undefined ? [] : [input.read])];
  try {
    const files = [...prelude.files, ...program.files].map((text) => openNameless(program.scratch, text));
    opened.push(...files);
    const more: (number | 'pipe')[] = [...files];
    const pipe = (): number => FIRST_DESCRIPTOR + more.push('pipe') - 1;
    const inputAt = program.input === undefined ? undefined : pipe();
    const goAt = program.privateNetwork === true && connect !== undefined ? pipe() : undefined;
    const child = launchSandbox(
      {
        ...program,
        ...prelude,
        script: `${terminal === undefined ? '' : SIZE_TERMINAL}${prelude.script}${program.script}`,
        env: { ...prelude.env, ...program.env, ...(terminal === undefined ? {} : sizeVariables(terminal.size)) },
        stdin: input?.read,
        stdout: stdout.write,
        stderr: stderr.write,
        more,
        terminal: terminal?.place,
        goAt,
      },
      opened,
    );
    if (inputAt !== undefined) feed(child, inputAt, program.input ?? new Uint8Array());
    if (goAt !== undefined && connect !== undefined) letGo(child, goAt, connect);
    return child;
  } catch (error) {
    stdout.read.destroy();
    stderr.read.destroy();
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Connects the network of the outer init, which then goes on; one that cannot be connected ends. */
function letGo(child: ChildProcess, descriptor: number, connect: (pid: number) => Promise<void>): void {
  const channel = (child.stdio as readonly unknown[])[descriptor];
  if (!(channel instanceof Socket)) return;
  channel.on('error', () => {}).resume();
  let said = '';
  const listen = (chunk: Buffer): void => {
    said += chunk.toString('latin1');
    const init = /^init (\d+)$/m.exec(said)?.[1];
    if (init === undefined) return;
    child.stderr?.off('data', listen);
    connect(Number(init)).then(
      () => channel.end('go\n'),
      (error: unknown) => {
        child.emit('error', error);
        channel.destroy();
      },
    );
  };
  child.stderr?.on('data', listen);
}
