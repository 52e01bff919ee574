import type { SourceFile, SourceRange } from './source-file.ts';

/** Every code a {@link BuildError} can carry. */
export type BuildErrorCode =
  | 'BASE_NOT_FOUND'
  | 'CACHE_EXPORT_FAILED'
  | 'CACHE_INVALID'
  | 'CACHE_MISS'
  | 'CHECK_FAILED'
  | 'CONTAINER_AMBIGUOUS'
  | 'CONTAINER_CONFLICT'
  | 'CONTAINER_NAME_TAKEN'
  | 'CONTAINER_NOT_FOUND'
  | 'CONTAINER_NOT_RUNNING'
  | 'CONTEXT_INVALID'
  | 'COPY_FAILED'
  | 'DOCKERFILE_INVALID'
  | 'DOCKERFILE_NOT_FOUND'
  | 'DOWNLOAD_FAILED'
  | 'EXPORT_FAILED'
  | 'FILE_CHANGED'
  | 'GIT_FAILED'
  | 'IGNORE_INVALID'
  | 'INTERRUPTED'
  | 'LAYER_INVALID'
  | 'NOT_REPRODUCIBLE'
  | 'NOT_SUPPORTED'
  | 'NOT_VERIFIABLE'
  | 'OPTION_INVALID'
  | 'PLATFORM_NOT_RUNNABLE'
  | 'RUN_FAILED'
  | 'SANDBOX_UNAVAILABLE'
  | 'SNAPSHOT_FAILED'
  | 'SOURCE_NOT_FOUND'
  | 'STAGE_NOT_FOUND'
  | 'VOLUME_IN_USE'
  | 'VOLUME_NOT_FOUND';

/** What a {@link BuildError} carries beside its message. */
export interface BuildErrorOptions {
  /** Where in the Dockerfile (or another text) it went wrong; the printer draws a frame around it. */
  readonly range?: SourceRange;
  /** The text that `range` points into. */
  readonly source?: SourceFile;
  /** What the user can do about it, one sentence. */
  readonly hint?: string;
  /** The exit code of a failed RUN. */
  readonly exitCode?: number;
  /** Lines of output that explain the failure (a failed RUN's last output). */
  readonly output?: readonly string[];
  readonly cause?: unknown;
}

/** The one error class of the builder: what (`message`), where (`range`), what to do (`hint`). */
export class BuildError extends Error {
  readonly code: BuildErrorCode;
  readonly range: SourceRange | undefined;
  readonly source: SourceFile | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number | undefined;
  readonly output: readonly string[];

  constructor(code: BuildErrorCode, message: string, options: BuildErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'BuildError';
    this.code = code;
    this.range = options.range;
    this.source = options.source;
    this.hint = options.hint;
    this.exitCode = options.exitCode;
    this.output = options.output ?? [];
  }

  /** The same error with a place in a text; what it has already stays. */
  at(range: SourceRange, source?: SourceFile): BuildError {
    const text = this.source ?? source;
    return this.#with(this.message, { range: this.range ?? range, ...(text === undefined ? {} : { source: text }) });
  }

  /** The same error in other words. */
  about(message: string): BuildError {
    const { range, source } = this;
    return this.#with(message, {
      ...(range === undefined ? {} : { range }),
      ...(source === undefined ? {} : { source }),
    });
  }

  #with(message: string, place: Pick<BuildErrorOptions, 'range' | 'source'>): BuildError {
    return new BuildError(this.code, message, {
      ...place,
      output: this.output,
      cause: this.cause,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.exitCode === undefined ? {} : { exitCode: this.exitCode }),
    });
  }
}

/** The same error, which names the platform it is about if it does not yet. */
export function forPlatform(error: unknown, platform: string): unknown {
  if (!(error instanceof BuildError) || error.message.includes(`for ${platform}`)) return error;
  return error.about(`${platform}: ${error.message}`);
}
