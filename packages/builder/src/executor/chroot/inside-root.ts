import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BuildError } from '../../diagnostics/build-error.ts';

/** Linux follows as many links in one path. */
const MOST_LINKS = 40;

/** Where the directory `path` of a root lies outside of it, its links followed inside; undefined when there is none. */
export function findInside(root: string, path: string): string | undefined {
  let at: readonly string[] = [];
  const left = path.split('/').toReversed();
  for (let links = 0; left.length > 0; ) {
    const name = left.pop() ?? '';
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = at.slice(0, -1);
      continue;
    }
    const next = join(root, ...at, name);
    const stat = lstatSync(next, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() === true) {
      if (++links > MOST_LINKS) return undefined;
      const target = readlinkSync(next);
      if (target.startsWith('/')) at = [];
      left.push(...target.split('/').toReversed());
    } else if (stat?.isDirectory() === true) at = [...at, name];
    else return undefined;
  }
  return join(root, ...at);
}

/**
 * The image's own `env`, by its path inside: it sets what programs of the host must not see.
 * @throws BuildError `RUN_FAILED` where the image has none
 */
export function imageEnv(root: string, unsafe: readonly string[]): string {
  for (const path of ['/usr/bin/env', '/bin/env']) {
    const directory = findInside(root, path.slice(0, -'/env'.length));
    if (directory !== undefined && lstatSync(join(directory, 'env'), { throwIfNoEntry: false }) !== undefined)
      return path;
  }
  const names = unsafe.map((entry) => entry.slice(0, entry.indexOf('='))).join(' ');
  throw new BuildError('SANDBOX_UNAVAILABLE', `${names} cannot be set: the image has no /usr/bin/env`);
}
