import { createHash } from 'node:crypto';
import { closeSync, constants, mkdirSync, openSync, readdirSync, readlinkSync, readSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Digest, LayerEntry } from '@tsbuild/oci';
import {
  baseName,
  type FsckOptions,
  errorCode,
  isWhiteoutName,
  type RawPath,
  rawPath,
  temporaryPath,
} from '@tsbuild/oci/internal';
import { type LayerIndex } from '@tsbuild/oci/node';
import { readFacts } from '../disk/file-facts.ts';
import { removeTree } from '../disk/remove-tree.ts';
import { storePath } from '../disk/store-paths.ts';
import { parseSnapshotName } from './snapshot-name.ts';

/** What is known of the layers behind the unpacked directories. */
export interface SnapshotLayers {
  /** The layer that a stack ends with, by its chainID. */
  readonly chains: ReadonlyMap<Digest, Digest>;
  /** The index of a layer; undefined when it cannot be had. */
  index(layer: Digest): Promise<LayerIndex | undefined>;
}

/**
 * Compares every unpacked layer in `<root>/snapshots` with its layer's index: each entry there, of its type, and its content
 * (with `quick`: its size). What the layer of a directory was cannot always be told; such a directory is passed over.
 * @returns how many were compared
 */
export async function verifySnapshots(root: string, layers: SnapshotLayers, options: FsckOptions): Promise<number> {
  const folder = storePath(root, 'snapshots');
  let count = 0;
  for (const name of namesIn(folder)) {
    options.signal.throwIfAborted();
    const parsed = parseSnapshotName(name);
    if (parsed === undefined) continue;
    const digest: Digest = `sha256:${parsed.hex}`;
    const layer = parsed.isChain ? layers.chains.get(digest) : digest;
    const index = layer === undefined ? undefined : await layers.index(layer);
    if (index === undefined) continue;
    count++;
    const why = await faultOf(join(folder, name), index, options);
    if (why === undefined) continue;
    const repair = {
      done: 'removed; the layer is unpacked again when it is needed',
      run: () => takeAway(root, join(folder, name)),
    };
    options.report({
      severity: 'damaged',
      kind: 'snapshot',
      path: storePath('', 'snapshots', name),
      message: why,
      repair,
    });
  }
  return count;
}

/** Out of the way at once, so that no build finds half of it. */
async function takeAway(root: string, path: string): Promise<void> {
  const trash = temporaryPath(storePath(root, 'tmp'), 'snapshot');
  mkdirSync(dirname(trash), { recursive: true, mode: 0o755 });
  renameSync(path, trash);
  await removeTree(trash);
}

async function faultOf(directory: string, index: LayerIndex, options: FsckOptions): Promise<string | undefined> {
  const root: RawPath = Buffer.from(directory);
  let seen = 0;
  for (const entry of index.entries()) {
    if (entry.path === '' || isWhiteoutName(baseName(entry.path))) continue;
    if (++seen % 200 === 0) {
      await setImmediate();
      options.signal.throwIfAborted();
    }
    const fault = entryFault(root, entry, options.quick);
    if (fault !== undefined) return `${JSON.stringify(entry.path)} ${fault}`;
  }
  return undefined;
}

function entryFault(root: RawPath, entry: LayerEntry, quick: boolean): string | undefined {
  // Without root's rights devices cannot be made.
  if (entry.type === 'char' || entry.type === 'block') return undefined;
  const path = rawPath(root, entry.path);
  try {
    const facts = readFacts(path);
    const type = entry.type === 'hardlink' ? 'file' : entry.type;
    if (facts.type !== type) return `is a ${facts.type} instead of a ${type}`;
    if (type === 'symlink' && readlinkSync(path, { encoding: 'latin1' }) !== entry.linkPath) return 'points elsewhere';
    if (entry.type !== 'file') return undefined;
    if (facts.size !== entry.size) return `has ${facts.size} bytes instead of ${entry.size}`;
    if (quick || entry.size === 0 || entry.contentSha256 === undefined) return undefined;
    return contentSha256(path) === entry.contentSha256 ? undefined : 'has another content';
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'is missing';
    // Deeper than a path can be long: it was made by other means, and can be read only by them.
    if (code === 'ENAMETOOLONG') return undefined;
    if (code === undefined) throw error;
    return `cannot be read: ${code}`;
  }
}

const CHUNK = 256 * 1024;

function contentSha256(path: RawPath): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, count));
    }
    return hash.digest('hex');
  } finally {
    closeSync(fd);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
