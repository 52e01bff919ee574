import { readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ByteString } from '@tsbuild/oci';
import { byteStringToUtf8, compareByteStrings } from '@tsbuild/oci';
import {
  baseName,
  CAPABILITY_XATTR,
  errorCode,
  isOverlayXattr,
  isWhiteoutName,
  joinPath,
  type Native,
  OPAQUE_XATTRS,
  parentPath,
  rawPath,
  type RawPath,
} from '@tsbuild/oci/internal';
import type { RootfsEntry, RootfsTree } from '@tsbuild/oci/node';
import { BuildError } from '../diagnostics/build-error.ts';
import { isUnchanged } from './compare-entry.ts';
import type { DiskOwners } from '../disk/disk-owners.ts';
import { readFacts } from '../disk/file-facts.ts';
import type { FileFacts } from '../disk/file-facts.ts';

/** Something that exists and goes into the layer. */
export interface ChangedPath {
  readonly path: ByteString;
  readonly facts: FileFacts;
  readonly lower: RootfsEntry | undefined;
  readonly capability: Uint8Array | undefined;
}

/** What a directory tree changed beside its parent. */
export interface Changes {
  /** In the order of a layer: byte order of full paths, so a directory comes before what is in it. */
  readonly changed: readonly ChangedPath[];
  /** Paths that the parent has and the result must not; byte order. */
  readonly removed: readonly ByteString[];
  /** What is in the tree beside `changed`, overlayfs's whiteouts too: a directory comes before what is in it. */
  readonly left: readonly LeftPath[];
  /** Paths of the tree that carry a mark of overlayfs's, as far as the library for extended attributes is there. */
  readonly marked: readonly ByteString[];
}

/** Something in a tree that the layer has no use for. */
type LeftPath = Pick<ChangedPath, 'path'> & Pick<FileFacts, 'type'>;

/** How to read a tree. */
export interface DiffOptions {
  readonly native: Native;
  readonly owners: DiskOwners;
  readonly signal: AbortSignal;
  /** True for a complete tree: what is missing in it was removed. False for an overlay's upper directory. */
  readonly complete: boolean;
  /** True for what certainly nobody touched, so that it need not be compared; what is in a directory is looked at all the same. */
  readonly isUntouched?: (path: ByteString, facts: FileFacts) => boolean;
}

/**
 * Finds what a tree on disk changed beside the merged view below it. Decided by facts, never by mere presence: what was
 * copied up and is still the same is no change. A directory whose time alone moved is one, as in Docker's layers: the
 * command may have set it, and programs compare it (font and icon caches). Parents of what changed are in the layer, as
 * engines expect.
 * @throws BuildError `LAYER_INVALID` for names that mean removals in a layer, `SNAPSHOT_FAILED` when a file vanishes
 */
export async function findChanges(root: string, tree: RootfsTree, options: DiffOptions): Promise<Changes> {
  const walk = new DiffWalk(Buffer.from(root), tree, options);
  await walk.directory('', options.complete);
  return walk.result();
}

const NONE: readonly string[] = [];

/** A file with several names in the tree. */
interface LinkGroup {
  readonly members: ChangedPath[];
  changed: boolean;
}

class DiffWalk {
  readonly #root: RawPath;
  readonly #tree: RootfsTree;
  readonly #options: DiffOptions;
  readonly #xattr: ReturnType<Native['xattrs']>;
  readonly #directories = new Map<ByteString, ChangedPath>();
  readonly #changed = new Map<ByteString, ChangedPath>();
  readonly #removed: ByteString[] = [];
  readonly #walked: LeftPath[] = [];
  readonly #marked: ByteString[] = [];
  readonly #groups = new Map<bigint, LinkGroup>();
  #yieldedAt = performance.now();

  constructor(root: RawPath, tree: RootfsTree, options: DiffOptions) {
    this.#root = root;
    this.#tree = tree;
    this.#options = options;
    this.#xattr = options.native.xattrs(root);
  }

  /** @param replaces true when the directory stands alone: what it does not hold is gone */
  async directory(directory: ByteString, replaces: boolean): Promise<void> {
    const present = new Set<ByteString>();
    for (const name of this.#list(directory)) {
      const path = joinPath(directory, name);
      const raw = rawPath(this.#root, path);
      const facts = this.#facts(path, raw);
      this.#walked.push({ path, type: facts.type });
      if (facts.type === 'whiteout' || facts.type === 'socket') {
        if (!replaces && this.#tree.lookup(path) !== undefined) this.#removed.push(path);
        continue;
      }
      if (isWhiteoutName(name)) throw reservedName(path);
      present.add(name);
      if (facts.type === 'directory') await this.#enter(path, raw, facts, replaces);
      else this.#compare(path, raw, facts);
      if (performance.now() - this.#yieldedAt >= 20) await this.#breathe();
    }
    if (!replaces) return;
    for (const { path } of this.#tree.list(directory)) {
      if (!present.has(baseName(path))) this.#removed.push(path);
    }
  }

  result(): Changes {
    for (const group of this.#groups.values()) {
      if (group.changed || isNewGroup(group))
        for (const member of group.members) this.#changed.set(member.path, member);
    }
    for (const path of [...this.#changed.keys(), ...this.#removed]) this.#includeParents(path);
    return {
      changed: [...this.#changed.values()].toSorted((a, b) => compareByteStrings(a.path, b.path)),
      removed: this.#removed.toSorted(compareByteStrings),
      left: this.#walked.filter(({ path }) => !this.#changed.has(path)),
      marked: this.#marked,
    };
  }

  async #enter(path: ByteString, raw: RawPath, facts: FileFacts, replaces: boolean): Promise<void> {
    this.#namesOf(path, raw);
    const lower = this.#tree.lookup(path);
    const directory = { path, facts, lower, capability: undefined };
    this.#directories.set(path, directory);
    const isUntouched = lower?.type === 'directory' && this.#options.isUntouched?.(path, facts) === true;
    if (!isUntouched && !this.#isUnchanged(directory)) this.#changed.set(path, directory);
    // Below a directory that hides its own nothing carries a mark any more, so it is handed down.
    await this.directory(path, lower?.type === 'directory' && (replaces || this.#isOpaque(path)));
  }

  #compare(path: ByteString, raw: RawPath, facts: FileFacts): void {
    if (this.#options.isUntouched?.(path, facts) === true) return;
    const names = this.#namesOf(path, raw);
    // Most files have no attributes at all: one question settles that.
    const asks = facts.type === 'file' && (names === undefined || names.includes(CAPABILITY_XATTR));
    const capability = asks ? this.#xattr(raw, CAPABILITY_XATTR) : undefined;
    const change = { path, facts, lower: this.#tree.lookup(path), capability };
    const changed = change.lower === undefined || !this.#isUnchanged(change);
    if (facts.type === 'file' && facts.links > 1) {
      const group = this.#groups.get(facts.inode) ?? { members: [], changed: false };
      group.members.push(change);
      group.changed ||= changed;
      this.#groups.set(facts.inode, group);
    } else if (changed) {
      this.#changed.set(path, change);
    }
  }

  /** The names of a path's attributes; notes whether overlayfs's are among them. */
  #namesOf(path: ByteString, raw: RawPath): readonly string[] | undefined {
    const text = this.#options.native.xattrNames?.(raw);
    if (text === undefined || text === '') return text === '' ? NONE : undefined;
    const names = text.split('\0');
    if (names.some(isOverlayXattr)) this.#marked.push(path);
    return names;
  }

  #isUnchanged({ path, facts, lower, capability }: ChangedPath): boolean {
    if (lower === undefined) return false;
    return isUnchanged(lower, facts, rawPath(this.#root, path), capability, this.#options.owners);
  }

  #isOpaque(path: ByteString): boolean {
    // The other mode's attribute is none of overlayfs's here: the command itself may have set it.
    const name = this.#options.owners.nested ? OPAQUE_XATTRS.nested : OPAQUE_XATTRS.root;
    // `x` only says that whiteouts may be kept as attributes inside (Linux 6.7).
    return this.#xattr(rawPath(this.#root, path), name)?.[0] === 'y'.charCodeAt(0);
  }

  #includeParents(path: ByteString): void {
    for (let parent = parentPath(path); parent !== '' && !this.#changed.has(parent); parent = parentPath(parent)) {
      const directory = this.#directories.get(parent);
      if (directory === undefined) throw vanished(parent);
      this.#changed.set(parent, directory);
    }
  }

  #list(directory: ByteString): readonly ByteString[] {
    try {
      return readdirSync(rawPath(this.#root, directory), { encoding: 'buffer' })
        .map((name) => name.toString('latin1'))
        .toSorted(compareByteStrings);
    } catch (error) {
      throw readFailure(directory, error);
    }
  }

  #facts(path: ByteString, raw: RawPath): FileFacts {
    try {
      return readFacts(raw);
    } catch (error) {
      throw readFailure(path, error);
    }
  }

  async #breathe(): Promise<void> {
    await setImmediate();
    this.#options.signal.throwIfAborted();
    this.#yieldedAt = performance.now();
  }
}

/** True for names that were separate files below: each is the same as before, but they are one file now. */
function isNewGroup({ members }: LinkGroup): boolean {
  const keys = new Set(members.map(({ lower }) => lower?.hardLinkKey));
  return members.length > 1 && (keys.size > 1 || keys.has(undefined));
}

function reservedName(path: ByteString): BuildError {
  return new BuildError(
    'LAYER_INVALID',
    `the command created /${byteStringToUtf8(path)}: names that begin with .wh. are reserved for removals in an image`,
    {
      hint: 'Give the file another name, or remove it in the same RUN.',
    },
  );
}

function vanished(path: ByteString, cause?: unknown): BuildError {
  return new BuildError('SNAPSHOT_FAILED', `/${byteStringToUtf8(path)} vanished while the layer was written`, {
    cause,
  });
}

function readFailure(path: ByteString, error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'ENOENT') return vanished(path, error);
  if (code !== 'ENAMETOOLONG') return error;
  const shown = byteStringToUtf8(path.slice(0, 60));
  return new BuildError(
    'SNAPSHOT_FAILED',
    `the command created a path that is too long to read: /${shown}… (${path.length} bytes)`,
    {
      hint: 'Paths of an image may have at most about 4000 bytes.',
      cause: error,
    },
  );
}
