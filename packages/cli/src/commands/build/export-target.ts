import { resolve } from 'node:path';
import type { BuildError, ExportTarget } from '@tsbuild/builder';
import { streamSink } from '@tsbuild/oci/internal';
import { CommandError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import type { BuildOutput } from './build-output.ts';

/** The exporter's target of an output; undefined of those that need none, and of registries, which need more than a host. */
export function exportTarget(output: BuildOutput, host: Host): ExportTarget | undefined {
  switch (output.kind) {
    case 'file':
      return { kind: 'archive', ...named(output.path, host) };
    case 'stdout':
      return { kind: 'archive', to: standardOutput(host) };
    case 'tar':
      if (output.path === '-') return { kind: 'tar', to: standardOutput(host), ...choicesOf(output) };
      return { kind: 'tar', ...named(output.path, host), ...choicesOf(output) };
    case 'files':
      return {
        kind: 'files',
        directory: resolve(host.cwd, output.path),
        shownAs: output.path,
        ...choicesOf(output),
      };
    case 'directory':
      return { kind: 'layout', directory: resolve(host.cwd, output.path), shownAs: output.path };
    case 'engine':
      return { kind: 'engine', environment: host.env, onOutput: (text) => void host.stderr.write(text) };
    default:
      return undefined;
  }
}

/** The error of an exporter with what to type instead, where that is ours to say: programs have no flags. */
export function advised(error: unknown, output: BuildOutput): unknown {
  if (!isExportError(error)) return error;
  if (output.kind === 'files' && error.hint === undefined) {
    return new CommandError(error.message, {
      hint: `for an archive: -o type=docker,dest=${output.path}`,
      cause: error,
    });
  }
  const { cause } = error;
  if (output.kind === 'engine' && cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
    return new CommandError('--load needs the docker command, which is not on the PATH', {
      hint: 'use -o FILE, and docker load -i FILE on the machine of the engine',
      cause,
    });
  }
  return error;
}

type FileChoices = Pick<Extract<BuildOutput, { readonly kind: 'files' }>, 'platformSplit' | 'attestationPrefix'>;

function choicesOf({ platformSplit, attestationPrefix }: FileChoices): FileChoices {
  return {
    ...(platformSplit === undefined ? {} : { platformSplit }),
    ...(attestationPrefix === undefined ? {} : { attestationPrefix }),
  };
}

function isExportError(error: unknown): error is BuildError {
  return error instanceof Error && 'code' in error && error.code === 'EXPORT_FAILED';
}

function named(path: string, host: Host): { readonly to: string; readonly shownAs: string } {
  return { to: resolve(host.cwd, path), shownAs: path };
}

function standardOutput(host: Host): ReturnType<typeof streamSink> {
  return streamSink(host.stdout, host.signal);
}
