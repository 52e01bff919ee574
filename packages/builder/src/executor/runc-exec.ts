import { BuildError } from '../diagnostics/build-error.ts';
import { ExecFailureFilter } from './exec-failure.ts';
import type { ExecSpec, RunControl, RunOutput, RunResult } from './executor.ts';
import { requireTool } from './host-tools.ts';
import { ENVIRONMENT_DESCRIPTOR, joinSandbox } from './join/join-sandbox.ts';
import type { PipePool } from './pipes.ts';
import { runcProcess, type Granted } from './runc-config.ts';
import { runtimeFailure } from './runc-failure.ts';
import EXEC from './scripts/runtime-exec.sh';

/** A runtime's container that runs, and how to reach it. */
export interface RunningContainer {
  readonly runtime: { readonly path: string };
  /** The runtime's own process, in whose pid and mount namespaces its state is. */
  readonly parent: number;
  readonly id: string;
  readonly bundle: string;
  readonly scratch: string;
  readonly pipes: PipePool;
  readonly granted: Granted;
}

/** How runc begins what it says about a command that it could not start in a running container. */
const FAILURE = 'exec failed: ';

/** Runs one more command in a container of runc or crun. @throws BuildError as a command's own start does */
export async function execInContainer(
  spec: ExecSpec,
  container: RunningContainer,
  output: RunOutput,
  signal: AbortSignal,
  control: RunControl,
): Promise<RunResult> {
  const [argv0] = spec.argv;
  if (argv0 === undefined) throw new BuildError('RUN_FAILED', 'no command to run');
  const { parent, runtime, bundle, id } = container;
  const command = [
    requireTool('nsenter'), `--mount=/proc/${parent}/ns/mnt`, `--pid=/proc/${parent}/ns/pid`, `--net=/proc/${parent}/ns/net`, '--',
    requireTool('env', 'coreutils'), `BUNDLE=${bundle}`, `RUNTIME=${runtime.path}`, `ID=${id}`,
    `INPUT=${ENVIRONMENT_DESCRIPTOR}`, `CAT=${requireTool('cat', 'coreutils')}`, '/bin/sh', '-euc', EXEC, 'exec',
  ]; // biome-ignore format: one program a line
  const terminal = spec.terminal !== undefined;
  const filter = new ExecFailureFilter(output, { prefix: FAILURE, terminal });
  const { exitCode } = await joinSandbox(
    {
      command,
      input: JSON.stringify(runcProcess(spec, container.granted)),
      pipes: container.pipes,
      terminal: spec.terminal && { size: spec.terminal, of: undefined, owner: 0 },
    },
    filter,
    signal,
    control,
  );
  const said = filter.take();
  if (said.startsWith(FAILURE) && exitCode !== 0) {
    return runtimeFailure(said.trim(), filter.next, [], argv0);
  }
  if (said !== '') await filter.next.stderr(Buffer.from(said));
  return { exitCode };
}
