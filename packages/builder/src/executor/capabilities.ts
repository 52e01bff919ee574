import { readFileSync } from 'node:fs';
import type { RunSpec } from './executor.ts';

/** Docker's default set: what a command as root keeps at most, unless it is told otherwise. All others leave the bounding set. */
export const CAPABILITIES = [
  'chown', 'dac_override', 'fsetid', 'fowner', 'mknod', 'net_raw', 'setgid', 'setuid', 'setfcap', 'setpcap',
  'net_bind_service', 'sys_chroot', 'kill', 'audit_write',
] as const; // biome-ignore format: one list

/** The part of a {@link RunSpec} that its capabilities follow from. */
export type CapabilityRequest = Pick<RunSpec, 'network' | 'capabilities'>;

/**
 * What a command has. On the host's own network CAP_NET_RAW would let it read what all other processes of the machine
 * send, and send in their name; in a user namespace the capability counts for nothing there, and programs that bear it
 * in their file (`ping`) can be started.
 */
export function commandCapabilities(
  { network, capabilities }: CapabilityRequest,
  ids: { readonly nested: boolean },
): readonly string[] {
  if (capabilities !== undefined) return capabilities;
  return network === 'host' && !ids.nested ? CAPABILITIES.filter((name) => name !== 'net_raw') : CAPABILITIES;
}

/** Whether this process has a capability in effect, by its number (linux/capability.h). */
export function hasCapability(number: bigint): boolean {
  return isIn('CapEff', number);
}

/** Whether a program that is setuid root, or bears the capability, gets it in this process. */
export function boundsCapability(number: bigint): boolean {
  return isIn('CapBnd', number);
}

function isIn(set: 'CapEff' | 'CapBnd', number: bigint): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const bits = new RegExp(`^${set}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${bits}`) >> number) & 1n) === 1n;
}

const FOR_CHROOT = [
  ['CAP_SYS_CHROOT', 18n],
  ['CAP_SETPCAP', 8n],
] as const;

/** The capabilities that `--isolation chroot` lacks in this process. */
export function missingForChroot(): readonly string[] {
  return FOR_CHROOT.filter(([, number]) => !hasCapability(number)).map(([name]) => name);
}
