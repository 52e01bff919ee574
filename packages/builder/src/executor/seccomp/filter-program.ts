import { constants } from 'node:os';
import type { Architecture } from './denied-calls.ts';
import { NEW_USER_NAMESPACE } from './denied-calls.ts';

/** One instruction of a filter, `struct sock_filter` of linux/filter.h. */
export interface FilterInstruction {
  readonly code: number;
  readonly jumpTrue: number;
  readonly jumpFalse: number;
  readonly k: number;
}

/* linux/bpf_common.h: a word of the data is loaded, compared and returned on. */
const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;
/* linux/seccomp.h */
const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
/* struct seccomp_data */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const argumentAt = (index: number): number => 16 + 8 * index;

const refuse = (error: number): FilterInstruction => answer(ERRNO | error);
const DENY = refuse(constants.errno.EPERM);
const UNKNOWN = refuse(constants.errno.ENOSYS);

/**
 * A filter that allows every call but those of {@link Architecture.denied}, and clone and unshare with CLONE_NEWUSER. The
 * flags of `clone3` lie in memory, where a filter cannot look: it does not exist, and C libraries fall back to `clone`.
 * Programs of other architectures than these have no calls at all: the same call has another number there.
 */
export function filterProgram(architectures: readonly Architecture[]): readonly FilterInstruction[] {
  const blocks = architectures.flatMap((architecture) => {
    const block = blockOf(architecture);
    return [
      load(ARCHITECTURE_AT),
      { code: JUMP_EQUAL, jumpTrue: 0, jumpFalse: block.length, k: architecture.audit },
      ...block,
    ];
  });
  return [...blocks, UNKNOWN];
}

/** The program as the kernel takes it, in this machine's byte order. */
export function encodeFilter(program: readonly FilterInstruction[], bigEndian: boolean): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [i, { code, jumpTrue, jumpFalse, k }] of program.entries()) {
    if (bigEndian) bytes.writeUInt16BE(code, i * 8);
    else bytes.writeUInt16LE(code, i * 8);
    bytes.set([jumpTrue, jumpFalse], i * 8 + 2);
    if (bigEndian) bytes.writeUInt32BE(k, i * 8 + 4);
    else bytes.writeUInt32LE(k, i * 8 + 4);
  }
  return bytes;
}

function blockOf(architecture: Architecture): readonly FilterInstruction[] {
  const { limit, clone, clone3, unshare, denied, cloneFlags } = architecture;
  return [
    load(NUMBER_AT),
    ...(limit === undefined ? [] : unless(JUMP_AT_LEAST, limit, [UNKNOWN])),
    ...unless(JUMP_EQUAL, clone3, [UNKNOWN]),
    ...denied.flatMap((number) => unless(JUMP_EQUAL, number, [DENY])),
    ...unless(JUMP_EQUAL, unshare, withoutNewUser(architecture, 0)),
    ...unless(JUMP_EQUAL, clone, withoutNewUser(architecture, cloneFlags)),
    answer(ALLOW),
  ];
}

/** `steps`, which end in an answer, if the comparison holds. */
function unless(code: number, k: number, steps: readonly FilterInstruction[]): readonly FilterInstruction[] {
  return [{ code, jumpTrue: 0, jumpFalse: steps.length, k }, ...steps];
}

/** Looks at the lower half of an argument: the flag is there. */
function withoutNewUser({ bigEndian }: Architecture, index: number): readonly FilterInstruction[] {
  const flags = load(argumentAt(index) + (bigEndian ? 4 : 0));
  return [flags, ...unless(JUMP_ANY_BIT, NEW_USER_NAMESPACE, [DENY]), answer(ALLOW)];
}

function load(at: number): FilterInstruction {
  return { code: LOAD, jumpTrue: 0, jumpFalse: 0, k: at };
}

function answer(k: number): FilterInstruction {
  return { code: RETURN, jumpTrue: 0, jumpFalse: 0, k };
}
