import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { BuildError } from '../errors.ts';
import type { RunOutput } from './executor.ts';
import { openNameless } from './fstab.ts';
import { findTool, requireTool, SYSTEM_PATH } from './host-tools.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import type { Pipe, PipePool } from './pipes.ts';

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
const OUTER = `read -r pid name state parent rest </proc/self/stat
echo "init $pid" >&2
if read -r name <"/proc/$parent/comm" && [ "$name" != unshare ]; then exit 1; fi
"$@"
exit $?`;

/**
 * Runs a program in namespaces that cannot outlive this process: `setpriv --pdeathsig` kills `unshare` when we die,
 * `--kill-child` kills the init of its pid namespace, and the kernel kills the rest. Call it on the main thread only: the
 * death signal comes when the spawning *thread* ends.
 */
export function runSandbox(
  program: SandboxProgram,
  pipes: PipePool,
  output: RunOutput,
  signal: AbortSignal,
): Promise<SandboxEnd> {
  signal.throwIfAborted();
  return pipes.lend((stdout, stderr) => {
    const child = start(program, stdout, stderr);
    return supervise(child, { stdout: stdout.read, stderr: stderr.read }, output, signal);
  });
}

function start(program: SandboxProgram, stdout: Pipe, stderr: Pipe): ChildProcess {
  const opened = [stdout.write, stderr.write];
  try {
    const unshare = requireTool('unshare');
    const files = program.files.map((text) => openNameless(program.scratch, text));
    opened.push(...files);
    const stdio: Exclude<StdioOptions, string> = ['ignore', stdout.write, 'pipe', stderr.write, ...files];
    const inputAt = program.input === undefined ? undefined : stdio.push('pipe') - 1;
    const shell = closeInherited(stdio, opened);
    const args = [
      '--pdeathsig', 'KILL', unshare, '--pid', '--fork', '--kill-child=KILL', '--',
      shell.path, '-uc', `${shell.closing}${OUTER}`, 'sandbox', unshare, ...program.namespaces, '--pid', '--fork', '--',
      '/bin/sh', '-euc', program.script, 'sandbox', ...program.args,
    ]; // biome-ignore format: one program a line
    const child = spawn(requireTool('setpriv'), args, {
      stdio,
      env: { PATH: SYSTEM_PATH, LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always', ...program.env },
      // A session of its own: Ctrl-C reaches us alone, and the command cannot reach the terminal.
      detached: true,
      cwd: '/',
    });
    if (inputAt !== undefined) feed(child, inputAt, program.input ?? new Uint8Array());
    return child;
  } catch (error) {
    stdout.read.destroy();
    stderr.read.destroy();
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
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

/** Follows a started sandbox to its end; settles when all of its processes are gone. */
function supervise(
  child: ChildProcess,
  streams: { readonly stdout: Readable; readonly stderr: Readable },
  output: RunOutput,
  signal: AbortSignal,
): Promise<SandboxEnd> {
  return new Promise((resolve, reject) => {
    let failure: { readonly reason: unknown } | undefined;
    let setup = '';
    const stop = (reason: unknown): void => {
      failure ??= { reason };
      kill(child, setup);
    };
    const abort = (): void => stop(signal.reason);
    const follow = (stream: Readable, take: (chunk: Uint8Array) => void): Promise<void> => {
      stream.on('error', stop).on('data', (chunk: Buffer) => {
        if (failure !== undefined) return;
        try {
          take(chunk);
        } catch (error) {
          stop(error);
        }
      });
      return new Promise((closed) => stream.once('close', closed));
    };
    const ended = new Promise<number>((settle) => {
      child.once('error', (error) => {
        failure ??= { reason: spawnFailure(error) };
        settle(1);
      });
      child.once('close', (code, killedBy) =>
        settle(code ?? 128 + (killedBy === null ? 9 : constants.signals[killedBy])),
      );
    });
    const closed = [
      follow(streams.stdout, (chunk) => output.stdout(chunk)),
      follow(streams.stderr, (chunk) => output.stderr(chunk)),
    ];
    child.stderr?.on('data', (chunk: Buffer) => {
      if (setup.length < 65_536) setup += chunk.toString('utf8');
      // The abort came before we knew whom to kill.
      if (failure !== undefined) kill(child, setup);
    });
    signal.addEventListener('abort', abort, { once: true });
    // It may have come while the pipes were made; nobody would tell us again.
    if (signal.aborted) abort();
    void Promise.all([ended, ...closed]).then(([exitCode]) => {
      signal.removeEventListener('abort', abort);
      if (failure !== undefined) return reject(failure.reason);
      const lines = setup.split('\n').filter((line) => line !== '' && !/^init \d+$/.test(line));
      const ready = lines.indexOf(READY);
      const cut = ready < 0 ? lines.length : ready;
      resolve({ exitCode, ready: ready >= 0, complaints: lines.slice(0, cut), afterwards: lines.slice(cut + 1) });
    });
  });
}

function spawnFailure(error: NodeJS.ErrnoException): Error {
  if (error.code !== 'E2BIG') return error;
  return new BuildError('RUN_FAILED', 'the command and its environment are too long for the kernel (E2BIG)', {
    hint: 'Put the script into a file and COPY it; one argument may have at most 128 KiB.',
    cause: error,
  });
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
