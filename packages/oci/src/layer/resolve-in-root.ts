import type { ByteString } from '../spec/byte-string.ts';
import { joinPath, parentPath } from './layer-path.ts';

/** Symlinks that may be followed for one path; more are taken for a loop (as containerd's continuity does). */
export const MAX_SYMLINKS = 255;

/** What resolving needs to know of an entry. */
export interface Resolvable {
  readonly type: string;
  readonly linkPath: ByteString;
}

/** Where a path leads: `exists` is false when its last components are not there. */
export interface Resolution {
  readonly path: ByteString;
  readonly exists: boolean;
}

/**
 * Follows every symlink of `path` as a process would whose root directory this is: absolute targets start at the root,
 * `..` stops at it. Components that are missing are kept as written. Undefined after more than {@link MAX_SYMLINKS}.
 */
export function resolveInRoot(
  path: ByteString,
  lookup: (path: ByteString) => Resolvable | undefined,
): Resolution | undefined {
  const pending = path.split('/').toReversed();
  let at: ByteString = '';
  let exists = true;
  let followed = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = parentPath(at);
      exists ||= lookup(at) !== undefined;
      continue;
    }
    const next: ByteString = joinPath(at, name);
    const entry: Resolvable | undefined = exists ? lookup(next) : undefined;
    if (entry?.type === 'symlink') {
      followed++;
      if (followed > MAX_SYMLINKS) return undefined;
      if (entry.linkPath.startsWith('/')) at = '';
      pending.push(...entry.linkPath.split('/').toReversed());
    } else {
      at = next;
      exists = entry !== undefined;
    }
  }
  return { path: at, exists };
}
