import { type ByteString, byteStringToUtf8 } from '@tsbuild/oci';
import { errorCode } from '@tsbuild/oci/internal';
import { extractTar, type ExtractTarOptions } from '@tsbuild/oci/node';
import { BuildError } from '../../diagnostics/build-error.ts';
import { DiskOwners } from '../../disk/disk-owners.ts';
import { loadNative } from '../../disk/load-native.ts';
import { containerUser } from '../accounts.ts';
import type { Container } from '../../container-state/container.ts';
import { openContainerRoot } from './container-root.ts';
import { packTree } from './pack-tree.ts';
import { type Destination, placementOf, thingAt } from './placement.ts';
import { isDirectory, type HeldPlace, RootedDirectory } from './rooted-directory.ts';

/** Choices of both directions. */
export interface ContainerCopyOptions {
  /** Copy what a symlink at the source leads to. */
  readonly followLink: boolean;
  /** Keep owners: docker's `--archive`. */
  readonly archive: boolean;
  /** Is told what could not be copied. */
  readonly notice: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A tar archive on its way. */
export type ArchiveStream = AsyncIterable<Uint8Array>;

/** Of overflowuid: in a user namespace, the owner of every file whose owner has no number there. */
const NOBODY = 65534;

/**
 * What is at a path of a container as a tar archive, named after its last name.
 * @throws BuildError `SOURCE_NOT_FOUND`, `FILE_CHANGED`
 */
export async function* readFromContainer(
  container: Container,
  path: ByteString,
  options: ContainerCopyOptions,
): ArchiveStream {
  using root = await openContainerRoot(container, 'read', options.signal);
  using place = source(root.directory, path, options.followLink, `${container.name}:`);
  const { contentOnly, name: asked } = thingAt(path, isDirectory(place.stats));
  const name = contentOnly || place.name === '' ? '.' : options.followLink ? place.name : asked;
  yield* packTree(place, { name, native: await loadNative(), signal: options.signal });
}

/**
 * Copies out of a container to a path of this machine, absolute. Files become whoever's runs this, unless root keeps
 * their owners.
 * @returns bytes of the archive in between
 * @throws BuildError `SOURCE_NOT_FOUND`, `COPY_FAILED`, `FILE_CHANGED`; OciError `STORE_UNWRITABLE`
 */
export async function copyFromContainer(
  container: Container,
  from: ByteString,
  to: ByteString,
  options: ContainerCopyOptions,
): Promise<number> {
  using host = new RootedDirectory('/');
  using target = destination(host, to, (parent) => `invalid output path: directory "${parent}" does not exist`);
  using root = await openContainerRoot(container, 'read', options.signal);
  using place = source(root.directory, from, options.followLink, `${container.name}:`);
  const { name, into } = placementOf(thingAt(from, isDirectory(place.stats)), describe(target, to));
  const isRoot = process.geteuid?.() === 0 && !DiskOwners.read().nested;
  const counted = new Counted(packTree(place, { name, native: await loadNative(), signal: options.signal }));
  await extractTar(counted, `/proc/self/fd/${into === 'parent' ? target.parent : target.fd}`, {
    // A device that a container made would be a real one out here.
    devices: false,
    owner: ({ uid, gid }) => (options.archive && isRoot ? { uid, gid } : undefined),
    ...common(options),
  });
  return counted.bytes;
}

/**
 * Copies a path of this machine, absolute, into a container.
 * @returns bytes of the archive in between
 * @throws BuildError `SOURCE_NOT_FOUND`, `COPY_FAILED`, `FILE_CHANGED`; OciError `STORE_UNWRITABLE`
 */
export async function copyToContainer(
  container: Container,
  from: ByteString,
  to: ByteString,
  options: ContainerCopyOptions,
): Promise<number> {
  using host = new RootedDirectory('/');
  using place = source(host, from, options.followLink, '');
  using root = await openContainerRoot(container, 'write', options.signal);
  using target = inside(container, root.directory, to);
  if (target.stats !== undefined && !isDirectory(target.stats) && (target.stats.mode & 0o170000n) !== 0o100000n) {
    throw new BuildError('COPY_FAILED', `destination "${shown(container, to)}" must be a directory or a regular file`);
  }
  const { name, into } = placementOf(thingAt(from, isDirectory(place.stats)), describe(target, to));
  const counted = new Counted(packTree(place, { name, native: await loadNative(), signal: options.signal }));
  const directory = into === 'parent' ? target.path.slice(0, Math.max(0, target.path.lastIndexOf('/'))) : target.path;
  await unpackInto(counted, container, root.directory, directory, options);
  return counted.bytes;
}

/**
 * Unpacks a tar archive into a directory of a container.
 * @throws BuildError `COPY_FAILED`; OciError `TAR_INVALID`, `STORE_UNWRITABLE`
 */
export async function writeToContainer(
  container: Container,
  archive: ArchiveStream,
  to: ByteString,
  options: ContainerCopyOptions,
): Promise<void> {
  using root = await openContainerRoot(container, 'write', options.signal);
  using target = inside(container, root.directory, to);
  if (!isDirectory(target.stats)) {
    throw new BuildError('COPY_FAILED', `destination "${shown(container, to)}" must be a directory`);
  }
  await unpackInto(archive, container, root.directory, target.path, options);
}

async function unpackInto(
  archive: ArchiveStream,
  container: Container,
  root: RootedDirectory,
  into: ByteString,
  options: ContainerCopyOptions,
): Promise<void> {
  refuseReadOnly(container, into);
  const owners = DiskOwners.read();
  const owner = (id: number): number => (owners.nested && id === NOBODY ? 0 : id);
  const { User: user = '' } = container.config.config;
  const fixed = options.archive && user !== '' ? containerUser(container, user) : undefined;
  await extractTar(archive, `/proc/self/fd/${root.fd}`, {
    into,
    devices: !owners.nested,
    owner: ({ uid, gid }) => fixed ?? { uid: owners.uid(owner(uid)), gid: owners.gid(owner(gid)) },
    resolve: (directory) => {
      using place = root.find(directory, true);
      return isDirectory(place.stats) ? place.path : undefined;
    },
    ...common(options),
  });
}

function common({ notice, signal }: ContainerCopyOptions): Pick<ExtractTarOptions, 'onSkip' | 'signal'> {
  return {
    signal,
    onSkip: ({ path, reason }) => notice(`/${byteStringToUtf8(path)} was copied incompletely: ${reason}`),
  };
}

/** @throws BuildError `COPY_FAILED` where a process of the container could not write either */
function refuseReadOnly(container: Container, path: ByteString): void {
  const { mounts, readOnly } = container.config;
  const at = `/${byteStringToUtf8(path)}`;
  const mount = mounts.findLast(({ target }) => at === target || at.startsWith(`${target}/`));
  if (mount?.readOnly === true) throw new BuildError('COPY_FAILED', 'mounted volume is marked read-only');
  if (mount === undefined && readOnly) throw new BuildError('COPY_FAILED', 'container rootfs is marked read-only');
}

function source(root: RootedDirectory, path: ByteString, follow: boolean, whose: string): HeldPlace {
  const text = `${whose}${byteStringToUtf8(path)}`;
  try {
    const place = root.find(path, follow);
    if (place.stats !== undefined) return place;
    place[Symbol.dispose]();
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw failed(text, cause);
  }
  throw new BuildError(
    'SOURCE_NOT_FOUND',
    whose === '' ? `no such file or directory: ${text}` : `No such container:path: ${text}`,
  );
}

function inside(container: Container, root: RootedDirectory, path: ByteString): HeldPlace {
  const text = shown(container, path);
  return destination(root, path, (parent) => `No such container:path: ${container.name}:${parent}`, text);
}

function destination(
  root: RootedDirectory,
  path: ByteString,
  missing: (parent: string) => string,
  text = byteStringToUtf8(path),
): HeldPlace {
  try {
    return root.find(path, true);
  } catch (cause) {
    if (errorCode(cause) !== 'ENOENT') throw failed(text, cause);
    const parent = byteStringToUtf8(path).replace(/\/+[^/]*\/*$/, '') || '/';
    throw new BuildError('COPY_FAILED', missing(parent), { cause });
  }
}

function failed(text: string, cause: unknown): BuildError {
  const reasons: Readonly<Record<string, string>> = {
    ENOTDIR: 'not a directory',
    ELOOP: 'too many levels of symbolic links',
    EACCES: 'permission denied',
    ENAMETOOLONG: 'file name too long',
  };
  const reason = reasons[errorCode(cause) ?? ''] ?? (cause instanceof Error ? cause.message : String(cause));
  return new BuildError('COPY_FAILED', `${text}: ${reason}`, { cause });
}

function describe({ name, stats }: HeldPlace, path: ByteString): Destination {
  const kind = stats === undefined ? 'missing' : isDirectory(stats) ? 'directory' : 'other';
  return { kind, name, saysDirectory: path.endsWith('/') };
}

function shown(container: Container, path: ByteString): string {
  return `${container.name}:${byteStringToUtf8(path)}`;
}

/** Passes an archive on and counts its bytes. */
class Counted implements AsyncIterable<Uint8Array> {
  readonly #archive: ArchiveStream;
  bytes = 0;

  constructor(archive: ArchiveStream) {
    this.#archive = archive;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of this.#archive) {
      this.bytes += chunk.length;
      yield chunk;
    }
  }
}
