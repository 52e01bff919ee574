const NOBODY = 65534;

/**
 * Runs `action` without root's power over files: as root, with the effective ids of nobody for its time; else as it is. For
 * tests of denied permissions. Nothing else may run in this process meanwhile.
 */
export async function asOrdinaryUser<T>(action: () => T | Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
