import { AddSources } from './add-sources.ts';
import { baseImageResolver } from './base-images.ts';
import { openBuildContext } from './build-context.ts';
import type { BuildOptions } from './build-options.ts';
import { ContextSources } from './context-sources.ts';
import { earlierRuns } from './build-history.ts';
import { Checks } from './checks.ts';
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
import { NamedContexts } from './named-contexts.ts';
import { imageKey, type ImageResolver } from '../plan/needed-stages.ts';
import { fromPlatform } from '../plan/references.ts';
import { GlobalArguments, BuildArguments, platformArguments } from '../plan/build-arguments.ts';
import { declareStages, findStageByName } from '../plan/stages.ts';
import type { CheckWarning } from '../progress/event.ts';
import { type ProgressReporter, silentReporter } from '../progress/reporter.ts';
import { RegistryAccess } from '../source/registry-access.ts';
import type { Store } from '../store/store.ts';
import { targetPlatform } from './target-platform.ts';
import type { Platform } from '@tsbuild/oci';
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
  const notice = (message: string): void => reporter.report({ type: 'notice', level: 'warning', message });
  const platform = targetPlatform(options.platform);
  await using _lease = await store.layout.lease();
  using added = new AddSources(options, store, reporter);
  using contexts = new ContextSources(store, added, signal);
  const context = await openBuildContext(options, contexts);
  const file = context.dockerfile;
  let dockerfile: Dockerfile;
  let checks: Checks;
  try {
    dockerfile = parseDockerfile(file);
    checks = new Checks({ options, file, dockerfile, platform });
  } catch (error) {
    return { source: file, warnings: [], error: buildError(error, file), failed: true };
  }
  using access = new RegistryAccess(options.registry, reporter);
  const find = baseImageResolver({ store, pull: options.pull, client: access.client, signal });
  const given = options.contexts ?? new Map<string, string>();
  const named = new NamedContexts({ contexts: given, sources: contexts, store, resolveImage: find });
  const resolveImage = checks.watch(remembering(async (name, of) => (await named.find(name, of)) ?? find(name, of)));
  const unknown: string[] = [];
  await Promise.all(
    baseImages(dockerfile, options, platform).map((base) =>
      resolveImage(base.name, base.platform).catch(() => {
        signal.throwIfAborted();
        unknown.push(base.name);
      }),
    ),
  );
  for (const name of [...new Set(unknown)].toSorted()) {
    notice(`base image ${name} was not found: variables in stages on it are not checked`);
  }
  const findings = checks.findings(options.target === undefined ? 'all' : { target: options.target });
  const warnings = withHistory(findings, earlierRuns(options, store, dockerfile)).map((finding) =>
    checks.warning(finding),
  );
  const layers = store.layers(access.client, signal);
  const plan = { store, dockerfile, platform, notice: () => {}, layers, named, resolveImage, added, signal };
  const error = await planningError({ ...plan, options, context: context.tree });
  const failed = error !== undefined || findings.some(({ rule }) => ruleOf(rule).own !== true);
  return { source: file, warnings, error: error === undefined ? undefined : buildError(error, file), failed };
}

/** What `--call=outline` tells: the arguments, secrets and caches of a build of the target. @throws BuildError */
export async function outlineBuild(
  options: BuildOptions,
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly source: SourceFile; readonly outline: Outline }> {
  const { source, found } = await ofDockerfile(options, store, signal, (dockerfile) => {
    const platform = targetPlatform(options.platform);
    return outlineOf(dockerfile, {
      target: options.target,
      arguments: new BuildArguments(options.buildArgs, options.environment),
      predefined: platformArguments(hostPlatform(), platform, options.target ?? 'default'),
    });
  });
  return { source, outline: found };
}

/** What `--call=targets` tells: the stages. @throws BuildError */
export async function listTargets(
  options: BuildOptions,
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly source: SourceFile; readonly targets: TargetList }> {
  const { source, found } = await ofDockerfile(options, store, signal, targetsOf);
  return { source, targets: found };
}

/** What there is to say of the Dockerfile alone, wherever it comes from. */
async function ofDockerfile<T>(
  options: BuildOptions,
  store: Store,
  signal: AbortSignal,
  find: (dockerfile: Dockerfile) => T,
): Promise<{ readonly source: SourceFile; readonly found: T }> {
  await using _lease = await store.layout.lease();
  using added = new AddSources(options, store, silentReporter);
  using contexts = new ContextSources(store, added, signal);
  const source = (await openBuildContext(options, contexts)).dockerfile;
  try {
    return { source, found: find(parseDockerfile(source)) };
  } catch (error) {
    throw buildError(error, source);
  }
}

/** Each image is asked for once, whether it is found or not. */
function remembering(resolve: ImageResolver): ImageResolver {
  const asked = new Map<string, ReturnType<ImageResolver>>();
  return (name, platform) => {
    const key = imageKey({ name, platform });
    const known = asked.get(key) ?? resolve(name, platform);
    asked.set(key, known);
    return known;
  };
}

/** The images that stages start from. */
function baseImages(
  dockerfile: Dockerfile,
  options: BuildOptions,
  platform: ReturnType<typeof targetPlatform>,
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

function buildError(error: unknown, source: SourceFile): BuildError {
  if (!(error instanceof BuildError)) throw error;
  return error.range === undefined ? error : error.at(error.range, source);
}
