import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { openSync } from 'node:fs';
import { Socket } from 'node:net';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { findTool, requireTool } from './host-tools.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import OUTER from './scripts/outer.sh';
import { onTerminal, SWAP_STDERR, type TerminalPlace } from './terminal.ts';

/** The first descriptor that a script has for its own purposes: 3 is the command's stderr. */
export const FIRST_DESCRIPTOR = 4;

/** A chain of programs around one shell script. */
export interface SandboxLaunch {
  /** Options of `unshare` for the namespaces that the script runs in; a pid namespace is added. */
  readonly namespaces: readonly string[];
  /** For `sh -euc`. */
  readonly script: string;
  readonly args: readonly string[];
  /** The script's whole environment, beside `PATH` and a plain locale. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: number | undefined;
  readonly stdout: number;
  /** The command's stderr. */
  readonly stderr: number;
  /** What the script has from {@link FIRST_DESCRIPTOR} on. */
  readonly more: readonly (number | 'pipe')[];
  readonly terminal?: TerminalPlace | undefined;
  /** Makes a network namespace around all the others. */
  readonly privateNetwork?: boolean;
  /** Files that the chain writes 0 to before any namespace of the command is made: its cgroups. */
  readonly cgroups?: readonly string[] | undefined;
  /** On which of the descriptors the outer script waits for a line before it goes on. */
  readonly goAt?: number | undefined;
}

/**
 * Starts a chain that cannot outlive this process (see `runSandbox`). Descriptors are only handed on.
 * @param opened gets the descriptors that were opened here; the caller closes them when the chain has started
 */
export function launchSandbox(launch: SandboxLaunch, opened: number[]): ChildProcess {
  const unshare = requireTool('unshare');
  const { stdin, stdout, stderr, more, goAt, terminal } = launch;
  const stdio: Exclude<StdioOptions, string> = [stdin ?? 'ignore', stdout, 'pipe', stderr, ...more];
  const shell = closeInherited(stdio, opened);
  const command = [
    unshare, ...launch.namespaces, '--pid', '--fork', '--', '/bin/sh', '-euc', launch.script, 'sandbox', ...launch.args,
  ]; // biome-ignore format: one program a line
  const args = [
    '--pdeathsig', 'KILL', unshare, ...(launch.privateNetwork === true ? ['--net'] : []),
    '--pid', '--fork', '--kill-child=KILL', '--',
    shell.path, '-uc', OUTER, 'sandbox',
    ...(terminal === undefined ? command : onTerminal(command, terminal, SWAP_STDERR)),
  ]; // biome-ignore format: one program a line
  return spawn(requireTool('setpriv'), args, {
    stdio,
    env: {
      PATH: SYSTEM_PATH, LC_ALL: 'C', LIBMOUNT_FORCE_MOUNT2: 'always', SHELL: '/bin/sh',
      ...launch.env,
      OUTER_CLOSE: shell.closing.join(' '),
      OUTER_CGROUPS: (launch.cgroups ?? []).join('\n'),
      OUTER_LOOPBACK: launch.privateNetwork === true ? loopbackCommand() : '',
      OUTER_GO: goAt === undefined ? '' : String(goAt),
      OUTER_TERMINAL: terminal === undefined ? '' : 'yes',
    }, // biome-ignore format: a list
    // A session of its own: Ctrl-C reaches us alone, and the command cannot reach the terminal.
    detached: true,
    cwd: '/',
  });
}

/** A command that brings `lo` up, or nothing: without such a program the interface stays down. */
export function loopbackCommand(): string {
  const ip = findTool('ip');
  if (ip !== undefined) return `${ip} link set lo up`;
  const busybox = findTool('busybox');
  return busybox === undefined ? '' : `${busybox} ip link set lo up`;
}

/** Writes all of `input` to a descriptor of a child that is a pipe, and ends that. */
export function feed(child: ChildProcess, descriptor: number, input: Uint8Array): void {
  const channel = (child.stdio as readonly unknown[])[descriptor];
  if (!(channel instanceof Socket)) return; // Not started; the child's error says why.
  // The script that ended before it had read all of it has said why.
  channel.on('error', () => {}).end(input);
  // Nothing comes back; without this the end of the other side would go unnoticed.
  channel.resume();
}

/**
 * Keeps descriptors that this process was started with from the command: bash closes those of `closing`; without bash (a POSIX shell
 * can close only 0 to 9) /dev/null is put in their place.
 */
export function closeInherited(
  stdio: unknown[],
  opened: number[],
): { readonly path: string; readonly closing: readonly number[] } {
  const inherited = inheritedDescriptors().filter((fd) => fd >= stdio.length);
  const bash = inherited.length === 0 ? undefined : findTool('bash');
  if (bash !== undefined) return { path: bash, closing: inherited };
  for (const fd of inherited) {
    const nothing = openSync('/dev/null', 'r');
    opened.push(nothing);
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = nothing;
  }
  return { path: '/bin/sh', closing: [] };
}

/**
 * Kills the init of the outer namespace and not its parent, which then waits until the kernel has taken down all of the
 * namespace: so nothing is left when the parent has ended.
 */
export function killSandbox(child: ChildProcess, setup: string): void {
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
