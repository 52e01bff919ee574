/** The modes that new directories and files are made with; the process's umask takes bits away from them, and adds none. */
export interface FileModes {
  readonly directory: number;
  readonly file: number;
}

/** A layout that a user writes: as with any program, the umask alone decides. */
export const USER_MODES: FileModes = { directory: 0o777, file: 0o666 };

/** A store: nobody else may write to it, whatever the umask is. Who may read is decided by the store's own directory. */
export const STORE_MODES: FileModes = { directory: 0o755, file: 0o644 };
