import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { SYSTEM_DIRECTORIES } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';

const found = new Map<string, string | undefined>();

/**
 * Absolute path of a program of this machine, or undefined. The system's own folders go first, and folders of
 * `node_modules` never count: `npx` puts them into `PATH`, and a package must not be able to stand in for `mount`.
 */
export function findTool(name: string): string | undefined {
  if (found.has(name)) return found.get(name);
  const extra = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((p) => isAbsolute(p) && !p.includes('node_modules'));
  const path = [...SYSTEM_DIRECTORIES, ...extra].map((directory) => join(directory, name)).find(isExecutable);
  found.set(name, path);
  return path;
}

/**
 * As {@link findTool}, for programs that there is no way without.
 * @throws BuildError `SANDBOX_UNAVAILABLE`
 */
export function requireTool(name: string, packageName = 'util-linux'): string {
  const path = findTool(name);
  if (path !== undefined) return path;
  throw new BuildError('SANDBOX_UNAVAILABLE', `cannot run commands: the program ${name} is not on this machine`, {
    hint: `Install the package ${packageName} (Alpine: apk add util-linux util-linux-misc setpriv mount).`,
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
