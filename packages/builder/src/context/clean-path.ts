import type { ByteString } from '@tsbuild/oci';

/**
 * The shortest path that says the same, by text alone, as Go's `filepath.Clean` gives it: no double slashes, no `.`,
 * no `..` behind a name, no `..` at the top of an absolute path, no slash at the end; `.` for nothing at all.
 */
export function cleanFilePath(path: ByteString): ByteString {
  const absolute = path.startsWith('/');
  const names: ByteString[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    const last = names.at(-1);
    if (name !== '..') names.push(name);
    else if (last !== undefined && last !== '..') names.pop();
    else if (!absolute) names.push(name);
  }
  const joined = names.join('/');
  if (absolute) return `/${joined}`;
  return joined === '' ? '.' : joined;
}
