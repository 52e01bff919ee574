import type { SourceRange } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';

/** Runs `task`; an error that does not say where it happened gets the instruction's range. */
export function atRange<T>(range: SourceRange, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw withRange(error, range);
  }
}

/** The error with a place in the Dockerfile; foreign errors become `DOCKERFILE_INVALID`. */
export function withRange(error: unknown, range: SourceRange): BuildError {
  if (error instanceof BuildError) return error.at(range);
  const message = error instanceof Error ? error.message : String(error);
  return new BuildError('DOCKERFILE_INVALID', message, { range, cause: error });
}

/** The error for parts of the language that later versions bring. */
export function notSupported(what: string, range: SourceRange): BuildError {
  return new BuildError('NOT_SUPPORTED', `${what} is not supported yet`, { range });
}
