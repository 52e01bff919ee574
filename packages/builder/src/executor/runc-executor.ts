import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { BuildError } from '../diagnostics/build-error.ts';
import { cgroupName, cgroupPath, removeCgroup, removeStaleCgroups, wasOutOfMemory } from './cgroups.ts';
import { ExecFailureFilter } from './exec-failure.ts';
import type { Executor, Isolation, RunControl, RunOutput, RunResult, RunSpec } from './executor.ts';
import { formatFstab } from './fstab.ts';
import { findTool, requireTool } from './host-tools.ts';
import { readIdMaps } from './id-map.ts';
import { PipePool } from './pipes.ts';
import { runcConfig } from './runc-config.ts';
import { execInContainer } from './runc-exec.ts';
import { RUN_FAILURE as FAILURE, runtimeFailure } from './runc-failure.ts';
import { hostDevices, rootLine } from './sandbox-mounts.ts';
import { READY, type SandboxPrelude } from './sandbox-process.ts';
import { SandboxStarter } from './sandbox-starter.ts';
import CONFIG from './scripts/runtime-config.sh';
import PRELUDE from './scripts/runtime-prelude.sh';
import RUNTIME_ROOT from './scripts/runtime-root.sh';
import USER_PRELUDE from './scripts/runtime-user-prelude.sh';
import STAGED_CONFIG from './scripts/runtime-staged-config.sh';
import RUNTIME from './scripts/runtime.sh';
import { runtimeSeccomp } from './seccomp/seccomp-profile.ts';
import { setupFailure } from './setup-failure.ts';
import { stageMounts, type StageOptions } from './staged-mounts.ts';

/** An OCI runtime of this machine. */
export interface Runtime {
  readonly kind: 'runc' | 'crun';
  readonly path: string;
}

/** The OCI runtime to use, runc before crun; undefined when there is none. */
export function findRuntime(): Runtime | undefined {
  for (const kind of ['runc', 'crun'] as const) {
    const path = findTool(kind);
    if (path !== undefined) return { kind, path };
  }
  return undefined;
}

/** True when a runtime could make cgroups, without which it starts nothing. */
export function canMakeCgroups(): boolean {
  const place = ['/sys/fs/cgroup/cgroup.procs', '/sys/fs/cgroup/devices/cgroup.procs'].find((path) => existsSync(path));
  try {
    accessSync(place ?? '/sys/fs/cgroup/cgroup.procs', constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The runtime that commands get on this machine; undefined for the kernel's namespaces alone. */
export function runtimeFor(isolation: Isolation, nested: boolean): Runtime | undefined {
  if (isolation === 'namespaces' || isolation === 'chroot' || nested) return undefined;
  return isolation === 'runc' || canMakeCgroups() ? findRuntime() : undefined;
}

/** Whether a runtime can leave a container's cgroup to be looked at when it has ended (runc since 1.1). */
async function canKeep({ path }: Runtime): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)(path, ['run', '--help']);
    return stdout.includes('--keep');
  } catch {
    return false;
  }
}

const FAILED = 'tsbuild-runtime-failed';

/**
 * Runs commands with runc or crun, as root: beside the namespaces they get a seccomp filter (when a profile is installed)
 * and a device cgroup. The runtime itself runs in a pid namespace that dies with us: killed alone it would leave its
 * container running.
 */
export class RuncExecutor implements Executor {
  readonly name: string;
  readonly #directory: string;
  readonly #runtime: Runtime;
  readonly #pipes: PipePool;
  readonly #starter: SandboxStarter;
  #cleared = false;

  /** @param options.scratch a directory of the store for mount points, made when missing; shared by all processes. */
  constructor(options: { readonly scratch: string; readonly runtime: Runtime }) {
    this.name = options.runtime.kind;
    this.#directory = resolve(options.scratch);
    this.#runtime = options.runtime;
    this.#pipes = new PipePool(this.#directory);
    this.#starter = new SandboxStarter(this.#pipes);
  }

  async run(spec: RunSpec, output: RunOutput, signal: AbortSignal, control: RunControl = {}): Promise<RunResult> {
    const [argv0] = spec.argv;
    if (argv0 === undefined) throw new BuildError('RUN_FAILED', 'no command to run');
    const { bundle, root, stage } = this.#prepare();
    const id = cgroupName(randomBytes(6).toString('hex'));
    const ids = readIdMaps();
    const mount = rootLine(spec.root, root, ids, spec.readOnly);
    const config = runcConfig(spec, { root, stage, cgroupsPath: cgroupPath(id), seccomp: runtimeSeccomp(), bundle });
    const staged = stageConfig(spec, JSON.stringify(config), { stage, descriptor: 5, ids });
    const filter = new ExecFailureFilter(output, { prefix: FAILURE, terminal: spec.terminal !== undefined });
    // Looking for the command's process takes time: nobody does when nobody asks.
    const { started } = control;
    // Only of a container somebody asks later why it ended; its cgroup must outlive it then.
    const keep = started !== undefined && (await canKeep(this.#runtime));
    let ended = false;
    try {
      const end = await this.#starter.run(
        {
          prelude: preludeOf(spec, bundle),
          script: `${RUNTIME_ROOT}${staged.script}${RUNTIME}`,
          args: [],
          env: {
            BASE: mount.base,
            ...staged.env,
            READY,
            FAILED,
            ID: `tsbuild-${id}`,
            KEEP: keep ? '--keep' : '',
            KIND: this.#runtime.kind,
            RUNTIME: this.#runtime.path,
          },
          files: [formatFstab([mount.line])],
          input: staged.input,
          scratch: this.#directory,
          needsMountsOfNow: (spec.mounts?.length ?? 0) > 0,
          depth: 3,
          ...(spec.terminal === undefined ? {} : { terminal: { place: 'runtime', size: spec.terminal } }),
          privateNetwork: spec.network === 'private',
        },
        filter,
        signal,
        {
          ...control,
          started:
            started &&
            (({ command, parent }) => {
              const container = {
                runtime: this.#runtime, parent, id: `tsbuild-${id}`, bundle,
                scratch: this.#directory, pipes: this.#pipes, granted: spec,
              }; // biome-ignore format: a list
              started({
                pid: command,
                exec: (more, to, abort, own = {}) => execInContainer(more, container, to, abort, own),
              });
            }),
        },
      );
      if (!end.ready) throw setupFailure(end.complaints, end.exitCode);
      ended = !end.afterwards.includes(FAILED);
      if (!ended) return runtimeFailure(filter.take().trim(), filter.next, end.afterwards, argv0);
      filter.end();
      return { exitCode: end.exitCode, ...(keep ? { outOfMemory: wasOutOfMemory(id) } : {}) };
    } finally {
      if (!ended || keep) removeCgroup(id);
    }
  }

  #prepare(): { readonly bundle: string; readonly root: string; readonly stage: string } {
    const places = {
      bundle: join(this.#directory, 'bundle'),
      root: join(this.#directory, 'root'),
      stage: join(this.#directory, 'stage'),
    };
    if (this.#cleared) return places;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const path of Object.values(places)) mkdirSync(path, { recursive: true, mode: 0o755 });
    removeStaleCgroups();
    this.#cleared = true;
    return places;
  }
}

/** What is the same for all commands, or for all of one user namespace. */
function preludeOf({ userNamespace }: RunSpec, bundle: string): SandboxPrelude {
  const env = { BUNDLE: bundle, CAT: requireTool('cat', 'coreutils'), MOUNT: requireTool('mount', 'mount') };
  if (userNamespace === undefined) {
    return { namespaces: ['--mount', '--mount-proc', '--propagation', 'private'], script: PRELUDE, env, files: [] };
  }
  return {
    namespaces: ['--mount', '--propagation', 'private'],
    script: `${PRELUDE}${USER_PRELUDE}`,
    env: {
      ...env, USER_NAMESPACE: userNamespace, DEVICES: hostDevices().join(' '),
      MKDIR: requireTool('mkdir', 'coreutils'), CP: requireTool('cp', 'coreutils'),
    }, // biome-ignore format: a list
    files: [],
  };
}

/**
 * Brings the configuration, which holds secret variables, into the bundle by a way that touches no disk, and makes the
 * mounts ready, if there are any.
 */
function stageConfig(
  spec: RunSpec,
  config: string,
  options: Omit<StageOptions, 'texts'>,
): { readonly script: string; readonly env: Readonly<Record<string, string>>; readonly input: Uint8Array } {
  const text = Buffer.from(config);
  if ((spec.mounts ?? []).length === 0) {
    return { script: CONFIG, env: { STAGE_INPUT: String(options.descriptor) }, input: text };
  }
  const { script, env, input, texts } = stageMounts(spec.mounts ?? [], { ...options, texts: [text] });
  return { script: `${script}${STAGED_CONFIG}`, env: { ...env, CONFIG: texts[0] ?? '' }, input };
}
