import { BuildError, needsUserNamespace, runInUserNamespace } from '@tsbuild/builder';
import { defineCommand } from '../command.ts';
import { UsageError } from '../errors.ts';
import type { Host } from '../host.ts';
import { registryOptions } from '../registry-config.ts';
import { openBuildContext } from './build-context.ts';
import { limitNotice } from './build-notice.ts';
import { buildOnce } from './build-once.ts';
import { buildOptionTable, builderOptions } from './build-options.ts';
import { ignoredFlags } from './ignored-flags.ts';
import { parseCall } from './call-option.ts';
import { buildOutputs, checkPlaces } from './check-outputs.ts';

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
    ['tsbuild build --verify .', 'Build twice, name what is not the same'],
    ['tsbuild build --check .', 'Check the Dockerfile, build nothing'],
    ['tsbuild build -q -f docker/web.Dockerfile .', 'Print the image ID only'],
  ],
  async run({ options, operands, settings }, host) {
    const flags = builderOptions(options, host);
    const call = parseCall(options);
    if (call !== undefined) {
      if (options.watch) throw new UsageError('--watch builds, and --call does not', { command: 'build' });
      const { runCall } = await import('./call.ts');
      return await runCall(call, { options, flags, path: operands[0] ?? '', settings }, host);
    }
    const outputs = buildOutputs(options, host);
    await checkPlaces(outputs, host);
    const registry = await registryOptions(host);
    // A user without root builds as root of a user namespace: this program once more, inside.
    if (needsUserNamespace()) {
      const exitCode = await inUserNamespace(host, (text) => limitNotice(text, options, host));
      if (exitCode !== undefined) return exitCode;
    }

    for (const text of ignoredFlags(options)) limitNotice(text, options, host);
    const context = await openBuildContext(operands[0] ?? '', options.file, host);
    const work = { options, flags, context, outputs, registry, settings };
    if (!options.watch) return await buildOnce(work, host);
    const { watchBuild } = await import('./watch.ts');
    return await watchBuild(work, host);
  },
});

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
