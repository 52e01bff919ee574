import { join } from 'node:path';
import { LAYOUT_NAMES, temporaryOwner } from '@tsbuild/oci/internal';

/**
 * The directories of a store beside those of an image layout (`LAYOUT_NAMES`), in the words of docs/store.md. Their names are
 * written here and nowhere else; how deep below each of them temporary files are made is what looking for litter goes by.
 * Contents of blobs, layers, caches, containers and volumes are not looked into.
 */
const DIRECTORIES = {
  /** What each step made, by its key, and listings of what it read. */
  records: { temporaries: 1 },
  /** `RUN --mount=type=cache`. */
  'cache-mounts': { temporaries: 1 },
  /** Unpacked layers. */
  snapshots: { temporaries: undefined },
  /** What is known of images and layers in registries. */
  remotes: { temporaries: 1 },
  /** What ADD knows of URLs and repositories. */
  sources: { temporaries: 1 },
  /** The digests of the files of contexts. */
  stat: { temporaries: 0 },
  /** The last builds. */
  builds: { temporaries: 1 },
  /** What steps were like before, for the explanation of a miss. */
  explain: { temporaries: 1 },
  /** What the checks of layers found. */
  checks: { temporaries: 1 },
  /** The packages of layers and images. */
  packages: { temporaries: 1 },
  /** Root filesystems of commands that run. */
  mounts: { temporaries: undefined },
  /** What every sandbox of the store uses. */
  sandbox: { temporaries: 1 },
  containers: { temporaries: 1 },
  /** Links that say whose a name is. */
  'container-names': { temporaries: undefined },
  volumes: { temporaries: 1 },
  /** Blobs and whole trees on their way. */
  [LAYOUT_NAMES.temporary]: { temporaries: 0 },
  /** The indexes of layers. */
  [LAYOUT_NAMES.indexes]: { temporaries: 1 },
} as const satisfies Readonly<Record<string, { readonly temporaries: number | undefined }>>;

/** A directory of a store, by its role, which is its name. */
export type StoreDirectory = keyof typeof DIRECTORIES;

/** All of them. */
export const STORE_DIRECTORIES = Object.keys(DIRECTORIES) as readonly StoreDirectory[];

/** The path of something in a directory of the store at `root`. */
export function storePath(root: string, directory: StoreDirectory, ...names: readonly string[]): string {
  return join(root, directory, ...names);
}

/** How deep below a directory temporary files are made; undefined where none are. */
export function depthOfTemporaries(directory: StoreDirectory): number | undefined {
  return DIRECTORIES[directory].temporaries;
}

/** Whether something directly in a store belongs to it by its name. */
export function isStoreName(name: string): boolean {
  const known: readonly string[] = [...Object.values(LAYOUT_NAMES), ...STORE_DIRECTORIES];
  // A file that a repair has put away, the lock on a lock, a file that is being written.
  return (
    known.includes(name.replace(/\.damaged$|(?<=\.lock)\.[0-9a-f]{16}$/, '')) || temporaryOwner(name) !== undefined
  );
}
