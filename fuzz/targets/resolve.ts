import { isCleanPath, joinPath, parentPath } from '../../packages/oci/src/layer/layer-path.ts';
import { MAX_SYMLINKS, resolveInRoot } from '../../packages/oci/src/layer/resolve-in-root.ts';
import type { Resolvable } from '../../packages/oci/src/layer/resolve-in-root.ts';
import { Data, dataSeeds } from '../data.ts';
import { mutateBytes } from '../mutate/bytes.ts';
import { mustHold, pureTarget } from '../target.ts';

const NAMES = ['a', 'b', 'c', '\xff', '...'];
const PARTS = [...NAMES, '..', '.', '', '..', '/'];

/** A tree with symlinks in it, made of bytes; every parent is a directory. */
export function treeOf(data: Data): ReadonlyMap<string, Resolvable> {
  const tree = new Map<string, Resolvable>([['', { type: 'directory', linkPath: '' }]]);
  for (let left = data.below(20); left > 0 && !data.ended; left--) {
    const directories = [...tree].filter(([, { type }]) => type === 'directory').map(([path]) => path);
    const path = joinPath(data.pick(directories), data.pick(NAMES));
    const type = data.pick(['directory', 'directory', 'symlink', 'symlink', 'file']);
    if (!tree.has(path)) tree.set(path, { type, linkPath: type === 'symlink' ? pathOf(data) || 'a' : '' });
  }
  return tree;
}

export function pathOf(data: Data): string {
  const parts = Array.from({ length: 1 + data.below(7) }, () => data.pick(PARTS));
  return `${data.below(3) === 0 ? '/' : ''}${parts.join('/')}`;
}

/** The obvious way, by recursion: where the kernel would go with this root; undefined for a loop or what is missing. */
export function walked(path: string, tree: ReadonlyMap<string, Resolvable>): string | undefined {
  let hops = 0;
  const walk = (start: string, text: string): string | undefined => {
    let at: string | undefined = text.startsWith('/') ? '' : start;
    for (const part of text.split('/')) {
      if (at === undefined || tree.get(at)?.type !== 'directory') return undefined;
      if (part === '' || part === '.') continue;
      const next: string = part === '..' ? parentPath(at) : joinPath(at, part);
      const entry = tree.get(next);
      if (entry === undefined) return undefined;
      if (entry.type !== 'symlink') at = next;
      else if (++hops > MAX_SYMLINKS) return undefined;
      else at = walk(at, entry.linkPath);
    }
    return at;
  };
  return walk('', path);
}

/** Resolving inside a root: never out of it, and where the kernel goes, this goes. */
export const inRoot = pureTarget('resolve-in-root', {
  seeds: () => dataSeeds(60, 120),
  mutate: mutateBytes,
  run: (input) => {
    const data = new Data(input);
    const tree = treeOf(data);
    const path = pathOf(data);
    const found = resolveInRoot(path, (at) => tree.get(at));
    mustHold(
      found === undefined || found.path === '' || isCleanPath(found.path),
      'the path leads out, or is not clean',
    );
    const expected = walked(path, tree);
    if (expected === undefined) return `${found?.exists}`;
    mustHold(
      found?.exists === true && found.path === expected,
      `${path} is ${found?.path}, the kernel says ${expected}`,
    );
    return `there ${expected.length}`;
  },
});
