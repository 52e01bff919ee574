import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { SYSTEM_PATH } from '@tsbuild/oci/internal';
import { trialDirectory } from '../disk/scratch-space.ts';
import { findTool } from './host-tools.ts';
import TRIAL from './scripts/trial.sh';
import { type MachineMode, rootModes, sharesProc, TOOLS, type Trial, userModes } from './machine/machine-modes.ts';
import { type PodLevel, podLevel } from './machine/pod-level.ts';
import { canMakeCgroups, findRuntime } from './runc-executor.ts';
import { installedSeccomp } from './seccomp/seccomp-profile.ts';
import { nativeCalls } from './session-keyring.ts';
import { missingForRanges } from './subordinate-ids.ts';
import { forbiddenUserNamespaces, restrictedByAppArmor, isFiltered } from './user-namespace.ts';

/** One thing that was looked at. */
export interface MachineFact {
  readonly name: string;
  /** `missing` hinders something, `note` is good to know. */
  readonly state: 'ok' | 'missing' | 'note';
  readonly detail: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What {@link examineMachine} found. */
export interface MachineReport {
  readonly facts: readonly MachineFact[];
  /** The best first. The last one for root, chroot, is never used unless it is asked for. */
  readonly modes: readonly MachineMode[];
  /** What a container may do that has the rights of this process. */
  readonly level: PodLevel;
  /** Whether RUN works in some mode. Dockerfiles without RUN need nothing of this. */
  readonly canRun: boolean;
}

/** Looks at what this machine offers for running commands, and tries it. Nothing stays. @param store the store's directory */
export async function examineMachine(store: string): Promise<MachineReport> {
  const isRoot = process.geteuid?.() === 0;
  const tried = tryNamespaces(store, isRoot);
  const facts = [
    { name: 'kernel', state: 'ok', detail: `Linux ${release()}` } as const,
    whoami(isRoot),
    ...surroundings(),
    tools(),
    ...(isRoot ? [] : [userNamespaces(), ranges()]),
    ...trials(tried, isRoot),
    runtime(isRoot),
    cgroups(),
    await nativeCalls(),
    storePlace(store),
  ];
  const filter = await missingFilter();
  const modes = isRoot ? rootModes(tried, filter) : userModes(tried, filter);
  const canRun = modes.some(({ name, works }) => works && name !== 'root, chroot');
  return { facts, modes, level: podLevel(tried, isRoot), canRun };
}

/** Makes the namespaces and mounts of a RUN, beside the store where it can, and lets go of them. */
function tryNamespaces(store: string, isRoot: boolean): Trial {
  const [setpriv, unshare] = [findTool('setpriv'), findTool('unshare')];
  if (unshare === undefined || setpriv === undefined || findTool('mount') === undefined) {
    return { namespaces: false, proc: false, overlay: false, said: 'programs are missing' };
  }
  const folder = trialDirectory(store);
  try {
    for (const name of ['proc', 'lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name), { mode: 0o755 });
    const user = isRoot ? [] : ['--user', '--map-root-user'];
    const { stdout, stderr } = spawnSync(
      setpriv,
      ['--pdeathsig', 'KILL', unshare, ...user, '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child=KILL',
        '--propagation', 'private', '--', '/bin/sh', '-c', TRIAL, folder, isRoot ? '' : ',userxattr'], // biome-ignore format: one program a line
      { encoding: 'utf8', env: { PATH: SYSTEM_PATH, LC_ALL: 'C' } },
    );
    const done = stdout.split('\n');
    const said = stderr.trim().split('\n')[0] ?? '';
    return {
      namespaces: done.includes('namespaces'),
      proc: done.includes('proc'),
      overlay: done.includes('overlay'),
      said,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function whoami(isRoot: boolean): MachineFact {
  const uid = process.geteuid?.() ?? 0;
  return { name: 'user', state: 'ok', detail: isRoot ? 'root' : `${uid}, an ordinary user` };
}

/** A container around us, and what it takes away. */
function surroundings(): readonly MachineFact[] {
  const kind = ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io'].find((path) => existsSync(path));
  return [
    ...(kind === undefined
      ? []
      : [{ name: 'container', state: 'note', detail: `we are inside of one (${kind})` } as const]),
    ...(isFiltered()
      ? [
          {
            name: 'seccomp',
            state: 'note',
            detail: 'a seccomp filter is active, which may forbid namespaces and mounts',
          } as const,
        ]
      : []),
  ];
}

function tools(): MachineFact {
  const missing = TOOLS.filter((name) => findTool(name) === undefined);
  if (missing.length === 0) return { name: 'programs', state: 'ok', detail: TOOLS.join(', ') };
  return {
    name: 'programs',
    state: 'missing',
    detail: `${missing.join(', ')} not on this machine: RUN cannot work`,
    hint: 'install util-linux, mount and coreutils (Alpine: apk add util-linux util-linux-misc setpriv mount coreutils)',
  };
}

function userNamespaces(): MachineFact {
  const forbidden = forbiddenUserNamespaces();
  if (forbidden !== undefined)
    return {
      name: 'user namespaces',
      state: 'missing',
      detail: `forbidden (${forbidden.path} is ${forbidden.off})`,
      hint: forbidden.hint,
    };
  if (!restrictedByAppArmor()) return { name: 'user namespaces', state: 'ok', detail: 'allowed' };
  return {
    name: 'user namespaces',
    state: 'note',
    detail: 'restricted by AppArmor (kernel.apparmor_restrict_unprivileged_userns, Ubuntu 23.10 and later)',
    hint: 'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for unshare that says userns, or run as root',
  };
}

function ranges(): MachineFact {
  const lacking = missingForRanges();
  if (lacking === undefined)
    return { name: 'subordinate ids', state: 'ok', detail: '/etc/subuid, /etc/subgid and newuidmap' };
  return {
    name: 'subordinate ids',
    state: 'missing',
    detail: lacking,
    hint: 'without them there is one id: apt-get, su and chown fail in RUN',
  };
}

function trials(tried: Trial, isRoot: boolean): readonly MachineFact[] {
  const container = isRoot
    ? 'inside a container: tsbuild doctor --pod prints one that may; --isolation chroot needs none (no sandbox); Dockerfiles without RUN build anyway'
    : 'inside a container: --security-opt seccomp=unconfined --security-opt apparmor=unconfined; Kubernetes: securityContext.seccompProfile Unconfined; Dockerfiles without RUN build anyway';
  return [
    tried.namespaces
      ? { name: 'namespaces', state: 'ok', detail: 'mount, pid, uts and ipc' }
      : { name: 'namespaces', state: 'missing', detail: `cannot be made: ${tried.said}`, hint: container },
    tried.proc
      ? { name: 'procfs', state: 'ok', detail: 'can be mounted' }
      : {
          name: 'procfs',
          state: sharesProc(tried) ? 'note' : 'missing',
          detail: sharesProc(tried)
            ? 'parts of it are masked: RUN gets the /proc of this container, and sees its processes'
            : `cannot be mounted${tried.namespaces ? `: ${tried.said}` : ''}`,
          hint: 'inside a container: --security-opt systempaths=unconfined; Kubernetes: procMount: Unmasked',
        },
    tried.overlay
      ? { name: 'overlayfs', state: 'ok', detail: isRoot ? 'can be mounted' : 'can be mounted in a user namespace' }
      : {
          name: 'overlayfs',
          state: 'note',
          detail: 'cannot be mounted: each RUN copies its files, which is slower',
          hint: 'Linux 5.11 or later for ordinary users; a store on ext4, xfs or tmpfs (--root)',
        },
  ];
}

function runtime(isRoot: boolean): MachineFact {
  const found = findRuntime();
  if (found === undefined)
    return {
      name: 'runtime',
      state: 'note',
      detail: 'neither runc nor crun',
      hint: isRoot
        ? 'install runc: RUN gets a whole seccomp profile and a device cgroup'
        : 'not used for ordinary users',
    };
  const version =
    /version (\S+)/.exec(spawnSync(found.path, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ??
    'of unknown version';
  if (installedSeccomp() !== undefined)
    return { name: 'runtime', state: 'ok', detail: `${found.kind} ${version}, with a seccomp profile` };
  return {
    name: 'runtime',
    state: 'note',
    detail: `${found.kind} ${version}, without a seccomp profile`,
    hint: 'RUN gets a short list of forbidden calls; for the whole profile install golang-github-containers-common (Debian) or containers-common: /usr/share/containers/seccomp.json',
  };
}

function cgroups(): MachineFact {
  const version = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? 'v2'
    : existsSync('/sys/fs/cgroup/unified')
      ? 'v1 beside v2'
      : existsSync('/sys/fs/cgroup')
        ? 'v1'
        : 'none';
  return canMakeCgroups()
    ? { name: 'cgroups', state: 'ok', detail: version }
    : { name: 'cgroups', state: 'note', detail: `${version}, not ours to make: runc and crun cannot be used` };
}

const FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x794c7630, 'overlayfs'],
  [0x01021994, 'tmpfs'],
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x65735546, 'fuse'],
]);

function storePlace(store: string): MachineFact {
  let place = store;
  while (!existsSync(place) && place !== '/') place = join(place, '..');
  const type = statfsSync(place).type;
  const name = FILE_SYSTEMS.get(type) ?? `type ${type.toString(16)}`;
  if (name === 'nfs' || name === 'fuse') {
    return {
      name: 'store',
      state: 'missing',
      detail: `${store} is on ${name}: other owners and overlayfs do not work there`,
      hint: 'choose a local disk: --root or TSBUILD_ROOT',
    };
  }
  if (name === 'overlayfs')
    return {
      name: 'store',
      state: 'note',
      detail: `${store} is on overlayfs: RUN copies files`,
      hint: 'mount a volume there, or choose another place with --root',
    };
  return { name: 'store', state: 'ok', detail: `${store} on ${name}` };
}

/** Why commands without a runtime get no seccomp filter; nothing when they do. */
async function missingFilter(): Promise<readonly string[]> {
  const native = await nativeCalls();
  return native.state === 'ok' ? [] : ['a seccomp filter: koffi is not installed'];
}
