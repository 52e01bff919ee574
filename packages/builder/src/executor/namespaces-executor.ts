import { randomBytes } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { BuildError } from '../diagnostics/build-error.ts';
import { cgroupName, makeLeafCgroups, removeCgroup, removeStaleCgroups } from './cgroups.ts';
import { ExecFailureFilter } from './exec-failure.ts';
import type { Executor, ResourceLimit, RunControl, RunningCommand, RunOutput, RunResult, RunSpec } from './executor.ts';
import { execInNamespaces } from './namespaces-exec.ts';
import { identityOptions, privilegeOptions } from './privileges.ts';
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
import { loopbackCommand } from './sandbox-launch.ts';
import { READY, type SandboxPrelude, type SandboxProcesses } from './sandbox-process.ts';
import { prepareScratch } from './sandbox-scratch.ts';
import type { Scratch } from './sandbox-scratch.ts';
import { SandboxStarter } from './sandbox-starter.ts';
import { isThreadConfined } from './seccomp/confine-thread.ts';
import { setupFailure } from './setup-failure.ts';
import { needsStage, PLACE_SCRIPT, placeList, stageMounts } from './staged-mounts.ts';
import { canBeSecret } from './environment/secret-name.ts';
import { shellEnvironment } from './environment/shell-environment.ts';
import { splitEnvironment } from './unsafe-environment.ts';

/** Stands in the arguments for the path of the image's `env`, which only the script can see. */
const IMAGE_ENV = '@image-env@';

/*
 * The host's own /proc and /sys, which stay below the new root, unseen. As long as one whole procfs is mounted somewhere, a
 * command that makes a user namespace may mount another one without masks, and write to /proc/sys of the machine as its
 * root. The list comes before anything of ours is mounted.
 */
const LIST_KERNEL_MOUNTS = `bare=
while read -r id parent device root point rest; do
  case "$rest" in 
    # umount itself looks into /proc: that goes last.
    *" - proc "*|*" - sysfs "*) if [ "$point" = /proc ]; then bare="$bare /proc"; else bare="$point $bare"; fi ;;
  esac
done </proc/self/mountinfo`;
// In the octal of mountinfo no blank stands in a name.
const DROP_KERNEL_MOUNTS = `drop() {
  set -- "$KERNEL"
  for point in $bare; do
    case "$point" in *\\\\*) point=$(printf %b "$point") ;; esac
    set -- "$@" "$point"
  done
  "$UMOUNT" -n -l -- "$@"
}
set -f
drop
set +f`;

/*
 * Only programs of the host run before the last exec, and nothing of the image is run before the capabilities are gone:
 * an image cannot put its own `chroot` or C library in the way (CVE-2019-14271). No `cd` may come between `mount --move`
 * and the last exec: the working directory is the new root, while `/` is still the old one.
 */
const PRELUDE = (hidesKernel: boolean): string => `${hidesKernel ? LIST_KERNEL_MOUNTS : ''}
"$MOUNT" -n -a -T /proc/self/fd/4
if [ -n "$NODES" ]; then "$CP" -R -P -p $DEVICES "$NODES/" 2>/dev/null || "$MOUNT" -n --bind /dev "$NODES"; fi
"$CP" -R -P "$DEV/." "$KERNEL/dev/"
"$MOUNT" -n -a -T /proc/self/fd/5
exec 4<&- 5<&-
`;
const SCRIPT = (extra: SandboxExtra): string => `${extra.stage}
cd "$BASE"
"$MOUNT" -n -a -T /proc/self/fd/6
exec 6<&-
${extra.place}
cd "$ROOT"
{ echo "$HOST" >/proc/sys/kernel/hostname; } 2>/dev/null || hostname "$HOST"
if [ -n "$LOOPBACK" ]; then $LOOPBACK; fi
umask 022
if [ -n "$TTYOWNER" ]; then
  "$CHOWN" "$TTYOWNER" /dev/pts/0
  : >dev/console
  "$MOUNT" -n --bind /dev/pts/0 dev/console </dev/null
fi
if [ -n "$LIMITS" ]; then "$PRLIMIT" --pid $$ $LIMITS; fi
if [ -n "$UNSAFE" ]; then
  env=
  for path in usr/bin/env bin/env; do
    if [ -z "$env" ] && { [ -e "$path" ] || [ -L "$path" ]; }; then env=/$path; fi
  done
  if [ -z "$env" ]; then echo "$UNSAFE cannot be set: the image has no /usr/bin/env" >&2; exit 1; fi
  for argument; do
    shift
    if [ "$argument" = ${IMAGE_ENV} ]; then argument=$env; fi
    set -- "$@" "$argument"
  done
fi
${extra.hidesKernel ? DROP_KERNEL_MOUNTS : ''}
"$MOUNT" -n --move . /
echo ${READY} >&2
${extra.secrets}exec "$@" 2>&3 3>&-
`;

/** Parts of the script that only some commands need. */
interface SandboxExtra {
  readonly stage: string;
  readonly place: string;
  readonly secrets: string;
  /** Whether the host's procfs and sysfs are taken out of the mount namespace. */
  readonly hidesKernel: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly input: Uint8Array | undefined;
}

const NO_EXTRA: Omit<SandboxExtra, 'hidesKernel'> = { stage: '', place: '', secrets: '', env: {}, input: undefined };

/**
 * Runs commands with util-linux alone: as root, or as uid 0 of a user namespace. The seccomp filter is this process's own
 * where that was prepared (see `prepareProcess`). What it lacks beside runc: a device cgroup (every mount is `nodev` instead).
 */
export class NamespacesExecutor implements Executor {
  readonly name = 'namespaces';
  readonly #directory: string;
  readonly #pipes: PipePool;
  readonly #starter: SandboxStarter;
  #scratch: Scratch | undefined;

  /** @param options.scratch a directory of the store for mount points, made when missing; shared by all processes. */
  constructor(options: { readonly scratch: string }) {
    this.#directory = resolve(options.scratch);
    this.#pipes = new PipePool(this.#directory);
    this.#starter = new SandboxStarter(this.#pipes);
  }

  async run(spec: RunSpec, output: RunOutput, signal: AbortSignal, control: RunControl = {}): Promise<RunResult> {
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
    const places = { ids, nodes: ids.nested ? undefined : scratch.nodes };
    const extra = needsStage(spec) ? extraParts(spec, scratch, ids) : NO_EXTRA;
    const env = {
      BASE: root.base,
      ROOT: scratch.root,
      HOST: spec.hostname,
      LOOPBACK: spec.network === 'none' ? loopbackCommand() : '',
      UNSAFE: unsafe.map((entry) => entry.slice(0, entry.indexOf('='))).join(' '),
      ...limitVariables(spec.limits ?? []),
      ...terminalVariables(spec, ids),
      ...extra.env,
    };
    const prelude = preludeOf(spec, scratch, places);
    const own = [...Object.keys(prelude.env), ...Object.keys(env)];
    const end = await this.#starter.run(
      {
        prelude,
        // In a user namespace nobody is the machine's root, and we have forbidden more of them.
        script: SCRIPT({ ...extra, hidesKernel: !ids.nested }),
        args: [
          scratch.caps, ...identityOptions(spec.user, ids), ...privilegeOptions(spec, spec.user, ids),
          requireTool('env', 'coreutils'), ...environmentOptions(spec, own), '--', ...safe,
          scratch.exec, '--root=.', `--wd=${spec.cwd}`, ...(spec.user.uid === 0 ? [] : [`--setuid=${spec.user.uid}`]), '--',
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
      exec: (spec, output, signal, control = {}) => execInNamespaces(spec, places, output, signal, control),
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

/** What is the same for commands of one kind: namespaces, the kernel's filesystems with their masks, devices. */
function preludeOf(spec: RunSpec, scratch: Scratch, places: SandboxPlaces): SandboxPrelude {
  return {
    namespaces: [
      '--mount', '--uts', '--ipc', '--propagation', 'private',
      ...(existsSync('/proc/self/ns/cgroup') ? ['--cgroup'] : []),
      ...(spec.network === 'none' ? ['--net'] : []),
    ], // biome-ignore format: one list
    script: PRELUDE(!places.ids.nested),
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
function extraParts(spec: RunSpec, scratch: Scratch, ids: IdMaps): Omit<SandboxExtra, 'hidesKernel'> {
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
    place: `${PLACE_SCRIPT}\n${has ? `. "$STAGE/${values}"\n` : ''}`,
    secrets: has ? 'give_secrets\n' : '',
    env: { ...staged.env, LIST: list, TOP: top },
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
  const names = [...own, 'PATH', 'LC_ALL', 'LIBMOUNT_FORCE_MOUNT2', 'SHELL', 'PWD', 'OLDPWD', 'SHLVL', '_'];
  return names.filter((name) => !secrets.has(name)).flatMap((name) => ['-u', name]);
}

function limitVariables(limits: readonly ResourceLimit[]): Readonly<Record<string, string>> {
  if (limits.length === 0) return { LIMITS: '' };
  const show = (value: number): string => (value < 0 ? 'unlimited' : String(value));
  return {
    LIMITS: limits.map(({ name, soft, hard }) => `--${name}=${show(soft)}:${show(hard)}`).join(' '),
    PRLIMIT: requireTool('prlimit'),
  };
}
