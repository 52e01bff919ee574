import type { ImageConfig, Platform } from '@tsbuild/oci';
import type { PatternMatcher } from '../context/pattern-matcher.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import type { BuildArguments } from '../plan/build-arguments.ts';

/** What the checks look at beside the Dockerfile. */
export interface LintInput {
  readonly dockerfile: Dockerfile;
  /** All stages, or those that a target needs (by name or number; undefined is the last one). */
  readonly stages: 'all' | { readonly target: string | undefined };
  /** The values given by `--build-arg`. */
  readonly arguments: BuildArguments;
  /** BUILD…, TARGET… and TARGETSTAGE. */
  readonly predefined: ReadonlyMap<string, string>;
  readonly platform: Platform;
  /**
   * The configs of base images by {@link imageKey}, as the plan names them: one name may stand for an image of each platform.
   * Of an image that is not here no variable is known.
   */
  readonly bases: ReadonlyMap<string, ImageConfig>;
  /** The patterns of the ignore file. */
  readonly ignore: PatternMatcher | undefined;
}
