import type { ImageConfig, Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';
import { resolve } from 'node:path';
import type { BuildOptions } from './build-options.ts';
import { eachOnce } from './platforms/each-once.ts';
import { existingDockerfile } from '../context/dockerfile-name.ts';
import { readIgnoreFile } from '../context/ignore-file.ts';
import type { PatternMatcher } from '../context/pattern-matcher.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import type { SourceFile } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { type CheckOptions, DEFAULT_CHECKS, isWanted, parseCheckOptions } from '../lint/check-options.ts';
import type { Finding } from '../lint/finding.ts';
import { lintDockerfile } from '../lint/lint.ts';
import type { LintInput } from '../lint/lint-input.ts';
import { ruleOf } from '../lint/rules.ts';
import { BuildArguments, platformArguments } from '../plan/build-arguments.ts';
import { imageKey, type ImageResolver } from '../plan/needed-stages.ts';
import { isNamedFiles } from '../plan/resolved-base.ts';
import type { CheckWarning } from '../progress/event.ts';

/** What the checks of one build need. */
export interface ChecksInput {
  readonly options: Pick<
    BuildOptions,
    'buildArgs' | 'environment' | 'target' | 'context' | 'dockerfile' | 'dockerfileText'
  >;
  readonly file: SourceFile;
  readonly dockerfile: Dockerfile;
  /** At least one. */
  readonly platforms: readonly Platform[];
}

/** Files without a configuration set no variables. */
const NO_LAYERS = { type: 'layers', diff_ids: [] } as const;

/** The checks of one build: what `# check=` wants of them, and what they find before anything is executed. */
export class Checks {
  readonly options: CheckOptions;
  readonly #input: ChecksInput;
  readonly #bases = new Map<string, ImageConfig>();

  /** @throws BuildError when `# check=` or BUILDKIT_DOCKERFILE_CHECK makes no sense */
  constructor(input: ChecksInput) {
    this.#input = input;
    this.options = checkOptions(input);
  }

  /** The same resolver; the configs that it gives are what is known of variables in base images. */
  watch(resolveImage: ImageResolver): ImageResolver {
    return async (name, platform) => {
      const base = await resolveImage(name, platform);
      const config = isNamedFiles(base) ? { ...platform, rootfs: NO_LAYERS } : base.config;
      this.#bases.set(imageKey({ name, platform }), config);
      return base;
    };
  }

  /** What there is to say of these stages of the Dockerfile, for whichever platform: each finding once. */
  findings(stages: LintInput['stages']): readonly Finding[] {
    const { options, dockerfile, platforms } = this.#input;
    const ignore = this.#ignoreFile();
    const found = platforms.map((platform) =>
      lintDockerfile({
        dockerfile,
        stages,
        arguments: new BuildArguments(options.buildArgs, options.environment),
        predefined: platformArguments(hostPlatform(), platform, options.target ?? 'default'),
        platform,
        bases: this.#bases,
        ignore,
      }),
    );
    return this.wanted(eachOnce(found));
  }

  wanted(findings: readonly Finding[]): readonly Finding[] {
    return findings.filter((finding) => isWanted(finding, this.options));
  }

  warning({ rule, message, range, path }: Finding): CheckWarning {
    const { description, url } = ruleOf(rule);
    const about = path === undefined ? {} : { path };
    return { type: 'check-warning', rule, description, url, message, range, ...about, source: this.#input.file };
  }

  /** @throws BuildError `CHECK_FAILED` when warnings are to fail the build; our own rules never do */
  enforce(findings: readonly Finding[]): void {
    if (!this.options.error) return;
    const rules = new Set(findings.map(({ rule }) => rule).filter((rule) => ruleOf(rule).own !== true));
    if (rules.size === 0) return;
    throw new BuildError('CHECK_FAILED', `lint violation found for rules: ${[...rules].join(', ')}`, {
      hint: 'the Dockerfile sets `check=error=true`; `check=skip=Rule` skips a rule',
    });
  }

  /** Read again, since the context may never be opened; what is wrong with it is the context's to tell. */
  #ignoreFile(): PatternMatcher | undefined {
    const { options, dockerfile } = this.#input;
    const copies = dockerfile.instructions.some(({ kind }) => kind === 'copy' || kind === 'add');
    // Archives and repositories bring theirs along; those are not looked at.
    if (!copies || typeof options.context !== 'string') return undefined;
    const isElsewhere = options.dockerfileText !== undefined || /^https?:\/\//.test(options.dockerfile ?? '');
    try {
      const root = resolve(options.context);
      const own = isElsewhere ? undefined : options.dockerfile;
      return readIgnoreFile(root, existingDockerfile(own ?? resolve(root, 'Dockerfile')))?.matcher;
    } catch {
      return undefined;
    }
  }
}

/** The build argument wins over the directive, whole. */
function checkOptions({ options, dockerfile, file }: ChecksInput): CheckOptions {
  const name = 'BUILDKIT_DOCKERFILE_CHECK';
  const given = new BuildArguments(options.buildArgs, options.environment).get(name);
  if (given !== undefined) {
    try {
      return parseCheckOptions(given);
    } catch (error) {
      const { message, hint } = error as BuildError;
      throw new BuildError('OPTION_INVALID', `--build-arg ${name}: ${message}`, hint === undefined ? {} : { hint });
    }
  }
  const { check } = dockerfile.directives;
  if (check === undefined) return DEFAULT_CHECKS;
  try {
    return parseCheckOptions(check);
  } catch (error) {
    throw (error as BuildError).at(directiveRange(file), file);
  }
}

/** The directive's line, one of the first few. */
function directiveRange({ text }: SourceFile) {
  const lines = text.split(/\r?\n/);
  const at = Math.max(
    0,
    lines.findIndex((line) => /^\s*#\s*check\s*=/i.test(line)),
  );
  return { start: { line: at + 1, column: 0 }, end: { line: at + 1, column: (lines[at] ?? '').length } };
}
