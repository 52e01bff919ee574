import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { CommandError, UsageError, notSupportedYet } from '../errors.ts';
import type { Host, InputStream } from '../host.ts';
import { untilAborted } from '../until-aborted.ts';

/** Where the build reads from. */
export interface BuildContext {
  /** Absolute directory. */
  readonly directory: string;
  /** Absolute path of the Dockerfile. */
  readonly dockerfile: string;
  /** What stands for the Dockerfile from build to build, when it comes from standard input. */
  readonly dockerfileKey?: string;
  /** The Dockerfile's name for people. */
  readonly shownName: string;
  /** Removes what was made for this build. */
  dispose(): Promise<void>;
}

/** No Dockerfile is larger; anything that is was not meant to be one. Bytes. */
const LARGEST_DOCKERFILE = 16 << 20;

/**
 * Finds context and Dockerfile for `tsbuild build [-f FILE] PATH|-`. A Dockerfile on standard input goes into a temporary
 * directory; with `-` as PATH that directory's empty `context` is the context.
 * @throws UsageError, CommandError
 */
export async function openBuildContext(path: string, file: string | undefined, host: Host): Promise<BuildContext> {
  if (/^(?:https?|git|ssh):\/\/|^git@|^github\.com\//.test(path))
    throw notSupportedYet(`a context at a URL, ${path}`, 'build');
  if (path === '-' && file !== undefined && file !== '-')
    throw notSupportedYet('-f with a context on standard input', 'build');
  if (path === '')
    throw new UsageError('the context PATH is empty', { command: 'build', hint: 'use . for this directory' });
  if (path === '-' || file === '-') return contextFromStdin(path, host);

  const directory = await contextDirectory(path, host);
  const dockerfile = file === undefined || file === '' ? join(directory, 'Dockerfile') : resolve(host.cwd, file);
  return { directory, dockerfile, shownName: shownPath(dockerfile, directory, host), dispose: async () => {} };
}

async function contextDirectory(path: string, host: Host): Promise<string> {
  const directory = resolve(host.cwd, path);
  const info = await stat(directory).catch(() => undefined);
  if (info === undefined) throw new CommandError(`the context ${path} does not exist`);
  if (info.isDirectory()) return directory;
  throw new CommandError(`the context ${path} is not a directory`, {
    hint: `for a Dockerfile of another name: tsbuild build -f ${path} .`,
  });
}

async function contextFromStdin(path: string, host: Host): Promise<BuildContext> {
  const directory = path === '-' ? undefined : await contextDirectory(path, host);
  const text = await untilAborted(readDockerfile(host.stdin, path), host.signal);
  const temporary = await mkdtemp(join(tmpdir(), 'tsbuild-stdin-'));
  const dispose = () => rm(temporary, { recursive: true, force: true });
  try {
    const dockerfile = join(temporary, 'Dockerfile');
    await writeFile(dockerfile, text);
    const empty = join(temporary, 'context');
    await mkdir(empty);
    const dockerfileKey = `${directory ?? ''}/-`;
    return { directory: directory ?? empty, dockerfile, dockerfileKey, shownName: 'Dockerfile', dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function readDockerfile(stdin: InputStream, path: string): Promise<Buffer> {
  if (stdin.isTTY === true) {
    throw new UsageError('the Dockerfile is to come from standard input, which is a terminal', {
      hint: `tsbuild build ${path === '-' ? '-' : `-f - ${path}`} < Dockerfile`,
      command: 'build',
    });
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    size += bytes.length;
    if (isArchive(chunks[0] ?? bytes, size, chunks))
      throw notSupportedYet('a context archive on standard input', 'build');
    if (size > LARGEST_DOCKERFILE) throw new CommandError('the Dockerfile on standard input is larger than 16 MiB');
  }
  if (size === 0) throw new CommandError('standard input is empty: there is no Dockerfile in it');
  return Buffer.concat(chunks);
}

/** gzip, bzip2, xz and zstd by their first bytes, tar by its magic at 257. */
function isArchive(first: Buffer, size: number, chunks: readonly Buffer[]): boolean {
  const start = first.subarray(0, 4).toString('latin1');
  if (/^(?:\x1f\x8b|BZh|\xfd7zX|\x28\xb5\x2f\xfd)/.test(start)) return true;
  if (size < 262 || size > 1 << 20) return false;
  return Buffer.concat(chunks).subarray(257, 262).toString('latin1') === 'ustar';
}

/** As people would type it: relative when it is inside the context or below the working directory. */
function shownPath(dockerfile: string, directory: string, host: Host): string {
  for (const base of [host.cwd, directory]) {
    const path = relative(base, dockerfile);
    if (!path.startsWith('../')) return path;
  }
  return dockerfile;
}
