import { resolve } from 'node:path';
import {
  build,
  type BuildOptions,
  type BuildResult,
  type ContextObserver,
  existingDockerfile,
  type FailedRun,
  OutputLost,
  prepareProcess,
  Store,
} from '@tsbuild/builder';
import { imageIdOf, type RegistryOptions } from '@tsbuild/oci/node';
import type { GlobalSettings } from '../../grammar/command.ts';
import { EXIT_OK } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { version } from '../../host/version.ts';
import { type OpenProgress, openProgress, reportFailure } from '../../output/open-progress.ts';
import { writeOutputFile } from '@tsbuild/oci/internal';
import { PUSHING } from '../../output/board.ts';
import type { PushSigning } from '../../registry/signature-keys.ts';
import { cacheLines } from '../../output/cache-lines.ts';
import { layerLines } from '../../output/layer-lines.ts';
import { styled } from '../../output/safe-stream.ts';
import { WarningCollector } from '../../output/warnings.ts';
import { limitNotice } from './build-notice.ts';
import type { BuildInput } from './build-context.ts';
import type { BuildFlags, BuilderFlags } from './build-options.ts';
import type { BuildOutput } from './build-output.ts';
import { staysInCache } from './check-outputs.ts';
import { closingLine } from './closing-line.ts';
import { BuildReports } from './build-reports.ts';
import { deliver } from './deliver.ts';
import { writeMetadata } from './metadata-file.ts';

/** Everything that the command line says of a build. */
export interface BuildWork {
  readonly options: BuildFlags;
  readonly flags: BuilderFlags;
  readonly context: BuildInput;
  readonly outputs: readonly BuildOutput[];
  readonly registry: RegistryOptions;
  /** Of what goes to registries. */
  readonly sign?: PushSigning;
  readonly settings: GlobalSettings;
}

/** One of several builds of the same. */
interface Round {
  /** Aborted with a {@link Superseded} when the result is of no use any more; not once the image goes to its outputs. */
  readonly signal: AbortSignal;
  readonly observer: ContextObserver;
}

/** The reason of the abort when a build is given up for a newer one. */
export class Superseded extends Error {
  constructor() {
    super('the build was canceled for a newer one');
    this.name = 'Superseded';
  }
}

/**
 * Builds, brings the image where it is wanted, and tells of it.
 * @returns the exit code; a failure has been shown
 * @throws Superseded
 */
export async function buildOnce(work: BuildWork, host: Host, round?: Round): Promise<number> {
  const { options, settings, outputs } = work;
  const progress = openProgress(options, host);
  const reports = new BuildReports(options, host);
  const warnings = new WarningCollector(progress.reporter);
  const showWarnings = (): void => {
    if (!options.quiet && progress.json === undefined) host.stderr.write(styled(warnings.text(host)));
  };
  let store: Store | undefined;
  const end = () => ({ store, warnings: warnings.all, dockerfile: dockerfileOf(work) });
  try {
    const opened = (store = await Store.open(settings.root));
    const own = { version, onRecord: reports.onRecord, ...(round && { observer: round.observer }) };
    const buildOptions = { ...builderOptions(work, progress, host), ...own };
    const signal = round === undefined ? host.signal : AbortSignal.any([host.signal, round.signal]);
    const result = await buildAndBring(opened, { buildOptions, warnings, signal }, async (built) => {
      progress.close();
      showWarnings();
      await tellVerification(built, work, { store: opened, progress }, host);
      await bring(built, work, { store: opened, reports }, host);
    });
    if (!options.quiet && progress.json === undefined) {
      host.stderr.write(
        [...layerLines(result), ...cacheLines(result), closingLine(result, outputs)]
          .map((line) => `${line}\n`)
          .join(''),
      );
    }
  } catch (error) {
    progress.close();
    if (round?.signal.aborted === true && !host.signal.aborted) throw round.signal.reason;
    showWarnings();
    const exitCode = await reportFailure(error, { progress, debug: settings.debug }, host);
    await reports.write({ ...end(), error }).catch((second: unknown) => {
      const message = second instanceof Error ? second.message : String(second);
      limitNotice(`a report was not written: ${message}`, options, host);
    });
    return exitCode;
  }
  try {
    await reports.write(end());
    return EXIT_OK;
  } catch (error) {
    return await reportFailure(error, { progress, debug: settings.debug }, host);
  }
}

/** The Dockerfile's path, where it is a file of this machine. */
function dockerfileOf({ context: { context, dockerfile } }: BuildWork): string | undefined {
  if (typeof context !== 'string') return undefined;
  return existingDockerfile(resolve(context, dockerfile ?? 'Dockerfile'));
}

/** A layer that a shared cache had may be gone when an output needs its bytes: then its step runs, and all is brought again. */
async function buildAndBring(
  store: Store,
  way: { readonly buildOptions: BuildOptions; readonly warnings: WarningCollector; readonly signal: AbortSignal },
  bringAll: (result: BuildResult) => Promise<void>,
): Promise<BuildResult> {
  for (let attempt = 1; ; attempt++) {
    const result = await build(way.buildOptions, store, way.warnings, way.signal);
    try {
      await bringAll(result);
      return result;
    } catch (error) {
      if (!(error instanceof OutputLost) || attempt === MOST_BUILDS) throw error;
      await store.forgetOutput(error.output, Date.now());
    }
  }
}

/** An image has no more layers than this that could be lost one by one. */
const MOST_BUILDS = 128;

function builderOptions(
  { flags, registry, context, options }: BuildWork,
  progress: OpenProgress,
  host: Host,
): BuildOptions {
  const opensShell = options['debug-shell'] || options['on-error'] === 'shell';
  const onFailedRun = async (failed: FailedRun): Promise<void> => {
    progress.close();
    const { openFailedRun } = await import('../../output/failed-run.ts');
    await openFailedRun(failed, host);
  };
  // The process is the command's own, but a cached build need not pay for what only commands need.
  const beforeCommands = (): Promise<void> => prepareProcess(flags.isolation);
  return { ...flags, registry, ...context, beforeCommands, ...(opensShell ? { onFailedRun } : {}) };
}

/** @throws BuildError `NOT_REPRODUCIBLE`: then the image goes nowhere but into the store */
async function tellVerification(
  { verification, platforms }: BuildResult,
  { options, flags }: BuildWork,
  { store, progress }: { readonly store: Store; readonly progress: OpenProgress },
  host: Host,
): Promise<void> {
  if (verification === undefined) return;
  const { notReproducible, verificationLines } = await import('../../output/verification-lines.ts');
  const hasEpoch = flags.epoch !== undefined;
  if (!options.quiet && progress.json === undefined) {
    const lines = platforms.flatMap(({ platform, verification: own = verification }) => {
      const [head = '', ...rest] = verificationLines(own, hasEpoch);
      return [platforms.length === 1 ? head : `${platform}: ${head}`, ...rest];
    });
    host.stderr.write(lines.map((line) => `${line}\n`).join(''));
  }
  // Layers of the second build that nothing refers to.
  if (platforms.some((of) => (of.verification?.steps.length ?? 0) > 0)) await store.collect();
  if (!verification.same) throw notReproducible(verification, hasEpoch);
}

/** Brings the image to its outputs, and its names and digests into the files that were asked for. */
async function bring(
  result: BuildResult,
  work: BuildWork,
  { store, reports }: { readonly store: Store; readonly reports: BuildReports },
  host: Host,
): Promise<void> {
  const { options, outputs, registry, flags, sign } = work;
  const pushed = await deliver(result, outputs, {
    store,
    registry,
    host,
    annotations: flags.annotations ?? new Map(),
    ...(sign === undefined ? {} : { sign }),
    openProgress: () => openProgress(options, host, PUSHING),
    notice: (text) => limitNotice(text, options, host),
    timed: reports.timed,
  });
  const { image } = result;
  reports.digest = pushed?.digest ?? (image.index?.descriptor ?? image.manifest).digest;
  if (options.iidfile) {
    await writeOutputFile(
      resolve(host.cwd, options.iidfile),
      (sink) => sink(Buffer.from(imageIdOf(image))),
      host.signal,
    );
  }
  if (options.quiet && !staysInCache(outputs)) host.stdout.write(`${imageIdOf(image)}\n`);
  await writeMetadata(result, pushed, options['metadata-file'], host);
}
