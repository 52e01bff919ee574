/**
 * Where the programs of this machine are looked for that work on its files and namespaces: the system's own directories, with
 * those of NixOS. Never what `PATH` says: `npx` puts directories of packages into it, and none of them must be able to
 * stand in for `mount` or `setfattr`.
 */
export const SYSTEM_DIRECTORIES: readonly string[] = [
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/run/wrappers/bin',
  '/run/current-system/sw/bin',
];

/** The same as `PATH`. */
export const SYSTEM_PATH = SYSTEM_DIRECTORIES.join(':');

/** The environment of such a program: its messages are read by this one, so they are in English. */
export const PROGRAM_ENVIRONMENT = { PATH: SYSTEM_PATH, LC_ALL: 'C' } as const;
