import { readlinkSync } from 'node:fs';
import { BuildError } from '../diagnostics/build-error.ts';
import { givenEnvironment, shellEnvironment } from './environment/shell-environment.ts';
import { ExecFailureFilter } from './exec-failure.ts';
import type { ExecSpec, RunControl, RunOutput, RunResult, RunSpec } from './executor.ts';
import { requireTool } from './host-tools.ts';
import { type IdMaps, readIdMaps } from './id-map.ts';
import { ENVIRONMENT_DESCRIPTOR, joinSandbox } from './join/join-sandbox.ts';
import { KilledCommandFilter } from './join/killed-command.ts';
import { unreadableTool } from './join/unreadable-tool.ts';
import type { PipePool } from './pipes.ts';
import { identityOptions, joiningOptions } from './privileges.ts';
import type { SandboxProcesses } from './sandbox-process.ts';
import type { Scratch } from './sandbox-scratch.ts';
import { splitEnvironment } from './unsafe-environment.ts';

/** A sandbox that runs, and what joining it needs. */
export interface RunningSandbox extends SandboxProcesses {
  readonly scratch: Scratch;
  readonly pipes: PipePool;
  /** What its own command was given: a further one has no more. */
  readonly granted: Pick<RunSpec, 'network' | 'capabilities' | 'noNewPrivileges' | 'userNamespace'>;
}

/** nsenter's names of namespaces, and those of their files in /proc. */
const NAMESPACES: ReadonlyMap<string, string> = new Map([
  ['mount', 'mnt'],
  ['uts', 'uts'],
  ['ipc', 'ipc'],
  ['net', 'net'],
  ['cgroup', 'cgroup'],
]);

function namespaceOf(process: number | 'self', file: string): string | undefined {
  try {
    return readlinkSync(`/proc/${process}/ns/${file}`);
  } catch {
    return undefined; // It has ended; nsenter says so.
  }
}

/*
 * All namespaces are the command's, but this process's root stays, so that the programs of the host are there. It lies in another mount
 * namespace: /proc/PID/mounts, which anybody may read, shows none of the host's. The working directory is the command's
 * root. What enters the pid namespace is not this program but the child of the last one.
 */
function enter({ command, parent }: SandboxProcesses): readonly string[] {
  // Only what is not ours already: a user's namespace may not join the host's network, not even from within it.
  const others = [...NAMESPACES].filter(([, file]) => namespaceOf(parent, file) !== namespaceOf('self', file));
  return [
    requireTool('nsenter'), ...others.map(([name, file]) => `--${name}=/proc/${parent}/ns/${file}`),
    `--pid=/proc/${command}/ns/pid`, '--no-fork', '--root=/', `--wd=/proc/${command}/root`, '--',
  ]; // biome-ignore format: one list
}

/** The last namespace, as for the container's own command: what comes before has rights outside of it. */
function enterUserNamespace({ userNamespace }: RunningSandbox['granted']): readonly string[] {
  if (userNamespace === undefined) return [];
  return [requireTool('nsenter'), `--user=${userNamespace}`, '--preserve-credentials', '--'];
}

/*
 * A process in the container's pid namespace can be looked into, and its /proc/PID/root walked through, by every process of
 * the container that has its user and no fewer capabilities (ptrace(2), "Ptrace access mode checking"; CVE-2016-9962). So no
 * program of the host is ever there, with one exception: the last one forks, and its child changes its root and executes
 * the command. That one is not dumpable, has the command's environment, and no descriptors but the command's.
 *
 * The kernel makes it so because its file cannot be read by who executes it (see `unreadableTool`). Root can read everything
 * as long as it has CAP_DAC_OVERRIDE; it gets that back at the next execve, from the bounding set. In between the first
 * `setpriv` turns off the rule that root has all capabilities (SECBIT_NOROOT), so that only CAP_SETPCAP is
 * left, with which the second one turns the rule on again.
 */
function joining(
  spec: ExecSpec,
  { scratch, granted }: RunningSandbox,
  ids: IdMaps,
): { readonly command: readonly string[]; readonly environment: string } {
  const { safe, unsafe } = splitEnvironment(spec.env);
  const environment = shellEnvironment(safe);
  const fork = unreadableTool(scratch.fork, requireTool('unshare'));
  const privileges = joiningOptions(granted, spec.user, ids);
  const command = [
    scratch.caps, ...identityOptions(spec.user, ids), ...privileges.first, '--',
    ...givenEnvironment(requireTool('env', 'coreutils'), environment, ENVIRONMENT_DESCRIPTOR),
    scratch.caps, ...privileges.last, '--',
    fork, '--fork', '--kill-child=KILL', '--root=.', `--wd=${spec.cwd}`,
    ...(spec.user.uid === 0 ? [] : [`--setuid=${spec.user.uid}`]), '--',
    ...(unsafe.length === 0 ? [] : ['/usr/bin/env', ...unsafe]),
    ...spec.argv,
  ]; // biome-ignore format: one program a line
  return { command, environment: environment.script };
}

/** Runs one more command in a sandbox of util-linux. @throws BuildError as a command's own start does */
export async function execInNamespaces(
  spec: ExecSpec,
  sandbox: RunningSandbox,
  output: RunOutput,
  signal: AbortSignal,
  control: RunControl,
): Promise<RunResult> {
  const [argv0] = spec.argv;
  if (argv0 === undefined) throw new BuildError('RUN_FAILED', 'no command to run');
  const { command, environment } = joining(spec, sandbox, readIdMaps());
  const terminal = spec.terminal !== undefined;
  const killed = new KilledCommandFilter(output, terminal ? 'stdout' : 'stderr');
  const filter = new ExecFailureFilter(killed, { terminal });
  const { exitCode } = await joinSandbox(
    {
      command: [...enter(sandbox), ...enterUserNamespace(sandbox.granted), ...command],
      input: environment,
      pipes: sandbox.pipes,
      terminal: spec.terminal && { size: spec.terminal, of: sandbox.parent, owner: spec.user.uid },
    },
    filter,
    signal,
    control,
  );
  const result = filter.finish(exitCode, argv0);
  return { ...result, ...(await killed.finish(result.exitCode)) };
}
