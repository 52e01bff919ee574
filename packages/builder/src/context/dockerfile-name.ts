import { lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The name that a Dockerfile may also have: `dir/dockerfile` for `dir/Dockerfile`; undefined for other names. */
export function lowerCaseName(path: string): string | undefined {
  return basename(path) === 'Dockerfile' ? join(dirname(path), 'dockerfile') : undefined;
}

/**
 * The Dockerfile of this path, which is `dockerfile` where there is no `Dockerfile`, as with BuildKit and the docker command:
 * also for `-f dir/Dockerfile`, and never for another name. The path itself where neither exists.
 */
export function existingDockerfile(path: string): string {
  const lower = lowerCaseName(path);
  if (lower === undefined || exists(path) || !exists(lower)) return path;
  return lower;
}

/** A link that leads nowhere exists: that it does is what is wrong with it. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
