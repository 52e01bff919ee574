import type { BuildOptions } from './build-options.ts';
import { BuildSession, type ReadDockerfile } from './build-session.ts';
import { earlierRuns } from './build-history.ts';
import type { Dockerfile } from '../dockerfile/instruction.ts';
import { parseDockerfile } from '../dockerfile/parser.ts';
import { WorkLimit } from '../dockerfile/work-limit.ts';
import type { SourceFile } from '../diagnostics/source-file.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { withHistory } from './layer-checks.ts';
import { baseNameOf } from '../lint/lint.ts';
import { ruleOf } from '../lint/rules.ts';
import { type Outline, outlineOf, type TargetList, targetsOf } from '../lint/outline.ts';
import { type PlanInput, tryPlan } from './make-plan.ts';
import { fromPlatform } from '../plan/references.ts';
import { GlobalArguments, BuildArguments, platformArguments } from '../plan/build-arguments.ts';
import { declareStages, findStageByName } from '../plan/stages.ts';
import type { CheckWarning } from '../progress/event.ts';
import { type ProgressReporter, silentReporter } from '../progress/reporter.ts';
import type { Store } from '../store/store.ts';
import { formatPlatform, type Platform } from '@tsbuild/oci';
import { hostPlatform } from '@tsbuild/oci/node';

/** What `tsbuild build --check` found. */
export interface CheckResult {
  readonly source: SourceFile;
  /** In the order of the file. */
  readonly warnings: readonly CheckWarning[];
  /** Why the Dockerfile cannot be built as the options ask, if it cannot. */
  readonly error: BuildError | undefined;
  /** There is an error, or a warning that BuildKit's linter gives too; what only this builder knows is advice. */
  readonly failed: boolean;
}

/**
 * Checks a Dockerfile without building anything: all its stages, or those that the target needs. Base images are looked up
 * as a build does; of one that cannot be found the variables are not known, so nothing is said of variables in stages on it.
 * @throws BuildError `DOCKERFILE_NOT_FOUND`, `CONTEXT_INVALID`, `OPTION_INVALID`; the signal's reason when aborted
 */
export async function checkBuild(
  options: BuildOptions,
  store: Store,
  reporter: ProgressReporter,
  signal: AbortSignal,
): Promise<CheckResult> {
  await using session = await BuildSession.open(options, { store, reporter, signal });
  const source = session.file;
  let read: ReadDockerfile;
  try {
    read = await session.read();
  } catch (error) {
    return { source, warnings: [], error: buildError(error, session), failed: true };
  }
  const { dockerfile, checks } = read;
  for (const name of await missingImages(read, session)) {
    session.notice(`base image ${name} was not found: variables in stages based on it are not checked`);
  }
  const findings = checks.findings(options.target === undefined ? 'all' : { target: options.target });
  const warnings = withHistory(findings, earlierRuns(options, store, dockerfile)).map((finding) =>
    checks.warning(finding),
  );
  const error = await planningError(session.planInput(read, () => {}));
  const failed = error !== undefined || findings.some(({ rule }) => ruleOf(rule).own !== true);
  return { source, warnings, error: error === undefined ? undefined : buildError(error, session), failed };
}

/** What `--call=outline` tells: the arguments, secrets and caches of a build of the target. @throws BuildError */
export async function outlineBuild(
  options: BuildOptions,
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly source: SourceFile; readonly outline: Outline }> {
  const { source, found } = await ofDockerfile(
    options,
    store,
    signal,
    (dockerfile, { namedPlatforms: [platform] = [] }) => {
      return outlineOf(dockerfile, {
        target: options.target,
        arguments: new BuildArguments(options.buildArgs, options.environment),
        predefined: platformArguments(hostPlatform(), platform ?? hostPlatform(), options.target ?? 'default'),
      });
    },
  );
  return { source, outline: found };
}

/** What `--call=targets` tells: the stages. @throws BuildError */
export async function listTargets(
  options: BuildOptions,
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly source: SourceFile; readonly targets: TargetList }> {
  // Stages have their names on any platform.
  const { platform: _any, platforms: _all, ...anywhere } = options;
  const { source, found } = await ofDockerfile(anywhere, store, signal, targetsOf);
  return { source, targets: found };
}

/** What there is to say of the Dockerfile alone, wherever it comes from. */
async function ofDockerfile<T>(
  options: BuildOptions,
  store: Store,
  signal: AbortSignal,
  find: (dockerfile: Dockerfile, session: BuildSession) => T,
): Promise<{ readonly source: SourceFile; readonly found: T }> {
  await using session = await BuildSession.open(options, { store, reporter: silentReporter, signal });
  try {
    return { source: session.file, found: find(parseDockerfile(session.file), session) };
  } catch (error) {
    throw buildError(error, session);
  }
}

/** The names of base images that cannot be found, sorted; the checks know the others then. */
async function missingImages(
  { dockerfile, platforms, checks }: ReadDockerfile,
  session: BuildSession,
): Promise<readonly string[]> {
  const { options, signal } = session;
  const resolveImage = session.images(checks);
  const unknown = new Set<string>();
  await Promise.all(
    platforms
      .flatMap((platform) => baseImages(dockerfile, options, platform))
      .map((base) =>
        resolveImage(base.name, base.platform).catch(() => {
          signal.throwIfAborted();
          unknown.add(platforms.length === 1 ? base.name : `${base.name} for ${formatPlatform(base.platform)}`);
        }),
      ),
  );
  return [...unknown].toSorted();
}

/** The images that stages start from. */
function baseImages(
  dockerfile: Dockerfile,
  options: BuildOptions,
  platform: Platform,
): readonly { readonly name: string; readonly platform: Platform }[] {
  const { stages, globalArgs } = declareStages(dockerfile);
  const words = { escape: dockerfile.directives.escape, limit: new WorkLimit() };
  const given = new BuildArguments(options.buildArgs, options.environment);
  const predefined = platformArguments(hostPlatform(), platform, options.target ?? 'default');
  let globals: GlobalArguments;
  try {
    globals = new GlobalArguments(globalArgs, given, predefined, words);
  } catch {
    return [];
  }
  return stages.flatMap((stage) => {
    const name = baseNameOf(stage, globals, words);
    const isImage = name !== '' && name !== 'scratch' && findStageByName(stages, name, stage.index) === undefined;
    if (!isImage) return [];
    try {
      return [{ name, platform: fromPlatform(stage.from, { ...words, globals, platform }) }];
    } catch {
      return []; // planning tells what is wrong
    }
  });
}

/** Plans all stages: what fails there fails a build. Missing images are no such reason. */
async function planningError(input: PlanInput): Promise<unknown> {
  try {
    await tryPlan(input, (error) => error instanceof BuildError && error.code === 'BASE_NOT_FOUND');
    return undefined;
  } catch (error) {
    input.signal.throwIfAborted();
    return error;
  }
}

function buildError(error: unknown, session: BuildSession): BuildError {
  const located = session.located(error);
  if (!(located instanceof BuildError)) throw located;
  return located;
}
