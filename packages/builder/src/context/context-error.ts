import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';
import { BuildError } from '../diagnostics/build-error.ts';

/** What to tell when a path of the context cannot be looked at or read. */
export function contextError(path: ByteString, error: unknown): BuildError {
  const name = contextName(path);
  switch (errorCode(error)) {
    case 'ENOENT':
      return fileChanged(path, 'vanished from the build context during the build', error);
    case 'ENOTDIR':
    case 'ELOOP':
    case 'EINVAL':
    case 'ENXIO':
      return fileChanged(path, 'was replaced during the build', error);
    case 'EACCES':
    case 'EPERM':
      return new BuildError('CONTEXT_INVALID', `no permission to read ${name} in the build context`, {
        hint: 'Make it readable for the user who builds, or add it to .dockerignore.',
        cause: error,
      });
    default:
      return new BuildError('CONTEXT_INVALID', `cannot read ${name} in the build context: ${reason(error)}`, {
        hint: 'Check the filesystem of the build context.',
        cause: error,
      });
  }
}

/** A file is not, or no longer, what the build took it for. */
export class FileChanged extends BuildError {
  readonly path: ByteString;

  constructor(path: ByteString, what: string, cause?: unknown) {
    super('FILE_CHANGED', `${contextName(path)} ${what}`, {
      hint: 'Build again while no process writes to the build context, or add the file to .dockerignore.',
      cause,
    });
    this.path = path;
  }
}

/** Makes a {@link FileChanged}. */
export function fileChanged(path: ByteString, what: string, cause?: unknown): FileChanged {
  return new FileChanged(path, what, cause);
}

function contextName(path: ByteString): string {
  return path === '' ? 'the root directory' : JSON.stringify(byteStringToUtf8(path)).slice(1, -1);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
