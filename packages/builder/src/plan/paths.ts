/** A path made absolute and lexically clean, as Go's `path.Clean` does it: no `.`, `..` or doubled slashes; `/` at least. */
export function cleanAbsolute(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** `path` as seen from `directory`: absolute paths stay, relative ones are joined; the result is clean. */
export function resolveFrom(directory: string, path: string): string {
  return cleanAbsolute(path.startsWith('/') ? path : `${directory}/${path}`);
}
