import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BuildOptions } from './build-options.ts';
import type { SourceFile } from './dockerfile/source-file.ts';
import { BuildError } from './errors.ts';

/** BuildKit reads no more either; a Dockerfile of this size is something else. */
const LIMIT = 16 * 1024 * 1024;

/**
 * Reads the Dockerfile that the options name, or `Dockerfile` in the context. Fifos and devices are refused rather than waited for.
 * @throws BuildError `DOCKERFILE_NOT_FOUND`
 */
export function readDockerfile(options: Pick<BuildOptions, 'context' | 'dockerfile' | 'dockerfileName'>): SourceFile {
  const actual = options.dockerfile ?? join(options.context, 'Dockerfile');
  const name = options.dockerfileName ?? options.dockerfile ?? 'Dockerfile';
  let file: number;
  try {
    file = openSync(actual, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw notReadable(actual, error);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw new BuildError('DOCKERFILE_NOT_FOUND', `${actual} is not a regular file`);
    if (stat.size > LIMIT) {
      throw new BuildError('DOCKERFILE_INVALID', `${actual} is too large for a Dockerfile (${stat.size} bytes)`);
    }
    return { name, text: readFileSync(file, 'utf8') };
  } finally {
    closeSync(file);
  }
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
