import { resolve } from 'node:path';
import {
  BuildError,
  type FailedRun,
  type BuildResult,
  Store,
  build,
  needsUserNamespace,
  runInUserNamespace,
} from '@tsbuild/builder';
import { familiarName, parseReference } from '@tsbuild/oci/node';
import { defineCommand } from '../command.ts';
import { EXIT_OK } from '../exit-code.ts';
import type { Host } from '../host.ts';
import { openProgress, reportFailure } from '../open-progress.ts';
import { writeOutputFile } from '../output-file.ts';
import { PUSHING } from '../output/board.ts';
import { humanSize, stepTime } from '../output/human.ts';
import { layerLines } from '../output/layer-lines.ts';
import { shownId } from '../output/image-id.ts';
import { sanitizeName } from '../output/sanitize.ts';
import { registryOptions } from '../registry-config.ts';
import { openBuildContext } from './build-context.ts';
import { WarningCollector } from '../output/warnings.ts';
import { parseCall } from './call-option.ts';
import { type BuildFlags, buildOptionTable, builderOptions } from './build-options.ts';
import type { BuildOutput } from './build-output.ts';
import { buildOutputs, checkPlaces } from './check-outputs.ts';
import { deliver } from './deliver.ts';
import { writeMetadata } from './metadata-file.ts';

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
    ['tsbuild build --check .', 'Check the Dockerfile, build nothing'],
    ['tsbuild build -q -f docker/web.Dockerfile .', 'Print the image ID only'],
  ],
  async run({ options, operands, settings }, host) {
    const flags = builderOptions(options, host);
    const call = parseCall(options);
    if (call !== undefined) {
      const { runCall } = await import('./call.ts');
      return await runCall(call, { options, flags, path: operands[0] ?? '', settings }, host);
    }
    const outputs = buildOutputs(options, host);
    await checkPlaces(outputs, host);
    const registry = await registryOptions(host);
    // A user without root builds as root of a user namespace: this program once more, inside.
    if (needsUserNamespace()) {
      const exitCode = await inUserNamespace(host, (text) => warn(text, options, host));
      if (exitCode !== undefined) return exitCode;
    }

    const context = await openBuildContext(operands[0] ?? '', options.file, host);
    const progress = openProgress(options, host);
    const warnings = new WarningCollector(progress.reporter);
    const showWarnings = (): void => {
      if (!options.quiet && progress.json === undefined) host.stderr.write(warnings.text(host));
    };
    const onError = opensShell(options)
      ? {
          onFailedRun: async (failed: FailedRun) => {
            progress.close();
            const { openFailedRun } = await import('../failed-run.ts');
            await openFailedRun(failed, host);
          },
        }
      : {};
    try {
      const store = await Store.open(settings.root);
      const result = await build({ ...flags, registry, ...context, ...onError }, store, warnings, host.signal);
      progress.close();
      showWarnings();
      const openPushProgress = () => openProgress(options, host, PUSHING);
      const pushed = await deliver(result, outputs, {
        store,
        registry,
        host,
        annotations: flags.annotations ?? new Map(),
        openProgress: openPushProgress,
        notice: (text) => warn(text, options, host),
      });
      await tellId(result, options, host);
      await writeMetadata(result, pushed, options['metadata-file'], host);
      if (!options.quiet && progress.mode !== 'json') {
        host.stderr.write(
          `${layerLines(result)
            .map((line) => `${line}\n`)
            .join('')}${closingLine(result, outputs)}\n`,
        );
      }
      return EXIT_OK;
    } catch (error) {
      progress.close();
      showWarnings();
      return await reportFailure(error, { progress, debug: settings.debug }, host);
    }
  },
});

/** A limit of the sandbox, told before the build starts. */
function warn(text: string, flags: BuildFlags, host: Host): void {
  if (flags.quiet) return;
  const json = flags.progress === 'json';
  const event = { type: 'notice', level: 'warning', message: text };
  host.stderr.write(json ? `${JSON.stringify(event)}\n` : `WARNING: ${sanitizeName(text)}\n`);
}

async function tellId({ image }: BuildResult, flags: BuildFlags, host: Host): Promise<void> {
  if (flags.iidfile) {
    await writeOutputFile(resolve(host.cwd, flags.iidfile), (sink) => sink(Buffer.from(image.id)), host.signal);
  }
  if (flags.quiet) host.stdout.write(`${image.id}\n`);
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

/** What was built and what to do next. */
function closingLine(result: BuildResult, outputs: readonly BuildOutput[]): string {
  const { image, names, steps } = result;
  const id = shownId(image.id, false);
  const name = names[0] === undefined ? id : shortName(names[0]);
  const built = `Built ${name} (${name === id ? '' : `${id}, `}${humanSize(result.size)}) in ${stepTime(result.milliseconds)}${cachedSteps(steps)}.`;
  const file = outputs.find((output) => output.kind === 'file');
  const pushed = outputs.find((output) => output.kind === 'registry');
  if (pushed !== undefined)
    return `${built} Next: docker run --rm ${pushed.name === undefined ? name : shortName(pushed.name)}`;
  if (outputs.some((output) => output.kind === 'engine')) return `${built} Next: docker run --rm ${name}`;
  if (file !== undefined) return `${built} Next: docker load -i ${sanitizeName(file.path)}`;
  const files = outputs.find((output) => output.kind === 'files');
  if (files !== undefined) return `${built} Its files are in ${sanitizeName(files.path)}`;
  if (outputs.length > 0) return built;
  return `${built} Next: tsbuild save ${name} | docker load`;
}

function cachedSteps({ total, cached, saved }: BuildResult['steps']): string {
  if (cached === 0) return '';
  const time = saved < 50 ? '' : `, saved ${stepTime(saved)}`;
  return `${cached === total ? ', every step cached' : `, ${cached} of ${total} steps cached`}${time}`;
}

/** As people type it: `my-app`, not `docker.io/library/my-app:latest`. */
function shortName(name: string): string {
  return sanitizeName(familiarName(parseReference(name)).replace(/:latest$/, ''));
}

function opensShell(flags: Pick<BuildFlags, 'on-error' | 'debug-shell'>): boolean {
  return flags['debug-shell'] || flags['on-error'] === 'shell';
}
