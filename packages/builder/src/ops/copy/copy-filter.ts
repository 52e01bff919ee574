import type { ByteString } from '@tsbuild/oci';
import { compilePatterns, type DirectoryMatch } from '../../context/pattern-matcher.ts';
import { BuildError } from '../../diagnostics/build-error.ts';

/** What a filter says of one name in a directory. */
export interface FilterVerdict {
  readonly included: boolean;
  /** For what is below, when the name is a directory's; undefined when nothing there can be included. */
  readonly below: CopyFilter | undefined;
}

/**
 * `--exclude`, and the pattern of `--parents`, at one directory of a walk. Patterns are those of .dockerignore, relative
 * to the directory that is copied; a folder that is excluded is walked all the same where a `!` pattern may match in it.
 */
export class CopyFilter {
  readonly #include: DirectoryMatch | undefined;
  readonly #exclude: DirectoryMatch | undefined;

  private constructor(include: DirectoryMatch | undefined, exclude: DirectoryMatch | undefined) {
    this.#include = include;
    this.#exclude = exclude;
  }

  /**
   * At the root of the walk. Without `include` everything is, but for what `excludes` takes out.
   * @throws BuildError `COPY_FAILED` for a malformed pattern
   */
  static of(include: string | undefined, excludes: readonly string[]): CopyFilter | undefined {
    if (include === undefined && excludes.length === 0) return undefined;
    try {
      return new CopyFilter(
        include === undefined ? undefined : compilePatterns([include]).root(),
        excludes.length === 0 ? undefined : compilePatterns(excludes).root(),
      );
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      throw new BuildError('COPY_FAILED', error.message, { cause: error });
    }
  }

  includes(name: ByteString): boolean {
    return this.#include?.ignores(name) !== false && this.#exclude?.ignores(name) !== true;
  }

  verdict(name: ByteString): FilterVerdict {
    const include = this.#include?.child(name);
    const exclude = this.#exclude?.child(name);
    const descend = include?.canIgnore !== false && exclude?.canInclude !== false;
    return { included: this.includes(name), below: descend ? new CopyFilter(include, exclude) : undefined };
  }
}
