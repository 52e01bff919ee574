import { arch } from 'node:os';

/** keyctl(2), which libc has no function for. */
const KEYCTL: Readonly<Record<string, number>> = {
  x64: 250,
  arm64: 219,
  riscv64: 219,
  arm: 311,
  ia32: 288,
  s390x: 280,
  ppc64: 271,
};
const KEYCTL_JOIN_SESSION_KEYRING = 1;

let left = false;

/**
 * Gives this process, and with it every command, a session keyring of its own. The kernel hands keyrings on to children
 * whatever namespaces they are in: a command could read the keys that its caller's login keeps there (Kerberos tickets,
 * keys of encrypted disks). Call it on the main thread, from which commands are started. Where koffi or the call is
 * missing nothing is done; runc makes a keyring of its own in any case.
 */
export async function leaveSessionKeyring(): Promise<void> {
  const number = KEYCTL[arch()];
  if (left || number === undefined || process.platform !== 'linux') return;
  left = true;
  try {
    const { default: koffi } = await import('koffi');
    const call = koffi
      .load(null)
      .func('long syscall(long number, long operation, size_t name, long a, long b, long c)');
    call(number, KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
  } catch {
    // No koffi: `tsbuild doctor` tells.
  }
}

/** Whether system calls can be made from here, as a fact for `tsbuild doctor`. */
export async function nativeCalls(): Promise<{ name: string; state: 'ok' | 'note'; detail: string; hint?: string }> {
  try {
    await import('koffi');
    return { name: 'koffi', state: 'ok', detail: 'extended attributes, exact times and keyrings by system calls' };
  } catch {
    return {
      name: 'koffi',
      state: 'note',
      detail:
        'not installed: extended attributes by other programs, and RUN without runc has no seccomp filter and sees your keyrings',
      hint: 'install tsbuild with its optional dependencies',
    };
  }
}
