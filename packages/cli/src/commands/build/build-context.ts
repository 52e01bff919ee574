import { type Stats, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { type BuildOptions, existingDockerfile } from '@tsbuild/builder';
import { CommandError, UsageError } from '../../host/usage-error.ts';
import type { Host } from '../../host/host.ts';
import { untilAborted } from '../../host/until-aborted.ts';

/** Where the build reads from. */
export type BuildInput = Pick<BuildOptions, 'context' | 'dockerfile' | 'dockerfileText' | 'dockerfileName'>;

/** No Dockerfile is larger; anything that is was not meant to be one. Bytes. */
const LARGEST_DOCKERFILE = 16 << 20;

/** As buildx tells URLs of contexts; the git forms without a scheme too. */
const REMOTE = /^(?:https?|git|ssh):\/\/|^[\w.-]+@[^/:\s]+:|^github\.com\//i;

/** Whether a word of the command line names something on the net. */
export function isRemote(text: string): boolean {
  return REMOTE.test(text);
}

/**
 * Finds context and Dockerfile for `tsbuild build [-f FILE|URL|-] PATH|URL|-`. Of a stream or URL the content decides later
 * whether it is a Dockerfile or a context.
 * @throws UsageError, CommandError
 */
export async function openBuildInput(path: string, file: string | undefined, host: Host): Promise<BuildInput> {
  if (path === '')
    throw new UsageError('the context PATH is empty', { command: 'build', hint: 'use . for this directory' });
  if (path === '-' && file === '-') {
    throw new UsageError('the context and the Dockerfile cannot both come from standard input', {
      command: 'build',
      hint: 'omit -f to build a Dockerfile without a context: tsbuild build - < Dockerfile',
    });
  }
  const named = file === undefined || file === '' || file === '-' ? undefined : file;
  const text = file === '-' ? { dockerfileText: await textFromStdin(path, host) } : {};
  if (path === '-') {
    refuseTerminal('tsbuild build - < Dockerfile', host);
    return { context: { kind: 'stream', bytes: standardInput(host) }, ...(named && { dockerfile: named }) };
  }
  const local = resolve(host.cwd, path);
  const isDirectory = statOf(local)?.isDirectory() === true;
  if (!isDirectory && isRemote(path)) {
    return { context: { kind: 'url', url: path }, ...text, ...(named && { dockerfile: named }) };
  }
  const directory = contextDirectory(path, host);
  if (file === '-') return { context: directory, ...text };
  if (named !== undefined && /^https?:\/\//i.test(named)) return { context: directory, dockerfile: named };
  const dockerfile = existingDockerfile(named === undefined ? join(directory, 'Dockerfile') : resolve(host.cwd, named));
  return { context: directory, dockerfile, dockerfileName: shownPath(dockerfile, directory, host) };
}

function contextDirectory(path: string, host: Host): string {
  const directory = resolve(host.cwd, path);
  const info = statOf(directory);
  if (info === undefined) throw new CommandError(`the context ${path} does not exist`);
  if (info.isDirectory()) return directory;
  throw new CommandError(`the context ${path} is not a directory`, {
    hint: `for a Dockerfile of another name: tsbuild build -f ${path} . For an archive: tsbuild build - < ${path}`,
  });
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/** Standard input, which ends with an error when the command is interrupted. */
function standardInput({ stdin, signal }: Host): AsyncIterable<Uint8Array> {
  const stop = (): void => {
    // Where nobody reads yet, nobody listens either, and an error without a listener ends the process.
    stdin.on('error', () => {});
    stdin.destroy(signal.reason);
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  return stdin;
}

async function textFromStdin(path: string, host: Host): Promise<string> {
  refuseTerminal(`tsbuild build -f - ${path} < Dockerfile`, host);
  const text = await untilAborted(readAll(host), host.signal);
  if (text.length === 0) throw new CommandError('standard input is empty: it contains no Dockerfile');
  return text.toString('utf8');
}

function refuseTerminal(hint: string, host: Host): void {
  if (host.stdin.isTTY !== true) return;
  throw new UsageError('cannot read the Dockerfile from standard input: it is a terminal', {
    hint,
    command: 'build',
  });
}

async function readAll({ stdin }: Host): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    if (size > LARGEST_DOCKERFILE) throw new CommandError('the Dockerfile on standard input is larger than 16 MiB');
  }
  return Buffer.concat(chunks);
}

/** As people would type it: relative when it is inside the context or below the working directory. */
function shownPath(dockerfile: string, directory: string, host: Host): string {
  for (const base of [host.cwd, directory]) {
    const path = relative(base, dockerfile);
    if (!path.startsWith('../')) return path;
  }
  return dockerfile;
}
