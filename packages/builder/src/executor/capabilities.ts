/** The capabilities that a command as root keeps: Docker's default set. All others leave the bounding set. */
export const CAPABILITIES = [
  'chown', 'dac_override', 'fsetid', 'fowner', 'mknod', 'net_raw', 'setgid', 'setuid', 'setfcap', 'setpcap',
  'net_bind_service', 'sys_chroot', 'kill', 'audit_write',
] as const; // biome-ignore format: one list
