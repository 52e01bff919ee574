import {
  BuildError,
  type BuildOptions,
  type CheckoutVerification,
  needsUserNamespace,
  prepareProcess,
  runInUserNamespace,
  Store,
  verifyCheckout,
} from '@tsbuild/builder';
import { absentValues, type GlobalSettings } from '../../grammar/command.ts';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from '../../host/exit-code.ts';
import type { Host } from '../../host/host.ts';
import { checkoutLines, isRebuiltAlike } from '../../output/checkout-lines.ts';
import { type OpenProgress, openProgress, reportFailure } from '../../output/open-progress.ts';
import { interruptionOf } from '../../output/report-error.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { openBuildInput } from '../build/build-context.ts';
import { type BuildFlags, builderOptions, buildOptionTable } from '../build/build-options.ts';

/** The flags of `image verify`: those of a build that decide what it makes, and what to say. */
interface VerifyFlags extends Partial<BuildFlags> {
  readonly rebuild: boolean;
  readonly format: string | undefined;
}

interface VerifyRequest {
  readonly options: VerifyFlags;
  readonly settings: GlobalSettings;
}

/** Compares an image of the store with a checkout. @returns 0 the same, 1 not, 2 that cannot be told */
export async function verifyCheckoutOf(
  name: string,
  context: string,
  { options, settings }: VerifyRequest,
  host: Host,
): Promise<number> {
  const flags = { ...absentValues(buildOptionTable), ...options };
  const builder = builderOptions(flags, host);
  const registry = await registryOptions(host);
  // What commands of an ordinary user make belongs to the ids of a user namespace, and they are part of a step's key.
  if (needsUserNamespace()) {
    const exitCode = await runInUserNamespace(host.commandLine, () => {});
    if (exitCode !== undefined) return exitCode;
  }
  const isRebuild = options.rebuild;
  const progress = openProgress({ progress: options.progress, quiet: !isRebuild }, host);
  try {
    const store = await Store.open(settings.root);
    const input = await openBuildInput(context, options.file, host);
    const wanted: BuildOptions = {
      ...builder,
      ...input,
      registry,
      beforeCommands: () => prepareProcess(builder.isolation),
    };
    const work = { store, reporter: progress.reporter, signal: host.signal };
    const found = await verifyCheckout(name, wanted, work, { rebuild: isRebuild });
    progress.close('done');
    // Layers of the second build that nothing refers to.
    if (found.rebuilt?.some(({ steps }) => steps.length > 0) === true) await store.collect();
    const hasEpoch = builder.epoch !== undefined;
    host.stdout.write(
      options.format === 'json'
        ? `${JSON.stringify({ ...found, ...rebuiltAlike(found, hasEpoch) }, undefined, 2)}\n`
        : checkoutLines(name, found, { hasEpoch, now: host.now() }),
    );
    return exitCodeOf(found, hasEpoch);
  } catch (error) {
    progress.close('failed');
    return await failure(error, { progress, debug: settings.debug }, host);
  }
}

function rebuiltAlike(found: CheckoutVerification, hasEpoch: boolean): { readonly rebuiltAlike?: boolean } {
  return found.rebuilt === undefined ? {} : { rebuiltAlike: isRebuiltAlike(found, hasEpoch) };
}

function exitCodeOf(found: CheckoutVerification, hasEpoch: boolean): number {
  if (found.verdict === 'unknown') return EXIT_USAGE;
  return found.verdict === 'same' && isRebuiltAlike(found, hasEpoch) ? EXIT_OK : EXIT_FAILED;
}

/**
 * Where nothing was found to differ, that is no 1, which CI takes for a finding. A command that fails when it runs again is
 * one.
 */
async function failure(
  error: unknown,
  state: { readonly progress: OpenProgress; readonly debug: boolean },
  host: Host,
): Promise<number> {
  const exitCode = await reportFailure(error, state, host);
  const isFinding = error instanceof BuildError && error.code === 'RUN_FAILED';
  return isFinding || interruptionOf(host.signal) !== undefined ? exitCode : EXIT_USAGE;
}
