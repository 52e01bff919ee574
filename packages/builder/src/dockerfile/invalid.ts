import { BuildError } from '../diagnostics/build-error.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';

/** The one error of this room: DOCKERFILE_INVALID, with the place and the advice where there are any. */
export function invalid(message: string, range?: SourceRange, hint?: string): BuildError {
  return new BuildError('DOCKERFILE_INVALID', message, {
    ...(range !== undefined && { range }),
    ...(hint !== undefined && { hint }),
  });
}
