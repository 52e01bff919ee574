import { missingForChroot } from '../capabilities.ts';
import { findTool } from '../host-tools.ts';
import { readIdMaps } from '../id-map.ts';
import { isRefused } from '../procfs/surrounding-proc.ts';
import { canMakeCgroups, findRuntime } from '../runc-executor.ts';
import { installedSeccomp } from '../seccomp/seccomp-profile.ts';
import { missingForRanges } from '../subordinate-ids.ts';

/** Programs that a sandbox is made with. */
export const TOOLS = ['setpriv', 'unshare', 'mount', 'umount', 'cp', 'env'] as const;

/** What became of an attempt to make namespaces and mounts. */
export interface Trial {
  readonly namespaces: boolean;
  readonly proc: boolean;
  readonly overlay: boolean;
  /** The first complaint. */
  readonly said: string;
}

/** A way of running commands, and whether this user has it on this machine. */
export interface MachineMode {
  readonly name: 'root, runc' | 'root, util-linux' | 'root, chroot' | 'user, subordinate ids' | 'user, single id';
  readonly works: boolean;
  /** What it lacks beside BuildKit when it works, or why it does not. */
  readonly lacks: readonly string[];
}

/** Those of root. `filter` says why there is no seccomp filter. */
export function rootModes(tried: Trial, filter: readonly string[]): readonly MachineMode[] {
  const basic = reasons(tried);
  const found = findRuntime();
  const runc = [
    ...basic,
    ...(found === undefined ? ['neither runc nor crun is installed'] : []),
    ...(canMakeCgroups() ? [] : ['cgroups cannot be made']),
    ...(readIdMaps().nested ? ['this is a user namespace'] : []),
  ];
  const seccomp = installedSeccomp() === undefined ? ['a whole seccomp profile: none is installed'] : [];
  return [
    { name: 'root, runc', works: runc.length === 0, lacks: runc.length === 0 ? seccomp : runc },
    {
      name: 'root, util-linux',
      works: basic.length === 0,
      lacks:
        basic.length === 0 ? [...filter, ...sharedProc(tried), 'a device cgroup (mounts are nodev instead)'] : basic,
    },
    chrootMode(),
  ];
}

/** Those of an ordinary user. */
export function userModes(tried: Trial, filter: readonly string[]): readonly MachineMode[] {
  const basic = reasons(tried);
  const lacking = missingForRanges();
  const common = [...filter, ...sharedProc(tried), 'device nodes by mknod', 'a network of its own but none'];
  const ids = [...basic, ...(lacking === undefined ? [] : [lacking])];
  return [
    { name: 'user, subordinate ids', works: ids.length === 0, lacks: ids.length === 0 ? common : ids },
    {
      name: 'user, single id',
      works: basic.length === 0,
      lacks: basic.length === 0 ? [...common, 'files of other owners, so apt-get, su and chown fail'] : basic,
    },
  ];
}

function reasons(tried: Trial): readonly string[] {
  const missing = TOOLS.filter((name) => findTool(name) === undefined);
  if (missing.length > 0) return [`programs are missing: ${missing.join(', ')}`];
  if (!tried.namespaces) return [`namespaces cannot be made: ${tried.said}`];
  return tried.proc || sharesProc(tried) ? [] : ['a fresh /proc cannot be mounted'];
}

/** Whether RUN gets the /proc around it, because the kernel refuses another one (see `procSource`). */
export function sharesProc(tried: Trial): boolean {
  return tried.namespaces && !tried.proc && isRefused(tried.said);
}

function sharedProc(tried: Trial): readonly string[] {
  return sharesProc(tried) ? ['a /proc of its own: it sees the processes of this container'] : [];
}

function chrootMode(): MachineMode {
  const missing = ['setpriv', 'nsenter'].filter((name) => findTool(name) === undefined);
  const rights = missingForChroot();
  return {
    name: 'root, chroot',
    works: missing.length + rights.length === 0,
    lacks: [
      ...missing.map((name) => `the program ${name}`),
      ...rights,
      ...(missing.length + rights.length === 0 ? ['any sandbox: it is used only with --isolation chroot'] : []),
    ],
  };
}
