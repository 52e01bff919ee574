import { join } from 'node:path';

/** The modes that new directories and files are made with; the process's umask takes bits away from them, and adds none. */
export interface FileModes {
  readonly directory: number;
  readonly file: number;
}

/** A layout that a user writes: as with any program, the umask alone decides. */
export const USER_MODES: FileModes = { directory: 0o777, file: 0o666 };

/** A store: nobody else may write to it, whatever the umask is. Who may read is decided by the store's own directory. */
export const STORE_MODES: FileModes = { directory: 0o755, file: 0o644 };

/**
 * The names of what is directly in a layout: those of the specification (image-layout.md), and what this package keeps
 * beside. They are written nowhere else but in archives, which hold a layout too.
 */
export const LAYOUT_NAMES = {
  marker: 'oci-layout',
  index: 'index.json',
  blobs: 'blobs',
  /** Locks that break this one have more behind it: `index.json.lock.<claim>`. */
  lock: 'index.json.lock',
  version: 'store-version',
  temporary: 'tmp',
  leases: 'leases',
  indexes: 'indexes',
  reserve: 'reserve',
  /** Blobs whose content is not what their name says: somebody may want to save what is left of them. */
  setAside: 'damaged',
  /** Says that the owner of a store shares it: the mode of the store's directory is left as it is. */
  shared: 'shared',
} as const;

/** Where the parts of a layout are. */
export interface LayoutPaths extends Readonly<Record<keyof typeof LAYOUT_NAMES, string>> {
  readonly root: string;
  readonly modes: FileModes;
}

/** The paths of a layout at `root`. */
export function layoutPaths(root: string, modes: FileModes = USER_MODES): LayoutPaths {
  const at = (name: keyof typeof LAYOUT_NAMES): string => join(root, LAYOUT_NAMES[name]);
  return {
    root,
    modes,
    marker: at('marker'),
    index: at('index'),
    blobs: at('blobs'),
    lock: at('lock'),
    version: at('version'),
    temporary: at('temporary'),
    leases: at('leases'),
    indexes: at('indexes'),
    reserve: at('reserve'),
    setAside: at('setAside'),
    shared: at('shared'),
  };
}
