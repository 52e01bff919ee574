import { readlinkSync } from 'node:fs';
import { BuildError } from '../errors.ts';
import { ExecFailureFilter } from './exec-failure.ts';
import type { ExecSpec, RunControl, RunOutput, RunResult, RunSpec } from './executor.ts';
import { requireTool } from './host-tools.ts';
import { readIdMaps } from './id-map.ts';
import { joinSandbox } from './join-sandbox.ts';
import type { PipePool } from './pipes.ts';
import { identityOptions, privilegeOptions } from './privileges.ts';
import type { SandboxProcesses } from './sandbox-process.ts';
import type { Scratch } from './sandbox-scratch.ts';
import { splitEnvironment } from './unsafe-environment.ts';

/** A sandbox that runs, and what joining it needs. */
export interface RunningSandbox extends SandboxProcesses {
  readonly scratch: Scratch;
  readonly pipes: PipePool;
  /** What its own command was given: a further one has no more. */
  readonly granted: Pick<RunSpec, 'network' | 'capabilities' | 'noNewPrivileges'>;
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
 * All namespaces are the command's, but the root is the one that its parent still has: the programs of the host are there,
 * and nothing of the image is run before the capabilities are gone. The working directory is the command's root.
 */
function enter({ command, parent }: SandboxProcesses): readonly string[] {
  // Only what is not ours already: a user's namespace may not join the host's network, not even from within it.
  const others = [...NAMESPACES].filter(([, file]) => namespaceOf(parent, file) !== namespaceOf('self', file));
  return [
    requireTool('nsenter'), ...others.map(([name, file]) => `--${name}=/proc/${parent}/ns/${file}`),
    `--pid=/proc/${command}/ns/pid`, `--root=/proc/${parent}/root`, `--wd=/proc/${command}/root`, '--',
  ]; // biome-ignore format: one list
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
  const { safe, unsafe } = splitEnvironment(spec.env);
  const { scratch, granted } = sandbox;
  const ids = readIdMaps();
  const command = [
    ...enter(sandbox),
    scratch.caps, ...identityOptions(spec.user, ids), ...privilegeOptions(granted, spec.user, ids),
    requireTool('env', 'coreutils'), '-i', '--', ...safe,
    scratch.exec, '--root=.', `--wd=${spec.cwd}`, ...(spec.user.uid === 0 ? [] : [`--setuid=${spec.user.uid}`]), '--',
    ...(unsafe.length === 0 ? [] : ['/usr/bin/env', ...unsafe]),
    ...spec.argv,
  ]; // biome-ignore format: one program a line
  const filter = new ExecFailureFilter(output, { terminal: spec.terminal !== undefined });
  const { exitCode } = await joinSandbox(
    { command, pipes: sandbox.pipes, terminal: spec.terminal, place: 'host', owner: spec.user.uid },
    filter,
    signal,
    control,
  );
  return filter.finish(exitCode, argv0);
}
