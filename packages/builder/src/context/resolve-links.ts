import type { ByteString } from '@tsbuild/oci';
import type { SourceEntry } from './source-tree.ts';

/** As many symlinks as one path may lead through; Linux stops at 40, image tools at 255. */
const MAX_HOPS = 255;

/**
 * Follows every symlink of a path inside the tree that `lookup` shows: absolute targets start at its root, `..` stops
 * there. Only `lookup` sees the file system, so nothing outside the tree can be reached. Undefined when something on
 * the way is missing, or in a loop.
 */
export function resolveLinks(
  path: ByteString,
  lookup: (path: ByteString) => SourceEntry | undefined,
): ByteString | undefined {
  const ahead = path.split('/').toReversed();
  let at: ByteString[] = [];
  let hops = 0;
  for (let name = ahead.pop(); name !== undefined; name = ahead.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at.pop();
      continue;
    }
    const entry = lookup([...at, name].join('/'));
    if (entry === undefined) return undefined;
    if (entry.type === 'symlink') {
      if (++hops > MAX_HOPS) return undefined;
      if (entry.linkPath.startsWith('/')) at = [];
      ahead.push(...entry.linkPath.split('/').toReversed());
    } else if (entry.type !== 'directory' && ahead.some((next) => next !== '' && next !== '.')) {
      return undefined;
    } else {
      at.push(name);
    }
  }
  return at.join('/');
}
