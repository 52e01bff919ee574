import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BuildError } from '../diagnostics/build-error.ts';
import { cgroupName, makeLeafCgroups, removeCgroup, removeStaleCgroups } from './cgroups.ts';
import { ExecFailureFilter } from './exec-failure.ts';
import type { Executor, ResourceLimit, RunControl, RunningCommand, RunOutput, RunResult, RunSpec } from './executor.ts';
import { execInNamespaces } from './namespaces-exec.ts';
import { identityOptions, privilegeOptions } from './privileges.ts';
import { SharedProc } from './procfs/shared-proc.ts';
import type { ProcSource } from './procfs/surrounding-proc.ts';
import { formatFstab } from './fstab.ts';
import { requireTool } from './host-tools.ts';
import { readIdMaps } from './id-map.ts';
import type { IdMaps } from './id-map.ts';
import {
  coveringMounts,
  hostDevices,
  kernelMounts,
  rootLine,
  rootMounts,
  type SandboxPlaces,
} from './sandbox-mounts.ts';
import { PipePool } from './pipes.ts';
import { limitWords } from './resource-limits.ts';
import { loopbackCommand } from './sandbox-launch.ts';
import { READY, type SandboxPrelude, type SandboxProcesses } from './sandbox-process.ts';
import { prepareScratch } from './sandbox-scratch.ts';
import type { Scratch } from './sandbox-scratch.ts';
import { SandboxStarter } from './sandbox-starter.ts';
import DROP_KERNEL_MOUNTS from './scripts/drop-kernel-mounts.sh';
import ENTER from './scripts/enter.sh';
import KERNEL_MOUNTS from './scripts/kernel-mounts.sh';
import MOUNT_ROOT from './scripts/mount-root.sh';
import PLACE from './scripts/place.sh';
import PRELUDE from './scripts/prelude.sh';
import SECRETS from './scripts/secrets.sh';
import SETTLE from './scripts/settle.sh';
import USER_NAMESPACE from './scripts/user-namespace.sh';
import { isThreadConfined } from './seccomp/confine-thread.ts';
import { setupFailure } from './setup-failure.ts';
import { needsStage, placeList, stageMounts } from './staged-mounts.ts';
import { canBeSecret } from './environment/secret-name.ts';
import { shellEnvironment } from './environment/shell-environment.ts';
import { splitEnvironment } from './unsafe-environment.ts';

/** Stands in the arguments for the path of the image's `env`, which only the script can see. */
const IMAGE_ENV = '@image-env@';

/** What only some commands need: scripts around the one that mounts the root, and what they read. */
interface SandboxExtra {
  /** Before the root is mounted, and after that. */
  readonly stage: string;
  readonly place: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array | undefined;
}

const NO_EXTRA: SandboxExtra = { stage: '', place: '', env: { SECRETS: '' }, input: undefined };

/**
 * Runs commands with util-linux alone: as root, or as uid 0 of a user namespace. The seccomp filter is this process's own
 * where that was prepared (see `prepareProcess`). What it lacks beside runc: a device cgroup (every mount is `nodev` instead).
 */
export class NamespacesExecutor implements Executor {
  readonly name = 'namespaces';
  readonly #directory: string;
  readonly #pipes: PipePool;
  readonly #starter: SandboxStarter;
  readonly #shared: SharedProc | undefined;
  #scratch: Scratch | undefined;

  /**
   * @param options.scratch a directory of the store for mount points, made when missing; shared by all processes.
   * @param options.proc what commands have as /proc; `fresh` when left out. See `procSource`.
   */
  constructor(options: { readonly scratch: string; readonly proc?: ProcSource }) {
    this.#shared = options.proc === 'shared' ? new SharedProc() : undefined;
    this.#directory = resolve(options.scratch);
    this.#pipes = new PipePool(this.#directory);
    this.#starter = new SandboxStarter(this.#pipes);
  }

  run(spec: RunSpec, output: RunOutput, signal: AbortSignal, control: RunControl = {}): Promise<RunResult> {
    const run = (): Promise<RunResult> => this.#run(spec, output, signal, control);
    return this.#shared === undefined ? run() : this.#shared.take(spec, run);
  }

  async #run(spec: RunSpec, output: RunOutput, signal: AbortSignal, control: RunControl): Promise<RunResult> {
    const ids = readIdMaps();
    const [argv0] = spec.argv;
    if (argv0 === undefined) throw new BuildError('RUN_FAILED', 'no command to run');
    using leaf = isThreadConfined() ? undefined : new LeafCgroups();
    const scratch = (this.#scratch ??= prepareScratch(this.#directory));
    const root = rootLine(spec.root, scratch.root, ids, spec.readOnly);
    const { safe, unsafe } = splitEnvironment(spec.env);
    const filter = new ExecFailureFilter(output, { terminal: spec.terminal !== undefined });
    // Looking for the command's process takes time: nobody does when nobody asks.
    const { started } = control;
    const proc: ProcSource = this.#shared === undefined ? 'fresh' : 'shared';
    const places = { ids, nodes: ids.nested ? undefined : scratch.nodes, proc };
    const extra = needsStage(spec) ? extraParts(spec, scratch, ids) : NO_EXTRA;
    const entered = enteredNamespace(spec, this.#directory);
    const env = {
      BASE: root.base,
      ROOT: scratch.root,
      HOST: spec.hostname,
      READY,
      IMAGE_ENV,
      LOOPBACK: spec.network === 'none' ? loopbackCommand() : '',
      UNSAFE: unsafe.map((entry) => entry.slice(0, entry.indexOf('='))).join(' '),
      ...limitVariables(spec.limits ?? []),
      ...terminalVariables(spec, ids),
      ...extra.env,
      ...entered.env,
    };
    const prelude = preludeOf(spec, scratch, places);
    const own = [...Object.keys(prelude.env), ...Object.keys(env)];
    const end = await this.#starter.run(
      {
        prelude,
        // In a user namespace nobody is the machine's root, and we have forbidden more of them.
        script: [
          entered.script,
          extra.stage,
          MOUNT_ROOT,
          extra.place,
          SETTLE,
          ids.nested ? '' : DROP_KERNEL_MOUNTS,
          ENTER,
        ].join(''),
        args: [
          ...entered.words,
          scratch.caps, ...(this.#shared?.hidingOptions(ids) ?? []),
          ...identityOptions(spec.user, ids), ...privilegeOptions(spec, spec.user, ids),
          requireTool('env', 'coreutils'), ...environmentOptions(spec, own), '--', ...safe,
          scratch.exec, '--root=.', `--wd=${spec.cwd}`, ...(spec.user.uid === 0 && this.#shared === undefined ? [] : [`--setuid=${spec.user.uid}`]), '--',
          ...(unsafe.length === 0 ? [] : [IMAGE_ENV, ...unsafe]),
          ...spec.argv,
        ], // biome-ignore format: one program a line
        env,
        files: [formatFstab(rootMounts(root, spec, scratch.kernel))],
        input: extra.input,
        scratch: this.#directory,
        needsMountsOfNow: (spec.mounts?.length ?? 0) > 0,
        cgroups: leaf?.entrances,
        depth: 2,
        ...(spec.terminal === undefined ? {} : { terminal: { place: 'sandbox', size: spec.terminal } }),
        privateNetwork: spec.network === 'private',
      },
      filter,
      signal,
      { ...control, started: started && ((processes) => started(this.#running(processes, scratch, spec))) },
    );
    if (!end.ready) throw setupFailure(end.complaints, end.exitCode);
    return filter.finish(end.exitCode, argv0);
  }

  #running(processes: SandboxProcesses, scratch: Scratch, granted: RunSpec): RunningCommand {
    const places = { ...processes, scratch, pipes: this.#pipes, granted };
    return {
      pid: processes.command,
      exec: async (spec, output, signal, control = {}) => {
        this.#shared?.refuseToJoin();
        return execInNamespaces(spec, places, output, signal, control);
      },
    };
  }
}

/**
 * Cgroups of one command. Without a seccomp filter it can make a user namespace, and mount in it what its cgroup namespace
 * shows: that must not be the cgroups of the host, whose processes it could freeze and kill.
 */
class LeafCgroups implements Disposable {
  readonly #name = cgroupName(randomBytes(6).toString('hex'));
  readonly entrances: readonly string[];

  constructor() {
    removeStaleCgroups();
    this.entrances = makeLeafCgroups(this.#name);
  }

  [Symbol.dispose](): void {
    removeCgroup(this.#name);
  }
}

/** How the user namespace of a command is entered: by the last program before the one that takes its rights. */
interface EnteredNamespace {
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}

function enteredNamespace({ userNamespace }: RunSpec, directory: string): EnteredNamespace {
  if (userNamespace === undefined) return { script: '', env: {}, words: [] };
  const file = join(directory, 'user');
  writeFileSync(file, '');
  return {
    script: USER_NAMESPACE,
    env: { USER_NAMESPACE: userNamespace, USER_FILE: file },
    words: [requireTool('nsenter'), `--user=${file}`, '--preserve-credentials', '--'],
  };
}

/** What is the same for commands of one kind: namespaces, the kernel's filesystems with their masks, devices. */
function preludeOf(spec: RunSpec, scratch: Scratch, places: SandboxPlaces): SandboxPrelude {
  return {
    namespaces: [
      '--mount', '--uts', '--ipc', '--propagation', 'private',
      ...(existsSync('/proc/self/ns/cgroup') ? ['--cgroup'] : []),
      ...(spec.network === 'none' ? ['--net'] : []),
    ], // biome-ignore format: one list
    script: `${places.ids.nested ? '' : KERNEL_MOUNTS}${PRELUDE}`,
    env: {
      KERNEL: scratch.kernel,
      DEV: scratch.dev,
      NODES: places.nodes ?? '',
      DEVICES: hostDevices()
        .map((name) => `/dev/${name}`)
        .join(' '),
      MOUNT: requireTool('mount', 'mount'),
      UMOUNT: requireTool('umount', 'mount'),
      CP: requireTool('cp', 'coreutils'),
    },
    files: [kernelMounts, coveringMounts].map((mounts) => formatFstab(mounts(scratch.kernel, spec, places))),
  };
}

/** The terminal is the user's who runs the command. */
function terminalVariables({ terminal, user }: RunSpec, ids: IdMaps): Readonly<Record<string, string>> {
  if (terminal === undefined) return { TTYOWNER: '' };
  return {
    TTYOWNER: String(user.uid),
    TTYGROUP: ids.hasGid(5) ? ',gid=5' : '',
    CHOWN: requireTool('chown', 'coreutils'),
  };
}

/** Mounts and secret variables. A secret variable is set by the shell: what stands in arguments everybody can read. */
function extraParts(spec: RunSpec, scratch: Scratch, ids: IdMaps): SandboxExtra {
  const secrets = [...(spec.secretEnv ?? [])];
  for (const [name] of secrets) checkSecretName(name);
  const mounts = spec.mounts ?? [];
  const top = realpathSync(scratch.root);
  const { script } = shellEnvironment(secrets.map(([name, value]) => `${name}=${value}`));
  const texts = [placeList(mounts, top), Buffer.from(`give_secrets() { :\n${script}}\n`)];
  const staged = stageMounts(mounts, { stage: scratch.stage, descriptor: 7, ids, texts });
  const [list = '', values = ''] = staged.texts;
  const has = secrets.length > 0;
  return {
    stage: staged.script,
    // Before the root is moved, and used after all else.
    place: `${PLACE}${has ? SECRETS : ''}`,
    env: { ...staged.env, LIST: list, TOP: top, SECRETS: has ? values : '' },
    input: staged.input,
  };
}

function checkSecretName(name: string): void {
  if (canBeSecret(name)) return;
  throw new BuildError('RUN_FAILED', `a secret cannot be given as the variable ${JSON.stringify(name)}`, {
    hint: 'Choose another name (env=NAME), or read the secret from a file.',
  });
}

/** For `env`: nothing of the script's own variables reaches the command. */
function environmentOptions(spec: RunSpec, own: readonly string[]): readonly string[] {
  const secrets = spec.secretEnv ?? new Map<string, string>();
  if (secrets.size === 0) return ['-i'];
  const names = [
    ...own,
    'PATH',
    'LC_ALL',
    'LIBMOUNT_FORCE_MOUNT2',
    'SHELL',
    'PWD',
    'OLDPWD',
    'SHLVL',
    '_',
    'STTY',
    'TTYSIZE',
  ];
  return names.filter((name) => !secrets.has(name)).flatMap((name) => ['-u', name]);
}

function limitVariables(limits: readonly ResourceLimit[]): Readonly<Record<string, string>> {
  if (limits.length === 0) return { LIMITS: '' };
  return {
    LIMITS: limitWords(limits).join(' '),
    PRLIMIT: requireTool('prlimit'),
  };
}
