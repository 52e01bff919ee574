import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import type { BuildOptions } from './build-options.ts';
import { existingDockerfile } from '../context/dockerfile-name.ts';
import type { SourceFile } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';

/** BuildKit reads no more either; a Dockerfile of this size is something else. Bytes. */
export const DOCKERFILE_LIMIT = 16 * 1024 * 1024;

/**
 * Reads the Dockerfile that the options name, or `Dockerfile` in the context. Fifos and devices are refused rather than waited for;
 * so is a Dockerfile of the context that is a link out of it (CVE-2026-44517): errors repeat lines of what is read.
 * @throws BuildError `DOCKERFILE_NOT_FOUND`
 */
export async function readDockerfile(
  options: Pick<BuildOptions, 'dockerfile' | 'dockerfileName'> & { readonly context: string },
): Promise<SourceFile> {
  const actual = existingDockerfile(options.dockerfile ?? join(options.context, 'Dockerfile'));
  const name = options.dockerfileName ?? (options.dockerfile === undefined ? basename(actual) : actual);
  let file: number;
  try {
    const real = realpathSync.native(actual);
    if (isBelow(options.context, actual) && !isBelow(realpathSync.native(options.context), real))
      throw leadsOut(actual);
    file = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw error instanceof BuildError ? error : notReadable(actual, error);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new BuildError('DOCKERFILE_NOT_FOUND', `${actual} is not a regular file`);
    if (stat.size > DOCKERFILE_LIMIT) {
      throw new BuildError('DOCKERFILE_INVALID', `${actual} is too large for a Dockerfile (${stat.size} bytes)`);
    }
    return { name, text: readFileSync(file, 'utf8') };
  } finally {
    closeSync(file);
  }
}

function isBelow(directory: string, path: string): boolean {
  const way = relative(resolve(directory), resolve(path));
  return way !== '..' && !way.startsWith(`..${sep}`);
}

function leadsOut(path: string): BuildError {
  return new BuildError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: ${path} is a link out of the context`, {
    hint: 'name the file itself with -f, if you trust it',
  });
}

function notReadable(path: string, error: unknown): BuildError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new BuildError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: ${path}: no such file`, {
      hint: 'name another file with -f, or another context directory',
      cause: error,
    });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new BuildError('DOCKERFILE_NOT_FOUND', `failed to read dockerfile: ${reason}`, { cause: error });
}
