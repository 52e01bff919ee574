import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { CAPABILITIES } from '../capabilities.ts';
import { DENIED_CALLS, NEW_USER_NAMESPACE } from './denied-calls.ts';

/** Where the distributions' packages put Docker's profile. */
const PROFILE = '/usr/share/containers/seccomp.json';

/** Names of architectures: Node's, the profile's, libseccomp's. */
const ARCHITECTURES: Readonly<Record<string, readonly [string, string]>> = {
  x64: ['amd64', 'SCMP_ARCH_X86_64'],
  arm64: ['arm64', 'SCMP_ARCH_AARCH64'],
  arm: ['arm', 'SCMP_ARCH_ARM'],
  s390x: ['s390x', 'SCMP_ARCH_S390X'],
  ppc64: ['ppc64le', 'SCMP_ARCH_PPC64LE'],
  riscv64: ['riscv64', 'SCMP_ARCH_RISCV64'],
};

interface Conditions {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
}

interface ProfileRule {
  readonly names?: readonly string[];
  readonly name?: string;
  readonly action: string;
  readonly args?: readonly unknown[];
  readonly errnoRet?: number;
  readonly includes?: Conditions;
  readonly excludes?: Conditions;
}

/** A profile in the form that Docker and Podman share (moby profiles/seccomp). */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures: readonly string[] | null }[];
  readonly syscalls: readonly ProfileRule[];
}

/** The filter of this machine for the runtime's configuration; undefined when no profile is installed. */
export function installedSeccomp(): object | undefined {
  let text: string;
  try {
    text = readFileSync(PROFILE, 'utf8');
  } catch {
    return undefined; // Not installed.
  }
  return resolveSeccomp(JSON.parse(text) as SeccompProfile, arch());
}

/** The filter for the runtime's configuration: the installed profile's, else the short list that commands without a runtime get. */
export function runtimeSeccomp(): object | undefined {
  return installedSeccomp() ?? deniedCalls(arch());
}

/** The same as `filterProgram()`, for a runtime. */
function deniedCalls(architecture: string): object | undefined {
  const [, native] = ARCHITECTURES[architecture] ?? [];
  if (native === undefined) return undefined;
  const denied = { action: 'SCMP_ACT_ERRNO', errnoRet: 1 };
  const newUser = (index: number): object => ({
    index,
    value: NEW_USER_NAMESPACE,
    valueTwo: NEW_USER_NAMESPACE,
    op: 'SCMP_CMP_MASKED_EQ',
  });
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: [native, ...(OTHER_ARCHITECTURES[native] ?? [])],
    syscalls: [
      { names: DENIED_CALLS, ...denied },
      { names: ['unshare'], ...denied, args: [newUser(0)] },
      { names: ['clone'], ...denied, args: [newUser(flagsOfClone(architecture))] },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}

/** What the same kernel runs beside its own; a call of any other architecture ends its program. */
const OTHER_ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  SCMP_ARCH_X86_64: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  SCMP_ARCH_AARCH64: ['SCMP_ARCH_ARM'],
  SCMP_ARCH_S390X: ['SCMP_ARCH_S390'],
};

/**
 * Calls by which namespaces and mounts are made. Podman's profile allows them, for containers in containers; Docker's
 * does not without CAP_SYS_ADMIN, and nothing that runs in a build needs them.
 */
const NAMESPACE_CALLS = new Set(['clone', 'clone3', 'unshare', 'setns', 'mount', 'umount', 'umount2', 'pivot_root', 'fsopen',
  'fsconfig', 'fsmount', 'fspick', 'move_mount', 'open_tree', 'mount_setattr']); // biome-ignore format: one list
/** Keyrings know no namespaces but those of users: root of the sandbox would get at root's. Docker's profile denies them. */
const KEYRING_CALLS = new Set(['keyctl', 'add_key', 'request_key']);
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACE_FLAGS = 0x7e020000;
const ENOSYS = 38;

function flagsOfClone(architecture: string): number {
  return architecture === 's390x' ? 1 : 0;
}

/** `clone` as long as it makes no namespace; no `clone3`, whose flags a filter cannot see, so that libc falls back. */
function cloneRules(architecture: string): readonly object[] {
  const noFlags = {
    index: flagsOfClone(architecture),
    value: NEW_NAMESPACE_FLAGS,
    valueTwo: 0,
    op: 'SCMP_CMP_MASKED_EQ',
  };
  return [
    { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [noFlags] },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
  ];
}

/**
 * Resolves a profile's conditions for one architecture and our capabilities into runtime-spec config-linux.md,
 * "Seccomp". Conditions on the kernel's version only ever ask for kernels older than any that can do overlay in a user
 * namespace, so they hold.
 */
export function resolveSeccomp(profile: SeccompProfile, architecture: string): object | undefined {
  const [name, native] = ARCHITECTURES[architecture] ?? [];
  if (name === undefined || native === undefined) return undefined;
  const caps = new Set(CAPABILITIES.map((capability) => `CAP_${capability.toUpperCase()}`));
  const applies = ({ includes, excludes }: ProfileRule): boolean =>
    (includes?.arches?.includes(name) ?? true) &&
    !(excludes?.arches?.includes(name) ?? false) &&
    (includes?.caps ?? []).every((capability) => caps.has(capability)) &&
    !(excludes?.caps ?? []).some((capability) => caps.has(capability));
  const subArchitectures = profile.archMap?.find(({ architecture: each }) => each === native)?.subArchitectures ?? [];
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet ?? 1,
    architectures: [native, ...subArchitectures],
    syscalls: [
      ...profile.syscalls.filter(applies).flatMap(({ names, name: single = '', action, args, errnoRet }) => {
        const kept = (names ?? [single]).filter(
          (each) => !NAMESPACE_CALLS.has(each) && !(action === 'SCMP_ACT_ALLOW' && KEYRING_CALLS.has(each)),
        );
        if (kept.length === 0) return [];
        const condition = args === undefined || args === null ? {} : { args };
        return [{ names: kept, action, ...condition, ...(errnoRet === undefined ? {} : { errnoRet }) }];
      }),
      ...cloneRules(architecture),
    ],
  };
}
