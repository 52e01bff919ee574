import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statfsSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import {
  type ByteString,
  byteStringToUtf8,
  compareByteStrings,
  encodeTarHeader,
  END_OF_ARCHIVE,
  type TarEntry,
} from '@tsbuild/oci';
import { CAPABILITY_XATTR, errorCode, type Native } from '@tsbuild/oci/internal';
import { BuildError } from '../../diagnostics/build-error.ts';
import { type FileFacts, factsOfFile, readFacts } from '../../disk/file-facts.ts';
import { pathIn, type HeldPlace } from './rooted-directory.ts';

/** What {@link packTree} needs. */
export interface PackOptions {
  /** What the thing is called in the archive; `''` leaves a directory itself out, and names start with what is in it. */
  readonly name: ByteString;
  /** Times in whole seconds, as docker writes them. */
  readonly wholeSeconds?: boolean;
  readonly native: Native;
  readonly signal: AbortSignal;
}

/** Milliseconds. */
const BREATH = 20;
const READ_SIZE = 256 * 1024;
const BLOCK_SIZE = 512;
/** statfs(2) of the kernel's own: proc, sysfs, cgroup, cgroup2, devpts, mqueue, debugfs, tracefs, securityfs. */
const KERNEL_FILESYSTEMS = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202, 0x64626720, 0x74726163, 0x73636673,
]);

/**
 * What is at a place as one tar archive: names in byte order, a directory before what is in it, a file with several names
 * once and links to it. Sockets are left out, and what is inside the kernel's own filesystems. Nobody who changes the tree
 * meanwhile leads us out of it: everything is opened from the directory that it is in, and no symlink is followed.
 * @throws BuildError `FILE_CHANGED` when a file becomes shorter while it is read
 */
export async function* packTree(place: HeldPlace, options: PackOptions): AsyncGenerator<Uint8Array, void, undefined> {
  let breathedAt = performance.now();
  for await (const chunk of pack(place, options)) {
    yield chunk;
    // All of this may go on without waiting for anything; signals must get in between.
    if (performance.now() - breathedAt < BREATH) continue;
    await setImmediate();
    options.signal.throwIfAborted();
    breathedAt = performance.now();
  }
  yield END_OF_ARCHIVE.slice();
}

async function* pack(place: HeldPlace, options: PackOptions): AsyncGenerator<Uint8Array, void, undefined> {
  const packer = new Packer(options);
  if (place.parent === undefined) {
    const fd = openSync(`/proc/self/fd/${place.fd}/.`, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      yield* packer.directory(fd, options.name);
    } finally {
      closeSync(fd);
    }
  } else yield* packer.entry(place.parent, place.name, options.name);
}

class Packer {
  readonly #options: PackOptions;
  readonly #firstNames = new Map<string, ByteString>();
  readonly #xattr: ReturnType<Native['xattrs']> | undefined;

  constructor(options: PackOptions) {
    this.#options = options;
    // Without the library an attribute costs a process, and most files have none.
    this.#xattr = options.native.kind === 'library' ? options.native.xattrs(Buffer.from('/')) : undefined;
  }

  /** One name of a directory, with all below it. */
  async *entry(parent: number, name: ByteString, path: ByteString): AsyncGenerator<Uint8Array, void, undefined> {
    this.#options.signal.throwIfAborted();
    const raw = pathIn(parent, name);
    const facts = readFacts(raw);
    if (facts.type === 'directory') {
      const fd = openSync(raw, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        yield* this.directory(fd, path);
      } finally {
        closeSync(fd);
      }
    } else if (facts.type === 'file') yield* this.#file(raw, path);
    else if (facts.type === 'symlink') yield this.#header(facts, path, readlinkSync(raw, { encoding: 'latin1' }));
    else if (facts.type !== 'socket' && facts.type !== 'whiteout') yield this.#header(facts, path);
  }

  async *directory(fd: number, path: ByteString): AsyncGenerator<Uint8Array, void, undefined> {
    if (path !== '') yield this.#header(factsOfFile(fstatSync(fd, { bigint: true })), path);
    if (KERNEL_FILESYSTEMS.has(Number(statfsSync(`/proc/self/fd/${fd}`).type))) return;
    const names = readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }).map((name) => name.toString('latin1'));
    for (const name of names.toSorted(compareByteStrings)) {
      const below = path === '' || path.endsWith('/') ? `${path}${name}` : `${path}/${name}`;
      // Gone since its name was read, as files of a container that runs may be.
      if (isThere(fd, name)) yield* this.entry(fd, name, below);
    }
  }

  async *#file(raw: Buffer, path: ByteString): AsyncGenerator<Uint8Array, void, undefined> {
    const fd = openSync(raw, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(fd, { bigint: true });
      const facts = factsOfFile(stats);
      const key = `${stats.dev}:${stats.ino}`;
      const first = facts.links > 1 ? this.#firstNames.get(key) : undefined;
      if (first !== undefined) return yield this.#header({ ...facts, type: 'hardlink', size: 0 }, path, first);
      if (facts.links > 1) this.#firstNames.set(key, path);
      const capability = this.#xattr?.(raw, CAPABILITY_XATTR);
      yield this.#header(facts, path, '', capability);
      yield* content(fd, facts.size, path);
    } finally {
      closeSync(fd);
    }
  }

  #header(
    facts: Omit<FileFacts, 'type'> & { readonly type: FileFacts['type'] | 'hardlink' },
    path: ByteString,
    linkPath: ByteString = '',
    capability?: Uint8Array,
  ): Uint8Array {
    const { type, uid, gid, size, mtime, devMajor, devMinor } = facts;
    const entry: TarEntry = {
      path,
      type: type as TarEntry['type'],
      mode: type === 'symlink' ? 0o777 : facts.mode,
      uid,
      gid,
      size,
      mtime: this.#options.wholeSeconds === true ? { ...mtime, nanoseconds: 0 } : mtime,
      linkPath,
      devMajor,
      devMinor,
      ...(capability === undefined ? {} : { xattrs: new Map([[CAPABILITY_XATTR, capability]]) }),
    };
    return encodeTarHeader(entry);
  }
}

function* content(fd: number, size: number, path: ByteString): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; ) {
    // One of its own for each: the reader may keep it.
    const chunk = Buffer.allocUnsafe(Math.min(READ_SIZE, left));
    const length = readSync(fd, chunk);
    if (length === 0) {
      throw new BuildError('FILE_CHANGED', `/${byteStringToUtf8(path)} became shorter while it was read`, {
        hint: 'Copy it while no process writes to it, or stop the container first.',
      });
    }
    yield chunk.subarray(0, length);
    left -= length;
  }
  const padding = (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
  if (padding > 0) yield new Uint8Array(padding);
}

function isThere(directory: number, name: ByteString): boolean {
  try {
    return lstatSync(pathIn(directory, name), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // A mount that its user lets nobody else look into.
    if (errorCode(error) === 'EACCES') return false;
    throw error;
  }
}
