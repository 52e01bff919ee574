import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { RunControl, RunOutput, TerminalSize } from './executor.ts';
import { openNameless } from './fstab.ts';
import { findTool, requireTool, SYSTEM_PATH } from './host-tools.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import type { InputPipe, Pipe, PipePool } from './pipes.ts';
import { findInit } from './process-tree.ts';
import { supervise } from './supervise.ts';
import { onTerminal, resizeTerminal, sizeTerminal, SWAP_STDERR, type TerminalPlace } from './terminal.ts';

/** A script that sets a sandbox up and ends in the command. */
export interface SandboxProgram {
  /** Options of `unshare` for the namespaces that the script runs in; a pid namespace is added. */
  readonly namespaces: readonly string[];
  /**
   * For `sh -euc`. Its stderr is for its own complaints; the command's stderr is descriptor 3. It must write the line
   * {@link READY} to its stderr when all is set up, as the last thing before the command.
   */
  readonly script: string;
  readonly args: readonly string[];
  /** The script's whole environment, beside `PATH` and a plain locale. */
  readonly env: Readonly<Record<string, string>>;
  /** Texts that the script reads at `/proc/self/fd/4`, `/proc/self/fd/5` … and must close. */
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

/*
 * Two pid namespaces, one in the other. The init of the outer one is this script and nothing that a user's command can
 * touch: the kernel takes a process's death signal away when it changes its uid, so a command that is an init itself
 * (`USER 1000`, `RUN exec su nobody`) would outlive us. When the outer init dies, everything in both namespaces dies.
 *
 * It dies with `unshare` by a signal that it asks for after it was forked; if `unshare` was killed before that, nobody
 * would ever end it. By now it has asked, so it is enough that its parent is still `unshare`. (/proc is the host's.)
 */
const OUTER = (steps: string): string => `read -r pid name state parent rest </proc/self/stat
echo "init $pid" >&2
if read -r name <"/proc/$parent/comm" && [ "$name" != unshare ]; then exit 1; fi
${steps}"$@"
exit $?`;

/**
 * Runs a program in namespaces that cannot outlive this process: `setpriv --pdeathsig` kills `unshare` when we die,
 * `--kill-child` kills the init of its pid namespace, and the kernel kills the rest. Call it on the main thread only: the
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
      return follow(program, child, { stdout, stderr, output, signal }, control);
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

async function follow(
  program: SandboxProgram,
  child: ChildProcess,
  { stdout, stderr, output, signal }: Omit<Streams, 'input'> & { output: RunOutput; signal: AbortSignal },
  control: SandboxControl,
): Promise<SandboxEnd> {
  let over = false;
  const { exitCode, complaints } = await supervise(
    {
      child,
      streams: { stdout: stdout.read, stderr: stderr.read },
      kill: (said) => kill(child, said),
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
  const opened = [stdout.write, stderr.write, ...(input === undefined ? [] : [input.read])];
  try {
    const unshare = requireTool('unshare');
    const files = program.files.map((text) => openNameless(program.scratch, text));
    opened.push(...files);
    const stdio: Exclude<StdioOptions, string> = [
      input?.read ?? 'ignore', stdout.write, 'pipe', stderr.write, ...files,
    ]; // biome-ignore format: one list
    const inputAt = program.input === undefined ? undefined : stdio.push('pipe') - 1;
    const goAt = program.privateNetwork === true && connect !== undefined ? stdio.push('pipe') - 1 : undefined;
    const shell = closeInherited(stdio, opened);
    const { terminal } = program;
    const steps = [
      ...(program.privateNetwork === true ? [loopbackCommand()] : []),
      ...(goAt === undefined ? [] : [`read -r _ <&${goAt} || exit 1`, `exec ${goAt}<&-`]),
      ...(terminal === undefined ? [] : ['exec 3>&2']),
    ].filter((step) => step !== '');
    const script = terminal === undefined ? program.script : `${sizeTerminal(terminal.size)}${program.script}`;
    const command = [
      unshare, ...program.namespaces, '--pid', '--fork', '--', '/bin/sh', '-euc', script, 'sandbox', ...program.args,
    ]; // biome-ignore format: one program a line
    const args = [
      '--pdeathsig', 'KILL', unshare, ...(program.privateNetwork === true ? ['--net'] : []),
      '--pid', '--fork', '--kill-child=KILL', '--',
      shell.path, '-uc', `${shell.closing}${OUTER(steps.map((step) => `${step}\n`).join(''))}`, 'sandbox',
      ...(terminal === undefined ? command : onTerminal(command, terminal.place, SWAP_STDERR)),
    ]; // biome-ignore format: one program a line
    const child = spawn(requireTool('setpriv'), args, {
      stdio,
      env: { PATH: SYSTEM_PATH, LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always', SHELL: '/bin/sh', ...program.env },
      // A session of its own: Ctrl-C reaches us alone, and the command cannot reach the terminal.
      detached: true,
      cwd: '/',
    });
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

/** A command that brings `lo` up, or nothing: without such a program the interface stays down. */
export function loopbackCommand(): string {
  const ip = findTool('ip');
  if (ip !== undefined) return `${ip} link set lo up`;
  const busybox = findTool('busybox');
  return busybox === undefined ? '' : `${busybox} ip link set lo up`;
}

function feed(child: ChildProcess, descriptor: number, input: Uint8Array): void {
  const channel = (child.stdio as readonly unknown[])[descriptor];
  if (!(channel instanceof Socket)) return; // Not started; the child's error says why.
  // The script that ended before it had read all of it has said why.
  channel.on('error', () => {}).end(input);
  // Nothing comes back; without this the end of the other side would go unnoticed.
  channel.resume();
}

/**
 * Keeps descriptors that this process was started with from the command: bash closes them; without bash (a POSIX shell
 * can close only 0 to 9) /dev/null is put in their place.
 */
function closeInherited(stdio: unknown[], opened: number[]): { readonly path: string; readonly closing: string } {
  const inherited = inheritedDescriptors().filter((fd) => fd >= stdio.length);
  const bash = inherited.length === 0 ? undefined : findTool('bash');
  if (bash !== undefined) return { path: bash, closing: inherited.map((fd) => `exec ${fd}>&-\n`).join('') };
  for (const fd of inherited) {
    const nothing = openSync('/dev/null', 'r');
    opened.push(nothing);
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = nothing;
  }
  return { path: '/bin/sh', closing: '' };
}

/**
 * Kills the init of the outer namespace and not its parent, which then waits until the kernel has taken down all of the
 * namespace: so nothing is left when the parent has ended.
 */
function kill(child: ChildProcess, setup: string): void {
  if (child.exitCode !== null || child.pid === undefined) return;
  const init = /^init (\d+)$/m.exec(setup)?.[1];
  try {
    // Where we killed the parent first, because we did not know the init, that may live on.
    if (init !== undefined) process.kill(Number(init), 'SIGKILL');
    else if (child.signalCode === null) child.kill('SIGKILL');
  } catch {
    child.kill('SIGKILL'); // It is gone already, or not ours to signal: its parent is.
  }
}
