import { BuildError, needsUserNamespace, runInUserNamespace } from '@tsbuild/builder';
import { defineCommand } from '../../grammar/command.ts';
import { UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import { progressMode } from '../../output/open-progress.ts';
import { registryOptions } from '../../registry/registry-config.ts';
import { openBuildInput } from './build-context.ts';
import { limitNotice } from './build-notice.ts';
import { buildOnce, type BuildWork } from './build-once.ts';
import { buildOptionTable, builderOptions, type BuilderFlags, type BuildFlags } from './build-options.ts';
import { parseCall } from './call-option.ts';
import type { BuildOutput } from './build-output.ts';
import { buildOutputs, checkPlaces, staysInCache, withAttestationForm, withOutputKeys } from './check-outputs.ts';
import { cacheFlagNotices } from './cache-flags.ts';
import { parseFindings } from './findings-flag.ts';
import { unusedNotices } from './unused-flags.ts';

/** `tsbuild build`: the reason for everything else. */
export const buildCommand = defineCommand({
  name: 'build',
  synopsis: 'PATH | URL | -',
  summary: 'Build an image from a Dockerfile',
  options: buildOptionTable,
  operands: {
    min: 1,
    max: 1,
    what: 'one PATH, the directory of the context (. for this one), a URL, or - for standard input',
  },
  examples: [
    ['tsbuild build -t my-app .', 'Build ./Dockerfile, name the image my-app'],
    ['tsbuild build -t my-app -o my-app.tar .', 'Also write an archive for docker load -i'],
    ['tsbuild build -t ghcr.io/me/my-app --push .', 'Build, and push to a registry'],
    ['tsbuild build --target test .', 'Build one stage'],
    ['tsbuild build -t my-app --load --watch .', 'Build and load again at every change'],
    ['tsbuild build --verify .', 'Build twice and name the differences'],
    ['tsbuild build --check .', 'Check the Dockerfile, build nothing'],
    ['tsbuild build -q -f docker/web.Dockerfile .', 'Print the image ID only'],
  ],
  async run({ options: given, operands, settings }, host) {
    const options = quietly(given, host);
    const flags = builderOptions(options, host);
    const call = parseCall(options);
    if (call !== undefined) {
      if (options.watch) throw new UsageError('--watch and --call cannot be used together', { command: 'build' });
      const { runCall } = await import('./call.ts');
      return await runCall(call, { options, flags, path: operands[0] ?? '', settings }, host);
    }
    const outputs = buildOutputs(options, host);
    checkReports(options, outputs);
    const sign = await signingOf(options, outputs, host);
    await checkPlaces(outputs, host);
    const registry = await registryOptions(host);
    // A user without root builds as root of a user namespace: this program once more, inside.
    if (needsUserNamespace()) {
      const exitCode = await inUserNamespace(host, (text) => limitNotice(text, options, host));
      if (exitCode !== undefined) return exitCode;
    }

    for (const text of [...unusedNotices(options), ...cacheFlagNotices(options, host)])
      limitNotice(text, options, host);
    const context = await openBuildInput(operands[0] ?? '', options.file, host);
    const flagsOfOutputs = outputFlags(options, outputs, host);
    const work = { options, flags: flagsOfOutputs, context, outputs, registry, settings, ...sign };
    if (!options.watch) return await buildOnce(work, host);
    const { watchBuild } = await import('./watch.ts');
    return await watchBuild(work, host);
  },
});

/**
 * `--progress=quiet` is `--quiet`, also from the environment.
 * @throws UsageError for another --progress beside --quiet, as buildx does
 */
function quietly(options: BuildFlags, host: Host): BuildFlags {
  if (options.quiet && options.progress !== undefined && !/^(?:auto|quiet)$/.test(options.progress)) {
    const hint = 'omit one of them; --quiet also shows the log of a failed step';
    throw new UsageError(`--progress=${options.progress} and --quiet cannot be used together`, {
      hint,
      command: 'build',
    });
  }
  return { ...options, quiet: progressMode(options, host) === 'quiet' };
}

/** @throws UsageError */
function checkReports({ findings }: BuildFlags, outputs: readonly BuildOutput[]): void {
  const written = findings.map(parseFindings).filter(({ path }) => path === '-').length;
  const streams = outputs.filter(
    (output) => output.kind === 'stdout' || (output.kind === 'tar' && output.path === '-'),
  );
  if (written + streams.length > 1 || (written > 0 && streams.length > 0))
    throw new UsageError('only one thing can be written to standard output', {
      hint: 'name a file for the findings: --findings FILE,format=FORMAT',
      command: 'build',
    });
}

/** The key is read before a build of minutes. @throws UsageError, CommandError */
async function signingOf(
  { sign }: BuildFlags,
  outputs: readonly BuildOutput[],
  host: Host,
): Promise<Pick<BuildWork, 'sign'>> {
  if (sign === undefined) return {};
  if (!outputs.some(({ kind }) => kind === 'registry')) {
    const hint = 'signatures are stored beside the image in its registry: add --push';
    throw new UsageError('--sign signs what is pushed, and this build pushes nothing', { hint, command: 'build' });
  }
  const { pushSigning } = await import('../../registry/signature-keys.ts');
  return { sign: pushSigning(sign, host, 'build') };
}

function outputFlags(options: BuildFlags, outputs: readonly BuildOutput[], host: Host): BuilderFlags {
  const flags = withAttestationForm(builderOptions(withOutputKeys(options, outputs), host), outputs);
  return staysInCache(outputs) ? { ...flags, cacheOnly: true } : flags;
}

/**
 * The exit code of the build inside; undefined where there can be no user namespaces. Then the build goes on here: only a
 * RUN needs one, and says what is missing.
 */
async function inUserNamespace(host: Host, notify: (text: string) => unknown): Promise<number | undefined> {
  try {
    return await runInUserNamespace(host.commandLine, (text) => void notify(text));
  } catch (error) {
    if (error instanceof BuildError && error.code === 'SANDBOX_UNAVAILABLE') return undefined;
    throw error;
  }
}
