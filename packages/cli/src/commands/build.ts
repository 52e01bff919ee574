import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type BuildResult, Store, build, needsUserNamespace, runInUserNamespace } from '@tsbuild/builder';
import { familiarName, parseReference, writeArchive } from '@tsbuild/oci/node';
import { defineCommand } from '../command.ts';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT_OK } from '../exit-code.ts';
import type { Host } from '../host.ts';
import { loadIntoEngine } from '../load-into-engine.ts';
import { usesColour } from '../output/colour.ts';
import { diagnose, renderDiagnostic } from '../output/diagnostic.ts';
import { humanSize, stepTime } from '../output/human.ts';
import { shownId } from '../output/image-id.ts';
import { sanitizeName } from '../output/sanitize.ts';
import { type Sink, writeOutputFile } from '../output-file.ts';
import { streamSink } from '../output-stream.ts';
import { interruptionOf, reportError } from '../report-error.ts';
import { openBuildContext } from './build-context.ts';
import { type BuildFlags, buildOptionTable, builderOptions } from './build-options.ts';
import { type BuildOutput, parseBuildOutput } from './build-output.ts';
import { type BuildProgress, openProgress } from './build-progress.ts';

/** `tsbuild build`: the reason for everything else. */
export const buildCommand = defineCommand({
  name: 'build',
  synopsis: 'PATH | -',
  summary: 'Build an image from a Dockerfile',
  options: buildOptionTable,
  operands: {
    min: 1,
    max: 1,
    what: 'one PATH, the directory of the context (. for this one), or - for standard input',
  },
  examples: [
    ['tsbuild build -t my-app .', 'Build ./Dockerfile, name the image my-app'],
    ['tsbuild build -t my-app -o my-app.tar .', 'Also write an archive for docker load -i'],
    ['tsbuild build --target test .', 'Build one stage'],
    ['tsbuild build -q -f docker/web.Dockerfile .', 'Print the image ID only'],
  ],
  async run({ options, operands, settings }, host) {
    const flags = builderOptions(options, host);
    const outputs = checkOutputs(options, host);
    for (const output of outputs) if (output.kind === 'file') await checkFolder(output.path, host);
    // A user without root builds as root of a user namespace: this program once more, inside.
    if (needsUserNamespace()) return runInUserNamespace(host.commandLine, (text) => warn(text, options, host));

    const context = await openBuildContext(operands[0] ?? '', options.file, host);
    const progress = openProgress(options, host);
    try {
      const store = await Store.open(settings.root);
      const { directory, dockerfile, shownName: dockerfileName } = context;
      const result = await build(
        { ...flags, context: directory, dockerfile, dockerfileName },
        store,
        progress.reporter,
        host.signal,
      );
      progress.close();
      await deliver(result, outputs, store, options, host);
      if (!options.quiet && progress.mode !== 'json') host.stderr.write(`${closingLine(result, outputs)}\n`);
      return EXIT_OK;
    } catch (error) {
      progress.close();
      return await reportBuildError(error, { progress, debug: settings.debug }, host);
    } finally {
      await context.dispose();
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

/** Where the image goes, checked before anything is built. */
function checkOutputs(flags: BuildFlags, host: Host): readonly BuildOutput[] {
  const outputs = flags.output.map(parseBuildOutput);
  if (flags.load && !outputs.some((output) => output.kind === 'engine')) outputs.push({ kind: 'engine' });
  const toStdout = outputs.filter((output) => output.kind === 'stdout').length;
  const wrong = (message: string, hint: string) => new UsageError(message, { hint, command: 'build' });
  if (toStdout > 1) throw wrong('--output - was given twice', 'one archive goes to standard output');
  if (toStdout === 1 && flags.quiet) throw wrong('--output - and --quiet both write to standard output', 'use -o FILE');
  if (toStdout === 1 && host.stdout.isTTY === true) {
    throw wrong('refusing to write an archive to a terminal', 'use -o FILE, or pipe it: … -o - . | docker load');
  }
  return outputs;
}

/** A build of minutes should not end with a folder that is not there. */
async function checkFolder(path: string, host: Host): Promise<void> {
  const folder = dirname(resolve(host.cwd, path));
  const info = await stat(folder).catch(() => undefined);
  if (info?.isDirectory() !== true) throw new CommandError(`cannot write ${path}: ${folder} is not a directory`);
}

async function deliver(
  result: BuildResult,
  outputs: readonly BuildOutput[],
  store: Store,
  flags: BuildFlags,
  host: Host,
): Promise<void> {
  const { image } = result;
  const named = { ...image, names: result.names.map((name) => parseReference(name)) };
  const archive = (sink: Sink) => writeArchive([named], store.layout.blobs, sink);
  for (const output of outputs) {
    if (output.kind === 'file') await writeOutputFile(resolve(host.cwd, output.path), archive, host.signal);
    else if (output.kind === 'stdout') await archive(streamSink(host.stdout, host.signal));
    else await loadIntoEngine(archive, host);
  }
  if (flags.iidfile) {
    await writeOutputFile(resolve(host.cwd, flags.iidfile), (sink) => sink(Buffer.from(image.id)), host.signal);
  }
  if (flags.quiet) host.stdout.write(`${image.id}\n`);
}

/** What was built and what to do next. */
function closingLine(result: BuildResult, outputs: readonly BuildOutput[]): string {
  const { image, names, steps } = result;
  const id = shownId(image.id, false);
  const name = names[0] === undefined ? id : shortName(names[0]);
  const built = `Built ${name} (${name === id ? '' : `${id}, `}${humanSize(result.size)}) in ${stepTime(result.milliseconds)}${cachedSteps(steps)}.`;
  const file = outputs.find((output) => output.kind === 'file');
  if (outputs.some((output) => output.kind === 'engine')) return `${built} Next: docker run --rm ${name}`;
  if (file !== undefined) return `${built} Next: docker load -i ${sanitizeName(file.path)}`;
  if (outputs.length > 0) return built;
  return `${built} Next: tsbuild save ${name} | docker load`;
}

function cachedSteps({ total, cached }: BuildResult['steps']): string {
  if (cached === 0) return '';
  return cached === total ? ', every step cached' : `, ${cached} of ${total} steps cached`;
}

/** As people type it: `my-app`, not `docker.io/library/my-app:latest`. */
function shortName(name: string): string {
  return sanitizeName(familiarName(parseReference(name)).replace(/:latest$/, ''));
}

async function reportBuildError(
  error: unknown,
  state: { readonly progress: BuildProgress; readonly debug: boolean },
  host: Host,
): Promise<number> {
  if (interruptionOf(host.signal) !== undefined) return reportError(error, host, state);
  const diagnostic = diagnose(error, state);
  if (state.progress.json === undefined) {
    host.stderr.write(renderDiagnostic(diagnostic, { colour: usesColour(host.stderr, host.env) }));
  } else {
    state.progress.json.fail(diagnostic);
  }
  return diagnostic.exitCode;
}
