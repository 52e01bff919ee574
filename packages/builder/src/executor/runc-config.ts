import { existsSync } from 'node:fs';
import { byteStringToUtf8 } from '@tsbuild/oci';
import type { ByteString } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import { commandCapabilities, type CapabilityRequest } from './capabilities.ts';
import type { ExecSpec, FileMount, ResourceLimit, RunMount, RunSpec, TerminalSize } from './executor.ts';
import { isReplaced, SHM_SIZE } from './sandbox-mounts.ts';
import { stagedPlace } from './staged-mounts.ts';

/** What a bundle's configuration needs beside the command. */
export interface RuncConfigOptions {
  /** Where the root is mounted. */
  readonly root: string;
  /** Where mounts are made ready. */
  readonly stage: string;
  readonly cgroupsPath: string;
  readonly seccomp: object | undefined;
  /** Where the prelude for a command in a user namespace makes what it needs (see runtime-user-prelude.sh). */
  readonly bundle: string;
}

const MASKED = ['/proc/acpi', '/proc/asound', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats',
  '/proc/sched_debug', '/proc/scsi', '/proc/timer_list', '/proc/timer_stats', '/sys/devices/virtual/powercap',
  '/sys/firmware']; // biome-ignore format: one list
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
const SAFE = ['nosuid', 'noexec', 'nodev'];

/** The map of a user namespace that has all ids; the runtime wants to be told what the kernel knows. */
const ALL_IDS = [{ containerID: 0, hostID: 0, size: 0xffff_ffff }];

/** The `config.json` of a bundle (runtime-spec config.md) for one command. */
export function runcConfig(spec: RunSpec, { root, stage, cgroupsPath, seccomp, bundle }: RuncConfigOptions): object {
  const namespaces = ['pid', 'ipc', 'uts', 'mount', ...(spec.network === 'none' ? ['network'] : [])];
  // On cgroup v1 runc does not offer a namespace that hides anything.
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) namespaces.push('cgroup');
  return {
    ociVersion: '1.0.2',
    hostname: spec.hostname,
    root: { path: root, readonly: spec.readOnly === true },
    process: {
      ...(spec.terminal === undefined ? { terminal: false } : terminalConfig(spec.terminal)),
      cwd: spec.cwd,
      ...privileges(spec),
      user: { uid: spec.user.uid, gid: spec.user.gid, additionalGids: spec.user.groups, umask: 0o22 },
      args: spec.argv,
      env: [...spec.env, ...[...(spec.secretEnv ?? [])].map(([name, value]) => `${name}=${value}`)],
      ...(spec.limits === undefined ? {} : { rlimits: spec.limits.map(rlimit) }),
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: SAFE },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      ...(isReplaced('/dev/shm', spec)
        ? []
        : [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm',
             options: [...SAFE, 'mode=1777', `size=${spec.shmSize ?? SHM_SIZE}`] }]), // biome-ignore format: one mount
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: SAFE },
      sysMount(spec, bundle),
      ...spec.files.map(fileMount),
      ...(spec.mounts ?? []).map((mount, i) => stagedMount(mount, `${stage}/${stagedPath(mount, i)}`)),
    ],
    linux: {
      namespaces: [
        ...namespaces.map((type) => ({ type })),
        ...(spec.userNamespace === undefined ? [] : [{ type: 'user', path: `${bundle}/user` }]),
      ],
      ...(spec.userNamespace === undefined ? {} : { uidMappings: ALL_IDS, gidMappings: ALL_IDS }),
      cgroupsPath,
      resources: { devices: [{ allow: false, access: 'rwm' }] },
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
      ...(seccomp === undefined ? {} : { seccomp }),
    },
  };
}

/** A user namespace may mount sysfs only with a network of its own; else it gets one that was mounted outside, with nothing below. */
function sysMount({ userNamespace, network }: RunSpec, bundle: string): object {
  const options = [...SAFE, 'ro'];
  return userNamespace === undefined || network === 'none'
    ? { destination: '/sys', type: 'sysfs', source: 'sysfs', options }
    : { destination: '/sys', type: 'bind', source: `${bundle}/sys`, options: ['bind', ...options] };
}

/** The runtime takes the size from its own terminal as soon as that changes. */
function terminalConfig({ rows, columns }: TerminalSize): object {
  return { terminal: true, consoleSize: { height: rows, width: columns } };
}

/** The `process` of a further command in a running container. */
export function runcProcess(spec: ExecSpec, granted: Granted): object {
  return {
    ...(spec.terminal === undefined ? { terminal: false } : terminalConfig(spec.terminal)),
    cwd: spec.cwd,
    ...privileges(granted),
    user: { uid: spec.user.uid, gid: spec.user.gid, additionalGids: spec.user.groups, umask: 0o22 },
    args: spec.argv,
    env: spec.env,
  };
}

/** What a container's own command was given; a further one has no more. */
export type Granted = CapabilityRequest & Pick<RunSpec, 'noNewPrivileges'>;

function privileges(granted: Granted): object {
  const capabilities = commandCapabilities(granted, { nested: false }).map((name) => `CAP_${name.toUpperCase()}`);
  return {
    // sudo and su work unless somebody does not want that.
    noNewPrivileges: granted.noNewPrivileges === true,
    capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities },
  };
}

function fileMount({ target, source }: FileMount): object {
  return { destination: text(target), type: 'bind', source, options: [...SAFE, 'bind', 'ro'] };
}

/** The flags are those that the stage has given it; the runtime takes over all but the ones it must be told. */
function stagedMount({ target, readOnly, source }: RunMount, place: string): object {
  const options = ['bind', 'nodev', readOnly ? 'ro' : 'rw'];
  if (source.kind === 'memory' || source.kind === 'tmpfs') options.push('nosuid');
  if (source.kind === 'tmpfs' && source.noExec === true) options.push('noexec');
  if (source.kind === 'memory' && (source.mode & 0o111) === 0) options.push('noexec');
  return { destination: text(target), type: 'bind', source: place, options };
}

function stagedPath(mount: RunMount, index: number): string {
  return text(stagedPlace(mount, index));
}

function rlimit({ name, soft, hard }: ResourceLimit): object {
  const value = (limit: number): number => (limit < 0 ? Number.MAX_SAFE_INTEGER : limit);
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: value(soft), hard: value(hard) };
}

/** The configuration is JSON: it can say UTF-8 only. */
function text(path: ByteString): string {
  const shown = byteStringToUtf8(path);
  if (!shown.includes('\ufffd')) return shown;
  throw new BuildError('RUN_FAILED', `cannot mount on ${shown}: its name is not UTF-8`, {
    hint: 'Use --isolation namespaces.',
  });
}
