import type { ContainerConfig as ImageRunConfig } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import type { CreateOptions } from './create-options.ts';

/** What a container runs, and the image's config as the command line changed it. */
export interface MergedConfig {
  readonly config: ImageRunConfig;
  readonly argv: readonly string[];
}

/**
 * Merges the image's config with the command line as docker does: an entry point given takes the image's CMD away.
 * @throws BuildError `OPTION_INVALID` when there is no command at all
 */
export function mergeConfig(image: ImageRunConfig, options: CreateOptions): MergedConfig {
  const entrypoint = options.entrypoint ?? image.Entrypoint ?? [];
  const inherited = options.entrypoint === undefined ? (image.Cmd ?? []) : [];
  const cmd = options.command.length > 0 ? options.command : inherited;
  const argv = [...entrypoint, ...cmd];
  if (argv.length === 0) {
    throw new BuildError('OPTION_INVALID', 'no command specified', {
      hint: 'the image has neither CMD nor ENTRYPOINT: give a command after its name',
    });
  }
  const labels = { ...image.Labels, ...Object.fromEntries(options.labels) };
  const unnamed = options.volumes.filter(({ name }) => name === undefined).map(({ destination }) => [destination, {}]);
  const volumes: NonNullable<ImageRunConfig['Volumes']> = { ...image.Volumes, ...Object.fromEntries(unnamed) };
  const exposed = [...Object.keys(image.ExposedPorts ?? {}), ...(options.exposedPorts ?? [])].toSorted();
  const ports = Object.fromEntries(exposed.map((port) => [port, {}]));
  const { Entrypoint: _entrypoint, Cmd: _cmd, ...rest } = image;
  const config: ImageRunConfig = {
    ...rest,
    ...(entrypoint.length > 0 ? { Entrypoint: entrypoint } : {}),
    ...(cmd.length > 0 ? { Cmd: cmd } : {}),
    Env: withEnvironment(image.Env ?? [], options.environment),
    ...(options.workingDirectory === undefined ? {} : { WorkingDir: options.workingDirectory }),
    ...(options.user === undefined ? {} : { User: options.user }),
    ...(options.stopSignal === undefined ? {} : { StopSignal: options.stopSignal }),
    ...(Object.keys(ports).length > 0 ? { ExposedPorts: ports } : {}),
    ...(Object.keys(volumes).length > 0 ? { Volumes: volumes } : {}),
    ...(Object.keys(labels).length > 0 ? { Labels: labels } : {}),
  };
  return { config, argv };
}

/** What was given comes first, as docker has it, and hides what the image says of the same variables. */
function withEnvironment(image: readonly string[], given: readonly string[]): readonly string[] {
  const names = new Set(given.map(nameOf));
  return [...mergeEnvironment([], given), ...image.filter((pair) => !names.has(nameOf(pair)))];
}

/**
 * Later values win, in the place of the first; `KEY` alone takes the variable away. What has no name, as images of odd tools
 * have it, is left out, as in a RUN: runtimes refuse it.
 */
export function mergeEnvironment(base: readonly string[], added: readonly string[]): readonly string[] {
  const merged = new Map(base.map((pair) => [nameOf(pair), pair]));
  for (const pair of added) {
    if (pair.startsWith('=')) continue;
    if (pair.includes('=')) merged.set(nameOf(pair), pair);
    else merged.delete(pair);
  }
  return [...merged.values()];
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? pair : pair.slice(0, equals);
}
