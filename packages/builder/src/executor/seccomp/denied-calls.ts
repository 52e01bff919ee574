/**
 * System calls that no capability guards and no command of a build needs. The first three are keyrings, which know no namespaces
 * but those of users: root of the sandbox would get at root's. The others are the parts of the kernel that most ways out
 * have gone through. Docker's profile denies them all.
 */
export const DENIED_CALLS = [
  'add_key', 'request_key', 'keyctl', 'userfaultfd', 'perf_event_open', 'bpf', 'io_uring_setup',
] as const; // biome-ignore format: one list

/** CLONE_NEWUSER: in a user namespace of its own a command would be root again, with rights over mounts, cgroups and networks. */
export const NEW_USER_NAMESPACE = 0x10000000;

/** An architecture that a machine's kernel runs programs of. */
export interface Architecture {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  /** Which argument of clone(2) has the flags. */
  readonly cloneFlags: 0 | 1;
  readonly bigEndian: boolean;
  /** Numbers from this one up are of another calling convention (x32). */
  readonly limit?: number;
  readonly clone: number;
  readonly unshare: number;
  readonly clone3: number;
  /** In the order of {@link DENIED_CALLS}. */
  readonly denied: readonly number[];
}

const LITTLE = { cloneFlags: 0, bigEndian: false, clone3: 435 } as const;
const GENERIC = { ...LITTLE, clone: 220, unshare: 97, denied: [217, 218, 219, 282, 241, 280, 425] } as const;
const S390 = { cloneFlags: 1, bigEndian: true, clone: 120, unshare: 303, clone3: 435,
  denied: [278, 279, 280, 355, 331, 351, 425] } as const; // biome-ignore format: one list

/** By Node's name of the machine: its own architecture, and those that its kernel runs beside it. */
export const ARCHITECTURES: Readonly<Record<string, readonly Architecture[]>> = {
  x64: [
    { ...LITTLE, audit: 0xc000003e, limit: 0x40000000, clone: 56, unshare: 272,
      denied: [248, 249, 250, 323, 298, 321, 425] },
    { ...LITTLE, audit: 0x40000003, clone: 120, unshare: 310, denied: [286, 287, 288, 374, 336, 357, 425] },
  ],
  arm64: [
    { ...GENERIC, audit: 0xc00000b7 },
    { ...LITTLE, audit: 0x40000028, clone: 120, unshare: 337, denied: [309, 310, 311, 388, 364, 386, 425] },
  ],
  riscv64: [{ ...GENERIC, audit: 0xc00000f3 }],
  s390x: [{ ...S390, audit: 0x80000016 }, { ...S390, audit: 0x00000016 }],
  ppc64: [
    { ...LITTLE, audit: 0xc0000015, clone: 120, unshare: 282, denied: [269, 270, 271, 364, 319, 361, 425] },
  ],
}; // biome-ignore format: tables
