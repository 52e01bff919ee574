import { existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, relative } from 'node:path';
import { utf8ToByteString } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { RootMount } from '../disk/root-mount.ts';
import type { RunSpec } from './executor.ts';
import type { MountLine } from './fstab.ts';
import type { IdMaps } from './id-map.ts';
import type { ProcSource } from './procfs/surrounding-proc.ts';

/** Device nodes that the sandbox gets. */
export const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

const MASKED_FILES = ['proc/kcore', 'proc/keys', 'proc/latency_stats', 'proc/timer_list', 'proc/timer_stats',
  'proc/sched_debug', 'proc/interrupts'] as const; // biome-ignore format: one list
const MASKED_DIRECTORIES = ['proc/acpi', 'proc/asound', 'proc/scsi', 'sys/firmware',
  'sys/devices/virtual/powercap'] as const; // biome-ignore format: one list
const READ_ONLY = ['proc/bus', 'proc/fs', 'proc/irq', 'proc/sys', 'proc/sysrq-trigger'] as const;

/** Bytes of /dev/shm unless told otherwise, as in Docker. */
export const SHM_SIZE = 64 * 1024 * 1024;

/** Overlayfs takes no more lower directories than this (OVL_MAX_STACK). */
const MAX_LOWER = 500;
/** mount(2) takes one page of options; leave room for the rest of them. */
const MAX_OPTIONS = 4000;

/** The overlay or bind mount of a root, and the directory that its relative paths start from. */
export interface RootLine {
  readonly base: string;
  readonly line: MountLine;
}

/**
 * How the root filesystem is mounted at `target`. `nodev` is what keeps a command with CAP_MKNOD from the host's disks.
 * @throws BuildError `SANDBOX_UNAVAILABLE` for more layers than overlayfs can stack
 */
export function rootLine(root: RootMount, target: string, ids: Pick<IdMaps, 'nested'>, readOnly = false): RootLine {
  if (root.kind === 'directory') {
    const line = {
      source: utf8ToByteString(root.path),
      target: utf8ToByteString(target),
      type: 'none',
      options: `bind,nodev${readOnly ? ',ro' : ''}`,
    };
    return { base: '/', line };
  }
  if (root.lower.length > MAX_LOWER) {
    throw new BuildError(
      'SANDBOX_UNAVAILABLE',
      `the image has ${root.lower.length} layers; overlayfs takes ${MAX_LOWER}`,
      {
        hint: 'Build the base with fewer instructions, or flatten it.',
      },
    );
  }
  // Relative paths, because all of them together must fit one page.
  const base = commonDirectory([...root.lower, root.upper, root.work]);
  const name = (path: string): string => overlayName(relative(base, path));
  const lower = root.lower.map(name).toReversed().join(':');
  const options = [
    'nodev',
    `lowerdir=${lower},upperdir=${name(root.upper)},workdir=${name(root.work)}`,
    overlayFlags(ids),
    // The upper directory of a RUN does not outlive a crash, so nothing need be flushed (dpkg's fsyncs cost seconds).
    ...(root.durable !== true && kernelAtLeast(5, 10) ? ['volatile'] : []),
    ...(readOnly ? ['ro'] : []),
  ].join(',');
  if (options.length > MAX_OPTIONS) {
    throw new BuildError(
      'SANDBOX_UNAVAILABLE',
      `the paths of ${root.lower.length} layers are too long for one overlay mount`,
    );
  }
  return { base, line: { source: 'overlay', target: utf8ToByteString(target), type: 'overlay', options } };
}

/** Each of these changes what the upper directory holds, and some kernels have them on by default. */
export function overlayFlags(ids: Pick<IdMaps, 'nested'>): string {
  return ids.nested ? 'userxattr,index=off,xino=off' : 'index=off,xino=off,metacopy=off,redirect_dir=off';
}

function overlayName(path: string): string {
  if (!/[,:\\"\s]/.test(path)) return utf8ToByteString(path);
  throw new BuildError('SANDBOX_UNAVAILABLE', `overlayfs cannot be given the path ${JSON.stringify(path)}`);
}

function commonDirectory(paths: readonly string[]): string {
  let common = dirname(paths[0] ?? '/');
  while (common !== '/' && !paths.every((path) => path.startsWith(`${common}/`))) common = dirname(common);
  return common;
}

function kernelAtLeast(major: number, minor: number): boolean {
  const [a = 0, b = 0] = release().split('.').map(Number);
  return a > major || (a === major && b >= minor);
}

/** Who the sandbox is set up by, and where it finds its devices. */
export interface SandboxPlaces {
  readonly ids: IdMaps;
  /**
   * An empty directory for device nodes of the sandbox's own: root could change mode and owner of the host's through a
   * bind mount. It lies outside of the root, on the one mount that lets devices work, and each node is bound by itself, so
   * that a command can use them and make no others. Undefined in a user namespace: nobody can make nodes there, and the
   * host's cannot be changed.
   */
  readonly nodes: string | undefined;
  /** With a shared /proc, which has the masks of the container around us, /sys is shared too: the same rule keeps it. */
  readonly proc: ProcSource;
}

/**
 * What is mounted first, below `top`, an empty directory: the kernel's filesystems and an empty /dev. Nothing here is of one
 * command alone, so it may be made before the command is known.
 */
export function kernelMounts(
  top: string,
  spec: Pick<RunSpec, 'network' | 'shmSize' | 'terminal' | 'mounts'>,
  { ids, nodes, proc }: SandboxPlaces,
): readonly MountLine[] {
  const at = (path: string): string => `${utf8ToByteString(top)}/${path}`;
  const tty = ids.hasGid(5) ? ',gid=5' : '';
  const small = (target: string, options: string): MountLine => ({
    source: 'tmpfs',
    target: utf8ToByteString(target),
    type: 'tmpfs',
    options: `nosuid,noexec,mode=755,size=64k${options}`,
  });
  return [
    small(top, ',nodev'),
    ...(nodes === undefined ? [] : [small(nodes, '')]),
    // With all that is mounted below it: that cannot be left off (mount_namespaces(7), "locked mounts").
    proc === 'shared'
      ? { source: '/proc', target: at('proc'), type: 'none', options: 'rbind,nosuid,noexec,nodev,X-mount.mkdir' }
      : { source: 'proc', target: at('proc'), type: 'proc', options: 'nosuid,noexec,nodev,X-mount.mkdir' },
    {
      source: 'tmpfs',
      target: at('dev'),
      type: 'tmpfs',
      options: 'nosuid,nodev,strictatime,mode=755,size=65536k,X-mount.mkdir',
    },
    // The one that the command's own terminal is of (see terminal.ts).
    spec.terminal === undefined
      ? { source: 'devpts', target: at('dev/pts'), type: 'devpts',
          options: `nosuid,noexec,newinstance,ptmxmode=0666,mode=0620${tty},X-mount.mkdir` } // biome-ignore format: one line each
      : { source: '/dev/pts', target: at('dev/pts'), type: 'none', options: 'bind,nosuid,noexec,X-mount.mkdir' },
    ...(isReplaced('/dev/shm', spec)
      ? []
      : [{ source: 'shm', target: at('dev/shm'), type: 'tmpfs',
           options: `nosuid,noexec,nodev,mode=1777,size=${spec.shmSize ?? SHM_SIZE},X-mount.mkdir` }]), // biome-ignore format: one line each
    { source: 'mqueue', target: at('dev/mqueue'), type: 'mqueue', options: 'nosuid,noexec,nodev,X-mount.mkdir' },
    sharesSysfs(spec, ids, proc)
      ? { source: '/sys', target: at('sys'), type: 'none', options: 'rbind,ro,nosuid,nodev,noexec,X-mount.mkdir' }
      : { source: 'sysfs', target: at('sys'), type: 'sysfs', options: 'nosuid,noexec,nodev,ro,X-mount.mkdir' },
  ];
}

/** Whether a mount of the command's own takes the place of ours: one below the other would show in its list of mounts. */
export function isReplaced(path: string, { mounts = [] }: Pick<RunSpec, 'mounts'>): boolean {
  return mounts.some(({ target }) => target.replace(/\/+$/, '') === path);
}

/** A user namespace may mount sysfs only together with a network namespace of its own; else it gets the host's, bound. */
function sharesSysfs(spec: Pick<RunSpec, 'network'>, ids: IdMaps, proc: ProcSource): boolean {
  return ids.nested && (spec.network === 'host' || proc === 'shared');
}

/** What is mounted second below `top`, on files that must exist by then: devices, masks, read-only parts. */
export function coveringMounts(
  top: string,
  spec: Pick<RunSpec, 'network'>,
  { ids, nodes, proc }: SandboxPlaces,
): readonly MountLine[] {
  const device = (name: string): string => utf8ToByteString(`${nodes ?? '/dev'}/${name}`);
  const at = (path: string): string => `${utf8ToByteString(top)}/${path}`;
  const empty = (path: string): MountLine => ({
    source: 'tmpfs',
    target: at(path),
    type: 'tmpfs',
    options: 'ro,size=0k',
  });
  // Mounts below a bound /sys stay writable (CVE-2023-25809: cgroups), and cannot be unmounted: cover them.
  const below = sharesSysfs(spec, ids, proc) ? mountsBelow('/sys/') : [];
  // What the container around us covers stays so.
  const covered = new Set(proc === 'shared' ? mountsBelow('/proc/') : []);
  const isBare = (path: string): boolean => existsSync(`/${path}`) && !covered.has(path);
  return [
    ...hostDevices().map((name) => ({
      source: device(name),
      target: at(`dev/${name}`),
      type: 'none',
      options: 'bind',
    })),
    ...MASKED_FILES.filter(isBare).map((path) => ({
      source: device('null'), target: at(path), type: 'none', options: 'bind' })), // biome-ignore format: one line each
    ...MASKED_DIRECTORIES.filter(isDirectory).map(empty),
    ...below.filter(isDirectory).map(empty),
    ...READ_ONLY.filter((path) => existsSync(`/${path}`)).map((path) => ({
      source: at(path), target: at(path), type: 'none',
      options: `${proc === 'shared' ? 'rbind' : 'bind'},ro,nosuid,nodev,noexec` })), // biome-ignore format: one line each
  ];
}

/** What is mounted last: the root, into it what {@link kernelMounts} made below `top`, and the spec's files. */
export function rootMounts(root: RootLine, spec: Pick<RunSpec, 'files'>, top: string): readonly MountLine[] {
  const at = (path: string): string => `${root.line.target}/${path}`;
  return [
    root.line,
    ...['proc', 'dev', 'sys'].map((name) => ({
      source: `${utf8ToByteString(top)}/${name}`,
      target: at(name),
      type: 'none',
      options: 'rbind',
    })),
    ...spec.files.map(({ target, source }) => ({
      source: utf8ToByteString(source), target: at(target.replace(/^\/+/, '')), type: 'none',
      options: 'bind,ro,nosuid,nodev,noexec' })), // biome-ignore format: one line each
  ];
}

/** Those of {@link DEVICES} that this machine has. */
export function hostDevices(): readonly string[] {
  return DEVICES.filter((name) => existsSync(`/dev/${name}`));
}

function isDirectory(path: string): boolean {
  return statSync(`/${path}`, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The topmost mounts below a directory that ends in a slash, without the slash that they begin with. */
function mountsBelow(directory: string): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(parseInt(octal, 8)),
      ),
    )
    .filter((point) => point.startsWith(directory));
  // Only the topmost of each: what is below them is covered with them.
  const tops = [...new Set(points)].filter((point) => !points.some((other) => point.startsWith(`${other}/`)));
  return tops.map((point) => point.slice(1));
}
