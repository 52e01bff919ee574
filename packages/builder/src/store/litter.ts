import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type StoreFinding, isAbandoned, temporaryOwner } from '@tsbuild/oci/internal';
import { isAbandonedScratch } from '../disk/scratch-space.ts';
import { depthOfTemporaries, STORE_DIRECTORIES, storePath } from '../disk/store-paths.ts';

/** What is needed to take litter away. */
export interface LitterTools {
  /** Removes a file or a whole tree. */
  remove(path: string): Promise<void>;
}

/** What is said of a file of a process that has ended, or of which nothing was seen for long. */
const LEFT_BY = {
  gone: 'left by a process that has ended',
  unknown: 'left by a process that cannot be seen from here, more than an hour ago',
  running: 'being written',
} as const;

/** What processes left that were killed: their temporary files, and root filesystems of commands. Never what a living one has. */
export function findLitter(root: string, tools: LitterTools): readonly StoreFinding[] {
  const found: StoreFinding[] = [];
  const add = (path: string, message: string): void => {
    const repair = { done: 'removed', run: () => tools.remove(join(root, path)) };
    found.push({ severity: 'litter', kind: 'temporary', path, message, repair });
  };
  const look = (folder: string, depth: number): void => {
    for (const entry of entriesOf(join(root, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const owner = temporaryOwner(entry.name);
      const age = (): number =>
        Date.now() - (lstatSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (owner !== undefined && isAbandoned(owner, age)) add(path, LEFT_BY[owner]);
      else if (depth > 0 && entry.isDirectory()) look(path, depth - 1);
    }
  };
  look('', 0);
  for (const directory of STORE_DIRECTORIES) {
    const depth = depthOfTemporaries(directory);
    if (depth !== undefined) look(directory, depth);
  }
  for (const { name } of entriesOf(storePath(root, 'mounts'))) {
    const path = storePath('', 'mounts', name);
    if (isAbandonedScratch(name, join(root, path))) add(path, 'the root filesystem of a command that was killed');
  }
  return found;
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
