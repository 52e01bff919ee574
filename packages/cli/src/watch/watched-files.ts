import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ByteString } from '@tsbuild/oci';

/** Files of editors that lie beside what is edited: swap files, locks, copies of what was before. */
const OF_EDITORS = /^(?:\..*\.sw[a-z]|\.#.*|#.*#|.*~|4913)$/s;

/** Paths that the watcher must know beside those that COPY reads. */
export interface WatchedFiles {
  /** Dockerfile and ignore files: they always matter. */
  readonly named: ReadonlySet<ByteString>;
  /** Where the named files lie, and the context: watched from the start. */
  readonly directories: readonly ByteString[];
  /** What the build itself writes, and whatever is below. */
  readonly written: readonly ByteString[];
}

/** All paths are absolute. `dockerfile`: undefined when it is none of this machine's files. */
export function watchedFiles(
  context: string,
  dockerfile: string | undefined,
  written: readonly string[],
): WatchedFiles {
  const files = [join(context, '.dockerignore')];
  if (dockerfile !== undefined) files.push(dockerfile, `${dockerfile}.dockerignore`);
  // A link to a file elsewhere: saving changes what it leads to.
  const real = files.map((path) => (path === dockerfile ? (realOf(path) ?? path) : inRealFolder(path)));
  const named = [...files.map(inRealFolder), ...real];
  return {
    named: new Set(named.map(bytesOf)),
    directories: [...new Set([inRealFolder(join(context, 'x')), ...named].map((path) => bytesOf(dirname(path))))],
    written: written.map((path) => bytesOf(inRealFolder(path))),
  };
}

/** Whether nobody wants to hear of a change of this path: the build's own, or an editor's. */
export function isNoise(path: ByteString, { named, written }: WatchedFiles): boolean {
  if (named.has(path)) return false;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (OF_EDITORS.test(name)) return true;
  return written.some((own) => {
    if (path === own || path.startsWith(`${own}/`)) return true;
    // What is written takes its name when it is whole.
    const beside = own.slice(0, own.lastIndexOf('/') + 1);
    return path.startsWith(`${beside}.${own.slice(beside.length)}.`) && path.endsWith('.tmp');
  });
}

/** The files that standard output and standard error go to: a log in the context must not make the next build. */
export function ownStreams(): readonly string[] {
  return [1, 2].flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith('/') && !path.startsWith('/dev/') ? [path] : [];
    } catch {
      return [];
    }
  });
}

/** Whether there is anything under this path. */
export function isThere(path: ByteString): boolean {
  return lstatSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false }) !== undefined;
}

function bytesOf(path: string): ByteString {
  return Buffer.from(path).toString('latin1');
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** The path as the kernel names it: no link on the way, whatever the last name is. */
function inRealFolder(path: string): string {
  return join(realOf(dirname(path)) ?? dirname(path), basename(path));
}
