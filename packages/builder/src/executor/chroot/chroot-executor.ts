import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { resolve } from 'node:path';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';
import { loadNative } from '../../disk/load-native.ts';
import { givenEnvironment, shellEnvironment } from '../environment/shell-environment.ts';
import { ExecFailureFilter } from '../exec-failure.ts';
import type { Executor, RunControl, RunOutput, RunResult, RunSpec } from '../executor.ts';
import { requireTool } from '../host-tools.ts';
import { readIdMaps } from '../id-map.ts';
import { PipePool } from '../pipes.ts';
import { identityOptions, privilegeOptions } from '../privileges.ts';
import { limitOptions } from '../resource-limits.ts';
import { closeInherited, feed } from '../sandbox-launch.ts';
import BECOME from '../scripts/become.sh';
import CLOSE from '../scripts/close.sh';
import { supervise, type SupervisedEnd } from '../supervise.ts';
import { splitEnvironment } from '../unsafe-environment.ts';
import { type ChrootTools, prepareChrootTools } from './chroot-tools.ts';
import { findInside, imageEnv } from './inside-root.ts';
import { PlacedFiles } from './placed-files.ts';
import { placeAll } from './placed-mounts.ts';
import { endProcesses, leaderOf } from './remaining-processes.ts';

/** On which the environment comes. */
const ENVIRONMENT_DESCRIPTOR = 3;

/**
 * Runs commands with chroot(2) alone, as root without CAP_SYS_ADMIN: with what a container has by default, nothing is mounted
 * and no namespace is made. It is no sandbox: the command is root of the container that this process is in. What other
 * executors mount is moved into the root while the command runs, and out of it afterwards.
 *
 * What it does not keep of the contract: there is no /proc, mounts are not read-only, tmpfs has no limits, secrets are on the disk
 * while the command runs, and when this process is killed with SIGKILL, what the command left in the background lives on.
 */
export class ChrootExecutor implements Executor {
  readonly name = 'chroot';
  readonly movesMounts = true;
  readonly #directory: string;
  readonly #pipes: PipePool;
  readonly #notice: (text: string) => void;
  #tools: ChrootTools | undefined;

  /** @param options.scratch a directory of the store, made when missing; shared by all processes. */
  constructor(options: { readonly scratch: string; readonly notice?: (text: string) => void }) {
    this.#directory = resolve(options.scratch);
    this.#pipes = new PipePool(this.#directory);
    this.#notice = options.notice ?? (() => {});
  }

  async run(spec: RunSpec, output: RunOutput, signal: AbortSignal, control: RunControl = {}): Promise<RunResult> {
    signal.throwIfAborted();
    const [argv0] = spec.argv;
    if (argv0 === undefined) throw new BuildError('RUN_FAILED', 'no command to run');
    const root = rootOf(spec);
    const tools = (this.#tools ??= prepareChrootTools(this.#directory));
    const native = await loadNative();
    const filter = new ExecFailureFilter(output);
    await using placed = new PlacedFiles(root, native);
    placeAll(placed, spec, { native, notice: this.#notice });
    const { command, environment } = commandLine(spec, root, tools);
    const { exitCode } = await this.#follow({ command, environment, root }, filter, signal, control);
    return filter.finish(exitCode, argv0);
  }

  async #follow(
    program: { readonly command: readonly string[]; readonly environment: string; readonly root: string },
    output: RunOutput,
    signal: AbortSignal,
    control: RunControl,
  ): Promise<SupervisedEnd> {
    const input = control.input === undefined ? undefined : await this.#pipes.input();
    try {
      return await this.#pipes.lend(async (stdout, stderr) => {
        const opened: number[] = [stdout.write, stderr.write, ...(input === undefined ? [] : [input.read])];
        const stdio: (number | 'ignore' | 'pipe')[] = [input?.read ?? 'ignore', stdout.write, stderr.write, 'pipe'];
        const shell = closeInherited(stdio, opened);
        const script = `umask 022\n${shell.closing.length === 0 ? BECOME : CLOSE}`;
        const child = spawn(
          requireTool('setpriv'),
          ['--pdeathsig', 'KILL', shell.path, '-euc', script, 'chroot', ...program.command],
          {
            stdio,
            env: { PATH: SYSTEM_PATH, LC_ALL: 'C', SHELL: '/bin/sh', OUTER_CLOSE: shell.closing.join(' ') },
            detached: true,
            cwd: '/',
          },
        );
        for (const fd of opened) closeSync(fd);
        feed(child, ENVIRONMENT_DESCRIPTOR, Buffer.from(program.environment));
        if (input !== undefined) control.input?.on('error', () => {}).pipe(input.write.on('error', () => {}));
        const leader = leaderOf(child.pid);
        const end = (): Promise<void> => endProcesses(program.root, leader);
        // What the command left in the background holds the ends of the pipes.
        child.once('exit', () => void end());
        const kill = (): void => {
          child.kill('SIGKILL');
          void end();
        };
        try {
          return await supervise(
            { child, streams: { stdout: stdout.read, stderr: stderr.read }, kill },
            output,
            signal,
          );
        } finally {
          await end();
        }
      });
    } finally {
      if (input !== undefined) control.input?.unpipe(input.write);
      input?.write.destroy();
    }
  }
}

/** @throws BuildError `SANDBOX_UNAVAILABLE` for what cannot be had without namespaces */
function rootOf({ root, network, terminal, readOnly }: RunSpec): string {
  if (root.kind !== 'directory') throw new TypeError('--isolation chroot runs commands in whole copies only');
  const refuse = (what: string, hint: string): never => {
    throw new BuildError('SANDBOX_UNAVAILABLE', `${what} cannot be had with --isolation chroot`, { hint });
  };
  const another = 'It takes a namespace: use another --isolation, or leave it out.';
  if (network !== 'host') return refuse(`a network of its own (${network})`, another);
  if (terminal !== undefined)
    return refuse('a terminal', 'Give the shell its commands by standard input, or use another --isolation.');
  if (readOnly === true) return refuse('a read-only root', another);
  return root.path;
}

function commandLine(
  spec: RunSpec,
  root: string,
  tools: ChrootTools,
): { readonly command: readonly string[]; readonly environment: string } {
  const ids = readIdMaps();
  const cwd = findInside(root, spec.cwd);
  if (cwd === undefined) {
    throw new BuildError('RUN_FAILED', `cannot change to the working directory ${spec.cwd}: no such file or directory`);
  }
  const { safe, unsafe } = splitEnvironment(spec.env);
  const secrets = [...(spec.secretEnv ?? [])].map(([name, value]) => `${name}=${value}`);
  const environment = shellEnvironment([...safe, ...secrets]);
  const { userNamespace } = spec;
  const command = [
    ...(userNamespace === undefined ? [] : [requireTool('nsenter'), `--user=${userNamespace}`, '--preserve-credentials', '--']),
    ...limitOptions(spec.limits ?? []),
    tools.caps, ...identityOptions(spec.user, ids), ...privilegeOptions(spec, spec.user, ids), '--',
    ...givenEnvironment(requireTool('env', 'coreutils'), environment, ENVIRONMENT_DESCRIPTOR),
    tools.exec, `--root=${root}`, `--wd=${cwd}`,
    ...(spec.user.uid === 0 ? [] : [`--setuid=${spec.user.uid}`]), '--',
    ...(unsafe.length === 0 ? [] : [imageEnv(root, unsafe), ...unsafe]),
    ...spec.argv,
  ]; // biome-ignore format: one program a line
  return { command, environment: environment.script };
}
